"""What do reports and schedules look like on the wire?"""

import re
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from service.kit.languages import LANGUAGES
from service.kit.text import Id, Wire
from service.reports.assembling_levers import BOARD
from service.reports.kinds import Form, ReportKind
from service.reports.rules import SHORTEST_EVERY, next_time

_FIVE = re.compile(r"\S+( \S+){4}")


def _a_cron(text: str) -> str:
    """Five fields, not more often than a report is worth making."""
    if not _FIVE.fullmatch(text):
        raise ValueError("expected five fields, such as 0 8 * * 1 for Mondays at 8")
    try:
        reader = croniter(text, datetime(2026, 1, 1))  # noqa: DTZ001 - wall time
        times = [reader.get_next(datetime) for _ in range(60)]
    except (CroniterError, ValueError) as error:
        raise ValueError(f"expected a cron expression of five fields: {error}") from error
    if min(later - sooner for sooner, later in pairwise(times)) < SHORTEST_EVERY:
        raise ValueError(f"expected at least {SHORTEST_EVERY} between two times")
    return text


def _a_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected an IANA time zone, such as Europe/Stockholm") from error
    return text


def _a_language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(f"expected one of {', '.join(LANGUAGES)}")
    return text


type Cron = Annotated[str, StringConstraints(max_length=100), AfterValidator(_a_cron)]
type Zone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_a_zone)]
type Language = Annotated[str, StringConstraints(max_length=20), AfterValidator(_a_language)]
type Subject = Annotated[str, StringConstraints(pattern=r"^((exp|hyp)_[0-9a-z]+|board)$", max_length=64)]


def kind_of(subject: str) -> ReportKind:
    """By the form of its id."""
    if subject == BOARD:
        return ReportKind.BOARD
    return ReportKind.EXPERIMENT if subject.startswith("exp_") else ReportKind.LEVER


class ReportDraft(Wire):
    """A report to be made now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subject": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f"}, {"subject": "board"}]}
    )

    subject: Subject = Field(description="An experiment, a hypothesis, or board.")
    run: Id | None = Field(
        default=None, description="Of an experiment: the run to be told; the latest if none."
    )
    language: Language | None = Field(default=None, description="The deployment's, if none is named.")
    receivers: tuple[Id, ...] = Field(default=(), max_length=50, description="Whom it is delivered to.")


class FormView(Wire):
    """One form in one language."""

    form: Form
    language: str
    url: str
    why_not: str | None = Field(description="Why it could not be made; null if it was.")


REPORT: JsonDict = {
    "sha256": "9f2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef01",
    "kind": "experiment",
    "subject": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "team": "growth",
    "title": "Quotes in half the time",
    "answer": "Confirmed. “Conversion” changes by +0.021 per 1 minute less.",
    "run_id": "run_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "created_at": "2026-11-20T09:00:09Z",
    "forms": [
        {
            "form": "html",
            "language": "en",
            "url": "/v1/reports/9f2c…/report.html?language=en",
            "why_not": "The worker has no WeasyPrint: install leverboard[pdf].",
        }
    ],
}


class ReportView(Wire):
    """A report as it was made: it never changes, and is addressed by the SHA-256 of its JSON bundle."""

    model_config = ConfigDict(json_schema_extra={"examples": [REPORT]})

    sha256: str
    kind: ReportKind
    subject: str
    team: str | None
    title: str
    answer: str
    run_id: str | None = Field(description="The run that it tells, where it is of one.")
    created_at: datetime
    forms: tuple[FormView, ...]


SCHEDULE: JsonDict = {
    "subject": "board",
    "cron": "0 8 * * 1",
    "zone": "Europe/Stockholm",
    "language": "en",
    "receivers": ["rcv_01kq3v5w8x9y2z4a6b8c0d1e2f"],
    "active": True,
}


class ScheduleDraft(Wire):
    """When a report is made without anybody asking; a running experiment is analysed anew first."""

    model_config = ConfigDict(json_schema_extra={"examples": [SCHEDULE]})

    subject: Subject
    cron: Cron = Field(description="Minute, hour, day, month, weekday: wall time of the zone.")
    zone: Zone = "UTC"
    language: Language | None = None
    receivers: tuple[Id, ...] = Field(default=(), max_length=50)
    active: bool = True

    @model_validator(mode="after")
    def _comes_round(self) -> Self:
        next_time(self.cron, self.zone, datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
        return self


class ChangeView(Wire):
    """Who did what, and when."""

    act: str
    fields: tuple[str, ...]
    author: str
    team: str
    at: datetime


class ScheduleView(ScheduleDraft):
    """A schedule, when it is due, and who changed it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                SCHEDULE
                | {
                    "id": "sch_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "next_at": "2026-11-23T07:00:00Z",
                    "last_at": "2026-11-16T07:00:00Z",
                    "ended": "The experiment has reported its end.",
                    "team": "growth",
                    "owner": "ada@example.com",
                    "created_at": "2026-11-01T09:00:00Z",
                }
            ]
        }
    )

    id: str
    next_at: datetime | None
    last_at: datetime | None
    ended: str | None = Field(description="Why it does no more, where it ended by itself.")
    team: str
    owner: str
    created_at: datetime
