"""How is a sentence that was kept in English told in another language? By the template that it was made from.

Results, verdicts and reports are kept as they were written and never change, so their sentences stay English.
They come from some hundred templates, which the catalogues hold under the context ``kept``; what fits none of
them is told as it was kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from babel.core import Locale

from service.kit.numbers import MINUS, amount

CONTEXT = "kept"
MOST_READ = 6000  # characters; what is longer is told as it was kept
MOST_PARTS = 40
_FIELD = re.compile(r"\{(\w+)\}")
_BETWEEN = re.compile(r"(?<=[.!?]) |; |: ")
_ENDS = re.compile(r"[.!?] ")
_FIGURES = re.compile(r"[\d\s.,+\-−±%=<≤pχ²()]+")
_SIGN = re.compile(r"(?<![\w.])-(?=[\d.])")
_STEP, _STEPS = re.compile(r"[\d.,]+ .+ (?:less|more)"), {"step", "increment", "words"}
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What stands between the values of a sentence, their names, and the sentence in another language."""

    said: tuple[str, ...]
    names: tuple[str, ...]
    told: str

    @classmethod
    def of(cls, english: str, told: str) -> "Template":
        parts = _FIELD.split(english.strip())
        whole = told.strip().replace("{amount} {unit}", "{amount}")  # its form goes by the number
        return cls(said=tuple(parts[::2]), names=tuple(parts[1::2]), told=whole)

    @property
    def letters(self) -> int:
        return sum(map(len, self.said))

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the template's places, each as short as it can be; None where it does not fit."""
        first, last = self.said[0], self.said[-1]
        if len(text) < self.letters or not (text.startswith(first) and text.endswith(last)):
            return None
        at, end = len(first), len(text) - len(last)
        found = []
        for literal in self.said[1:-1]:
            # Values that stand side by side cannot be told apart: the first of them holds both.
            begins = text.find(literal, at, end) if literal else end
            if begins < 0:
                return None
            found.append(text[at:begins])
            at = begins + len(literal)
        values = dict(zip(self.names, [*found, text[at:end]], strict=True))
        counted = "amount" not in values and values.get("unit", "")[:1].isdigit()  # each 5 minutes
        return values if _NUMBER.fullmatch(values.get("amount", "0")) and not counted else None

    def filled(self, values: Mapping[str, str]) -> str:
        """A value is set in as it is, whatever signs it holds."""
        return _FIELD.sub(lambda field: values[field[1]], self.told)


class Sentences:
    """The templates of one language, and what they make of a text."""

    def __init__(self, language: str, templates: Iterable[tuple[str, str]]) -> None:
        made = [Template.of(english, told) for english, told in templates if told]
        open_ones = (one for one in made if one.names)
        self._language = language
        self._fixed = {one.said[0]: one.told for one in made if not one.names}
        self._open = sorted(open_ones, key=lambda one: one.letters, reverse=True)  # the most particular first
        self._stop = "。" if language == "zh" else "."
        self.told = lru_cache(maxsize=20_000)(self._told)  # a board says the same reasons again and again

    @cached_property
    def _marks(self) -> tuple[str, str]:
        symbols = Locale.parse(self._language).number_symbols["latn"]
        return str(symbols["decimal"]), str(symbols["group"])

    def _told(self, text: str) -> str:
        """All of it by one template, else part by part, the longest stretches first."""
        if not self._open or len(text) > MOST_READ:
            return text
        whole = self._matched(text)
        if whole is not None:
            return whole
        told = "".join(self._in_parts(text))
        return told if told != text else self._matched(text, across=True) or text

    def _matched(self, text: str, *, across: bool = False) -> str | None:
        """By the template that fits, whose values reach across the end of a sentence only where told so."""
        if text in self._fixed:
            return self._fixed[text]
        for template in self._open:
            values = template.values(text)
            if values is not None and (across or not any(map(_ENDS.search, values.values()))):
                told = {name: self._value(name, value) for name, value in values.items()}
                return template.filled(told | self._measured(values))
        return self._as_sentence(text)

    def _as_sentence(self, text: str) -> str | None:
        """A clause that became a sentence: with a capital and a full stop."""
        if not text.endswith(".") or not text[0].isupper():
            return None
        told = self._matched(text[0].lower() + text[1:-1])
        return None if told is None else told[:1].upper() + told[1:] + self._stop

    def _in_parts(self, text: str) -> Iterator[str]:
        cuts = [(found.start(), found.end()) for found in _BETWEEN.finditer(text)][:MOST_PARTS]
        starts = [0, *(end for _, end in cuts)]
        ends = [*(start for start, _ in cuts), len(text)]
        i = 0
        while i < len(starts):
            stretches = ((j, self._matched(text[starts[i] : ends[j]])) for j in reversed(range(i, len(ends))))
            j, told = next(((j, told) for j, told in stretches if told is not None), (i, None))
            yield text[starts[i] : ends[j]] if told is None else told
            yield text[ends[j] : starts[j + 1]] if j + 1 < len(starts) else ""
            i = j + 1

    def _value(self, name: str, text: str) -> str:
        """A sentence inside a sentence is told, figures are written anew, and a name stays what it is."""
        if _STEP.fullmatch(text) and name not in _STEPS:  # somebody called a metric "2 calls less"
            return text
        if _FIGURES.fullmatch(text) and any(map(str.isdigit, text)):
            return _NUMBER.sub(lambda figure: self._figure(figure[0]), _SIGN.sub(MINUS, text))
        bare = text.strip()
        return text.replace(bare, self.told(bare), 1) if bare else text

    def _measured(self, values: Mapping[str, str]) -> dict[str, str]:
        """A number and its unit are written together, since a unit takes its form from the number."""
        if "unit" not in values:
            return {}
        if "amount" not in values:
            return {"unit": amount(1.0, values["unit"], self._language).removeprefix("1").strip()}
        return {"amount": amount(float(values["amount"].replace(",", "")), values["unit"], self._language)}

    def _figure(self, text: str) -> str:
        decimal, group = self._marks
        return text.translate(str.maketrans(".,", decimal + group))
