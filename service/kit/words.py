"""In which words and digits is something told? Those of one language; names stay what they are."""

import datetime as dt
from dataclasses import dataclass
from gettext import NullTranslations

from service.kit import numbers
from service.kit.languages import sentences, translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language's texts, and its way of writing numbers and days."""

    language: str
    catalogue: NullTranslations

    @classmethod
    def of(cls, language: str) -> "Words":
        return cls(language=language, catalogue=translations(language))

    def gettext(self, text: str) -> str:
        return self.catalogue.gettext(text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self.catalogue.ngettext(one, many, n)

    def retold(self, kept: str) -> str:
        """A sentence that was kept in English, in this language; what nobody translated stays as it is."""
        return sentences(self.language).told(kept)

    def number(self, value: float | None, *, signed: bool = False) -> str:
        return numbers.number(value, self.language, signed=signed)

    def count(self, value: int) -> str:
        return numbers.count(value, self.language)

    def percent(self, share: float) -> str:
        return numbers.percent(share, self.language)

    def amount(self, value: float | None, unit: str) -> str:
        return numbers.amount(value, unit, self.language)

    def unit(self, unit: str) -> str:
        return numbers.unit_name(unit, self.language)

    def duration(self, span: dt.timedelta) -> str:
        return numbers.duration(span, self.language)

    def date(self, value: dt.date) -> str:
        return numbers.date(value, self.language)

    def moment(self, value: dt.datetime) -> str:
        return numbers.moment(value, self.language)
