"""How does what was typed become a document? Names with dots nest, numbers in them are rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from service.kit.errors import Invalid, Violation

_ROW = re.compile(r"(?<=\.)[0-9]+(?=\.|$)")
MOST_DIGITS = 15  # of a whole number: beyond, it is a text, which the rules refuse
MOST_DOTS = 20  # in a name: no field of ours lies deeper
LONGEST_ROW = 4  # digits of a row's number
_DAYS = re.compile(r"\d+([.,]\d+)?")
_LENGTH = TypeAdapter(timedelta)
_WORDS = {
    "missing": "This is needed.",
    "string_too_short": "This is needed.",
    "float_type": "A number is expected, such as 0.5.",
    "int_type": "A whole number is expected, such as 12.",
    "union_tag_not_found": "This is needed.",
}

type Tree = dict[str, "Tree | JsonValue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Which fields are no texts; a row's number is written ``*``: "evidence.*.customers"."""

    numbers: frozenset[str] = frozenset()
    integers: frozenset[str] = frozenset()
    switches: frozenset[str] = frozenset()  # typed at all: true
    lengths: frozenset[str] = frozenset()  # days, or ISO 8601
    scalars: frozenset[str] = frozenset()  # a number or truth where it looks like one, else a text

    def __or__(self, other: "Shape") -> "Shape":
        """What is no text in either."""
        return Shape(
            numbers=self.numbers | other.numbers,
            integers=self.integers | other.integers,
            switches=self.switches | other.switches,
            lengths=self.lengths | other.lengths,
            scalars=self.scalars | other.scalars,
        )


@dataclass(slots=True, kw_only=True)
class Document:
    """What was typed, nested; rows left empty are gone, and the numbers of the others remembered."""

    fields: dict[str, JsonValue]
    rows: dict[tuple[str, ...], str] = field(
        default_factory=dict
    )  # a row's path: the number it was typed under

    @classmethod
    def of(cls, typed: Mapping[str, str], shape: Shape) -> "Document":
        tree: Tree = {}
        for name, text in typed.items():
            if (stripped := text.strip()) and name.count(".") <= MOST_DOTS:
                _put(tree, name.split("."), _value(_ROW.sub("*", name), stripped, shape))
        made = cls(fields={})
        made.fields = {name: made._listed(part, (name,)) for name, part in tree.items()}
        return made

    def _listed(self, part: "Tree | JsonValue", path: tuple[str, ...]) -> JsonValue:
        if not isinstance(part, dict):
            return part
        if not part or not all(map(_is_row, part)):
            return {key: self._listed(value, (*path, key)) for key, value in part.items()}
        found: list[JsonValue] = []
        for key in sorted(part, key=int):
            place = (*path, str(len(found)))
            self.rows[place] = key
            found.append(self._listed(part[key], place))
        return found

    def name(self, place: Sequence[str | int]) -> str:
        """Under which name the thing at this place was typed; the tags of unions are no names."""
        here: JsonValue = self.fields
        path: tuple[str, ...] = ()
        typed: list[str] = []
        for position, step in enumerate(map(str, place)):
            inside = _inside(here, step)
            last = position == len(place) - 1
            if inside is None and not (last and isinstance(here, dict | list)):
                continue
            path = (*path, step)
            typed.append(self.rows.get(path, step))
            here = inside
        return ".".join(typed)

    def read[T: BaseModel](self, document: type[T]) -> T:
        """The same refusals as over the API."""
        try:
            return document.model_validate(self.fields)
        except ValidationError as error:
            raise Invalid(errors=_violations(error)) from error


def _violations(error: ValidationError) -> list[Violation]:
    """By their places in the document; where a document or a name may stand, a document is no bad name."""
    return [
        Violation(
            field=".".join(map(str, one["loc"])),
            rule=one["type"],
            message=_WORDS.get(one["type"], one["msg"].removeprefix("Value error, ")),
        )
        for one in error.errors(include_context=False, include_url=False)
        if not (one["type"] == "string_type" and isinstance(one["input"], dict))
    ]


def flat(document: JsonValue, prefix: str = "") -> dict[str, str]:
    """A document as it would have been typed: nothing of what is empty, whole days as their number."""
    if isinstance(document, dict):
        parts = [(key, value) for key, value in document.items()]
    elif isinstance(document, list):
        parts = [(str(position), value) for position, value in enumerate(document)]
    else:
        return {} if document is None or document is False else {prefix: _text(document)}
    found: dict[str, str] = {}
    for key, value in parts:
        found |= flat(value, f"{prefix}.{key}" if prefix else key)
    return found


def days(text: str) -> str:
    """Whole days as people type them: 7 for P7D, 365 for P1Y; other lengths stay, and what is no length."""
    try:
        length = _LENGTH.validate_python(text)
    except ValidationError:
        return text
    return text if length % timedelta(days=1) else str(length.days)


def _text(value: JsonValue) -> str:
    if value is True:
        return "true"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _put(tree: Tree, steps: list[str], value: JsonValue) -> None:
    """A name that is a field here and a branch there is no name of ours: the later one is left out."""
    *branches, leaf = steps
    here = tree
    for branch in branches:
        inside = here.setdefault(branch, {})
        if not isinstance(inside, dict):
            return
        here = inside
    here.setdefault(leaf, value)


def _is_row(step: str) -> bool:
    """Whether it counts rows: digits that int reads, and not thousands of them."""
    return step.isascii() and step.isdigit() and len(step) <= LONGEST_ROW


def _inside(here: JsonValue, step: str) -> JsonValue:
    if isinstance(here, dict):
        return here.get(step)
    if isinstance(here, list) and _is_row(step) and int(step) < len(here):
        return here[int(step)]
    return None


def _value(name: str, text: str, shape: Shape) -> JsonValue:
    """What cannot be read stays a text, which the document's own rules refuse at its place."""
    if name in shape.numbers:
        return number(text)
    if name in shape.integers:
        return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else text
    if name in shape.switches:
        return True
    if name in shape.lengths and _DAYS.fullmatch(text):
        return _iso(float(text.replace(",", ".")))
    return _scalar(text) if name in shape.scalars else text


def number(text: str) -> JsonValue:
    """A comma is a decimal point: people type what their language writes."""
    try:
        return float(text.replace(",", ".").replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", ""))
    except ValueError:
        return text


def _iso(length: float) -> str:
    if length > 10_000:
        return f"P{length:.0f}D"
    written: str = _LENGTH.dump_python(timedelta(days=length), mode="json")
    return written


def _scalar(text: str) -> JsonValue:
    if text in ("true", "false"):
        return text == "true"
    return number(text)
