"""How many days does the next experiment take? Only as somebody said, or as past experiments went."""

from dataclasses import dataclass
from math import ceil

from service.evidence.documents import ReasonDocument
from service.evidence.imported.documents import NextExperiment

UNKNOWN = ReasonDocument(
    code="traffic_unknown",
    text="Nobody said how many units a day it would get, and no past experiment gives both its dates: the "
    "days are unknown.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """New units a day, and who says so."""

    per_day: float
    origin: str


def paced(found: NextExperiment, pace: Pace | None) -> NextExperiment:
    """The plan with its days: enrolment at this pace, then the window."""
    if pace is None:
        told = {"units_per_day": None, "units_per_day_from": None, "days": None}
        return found.model_copy(update={**told, "why_no_days": UNKNOWN, "days_sentence": UNKNOWN.text})
    days = ceil(found.units / pace.per_day) + found.window_days
    return found.model_copy(
        update={
            "units_per_day": pace.per_day,
            "units_per_day_from": pace.origin,
            "days": days,
            "why_no_days": None,
            "days_sentence": f"At {pace.per_day:,.6g} new units a day, {pace.origin}, it takes {days:,} "
            f"days, the window of {found.window_days:,} included.",
        }
    )
