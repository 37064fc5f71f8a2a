"""In which words and digits does a report speak? Those of its language; names stay what they are."""

import datetime as dt
from dataclasses import dataclass
from gettext import NullTranslations

from service.kit import numbers
from service.kit.languages import translations

# A name may hold marks that turn the text around it about: in no form of a report does one get that far.
_TURNING = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def inert(text: str) -> str:
    """The text without marks that change the direction of what stands around it."""
    return text.translate(_TURNING)


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

    def number(self, value: float | None, *, signed: bool = False) -> str:
        return numbers.number(value, self.language, signed=signed)

    def count(self, value: int) -> str:
        return numbers.count(value, self.language)

    def date(self, value: dt.date) -> str:
        return numbers.date(value, self.language)

    def moment(self, value: dt.datetime) -> str:
        return numbers.moment(value, self.language)
