"""What passes between the queue, the worker's parent and the child that computes?"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from pydantic import JsonValue
from sqlalchemy.orm import Session

from service.kit.database import Database
from service.runs.origins import Need
from service.runs.rules import RunKind, RunType
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One attempt at a run: its inputs, pinned when it was asked for."""

    id: str
    kind: RunKind
    subject: str | None  # the id of what it is about: of an analysis, the experiment's
    type: RunType
    as_of: datetime
    attempt: int

    @property
    def about(self) -> str:
        """The id of its subject, for kinds that always have one."""
        if self.subject is None:
            raise ValueError(f"expected {self.kind} {self.id} to be about something")
        return self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a child computed; plain JSON, since it crosses a pipe and is kept for years."""

    type: RunType
    result: dict[str, JsonValue]
    provenance: dict[str, JsonValue]
    snapshot: str | None = None


def versions(libraries: Iterable[str]) -> dict[str, JsonValue]:
    """What computed it, for the provenance of a result."""
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What a child did for a duty, in numbers for the log."""

    told: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed: a stable code or exception type, and its message."""

    type: str
    message: str
    trace: str | None = None
    final: bool = False  # no further attempt could end otherwise


type ReportStage = Callable[[str, float], None]
type Compute = Callable[[Settings, Database, Task, ReportStage], Outcome]
type Perform = Callable[[Settings, Database, None, ReportStage], Performed]  # a duty is given nothing
type Record = Callable[[Session, Task, Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A kind of run: what the child computes, and what else the parent keeps, in the run's transaction.

    ``need``: what the process has in memory from which the child is forked.
    """

    compute: Compute
    record: Record
    need: Need = Need.ORDINARY


class Unanswerable(Exception):
    """Raised by a compute step where no further attempt could end otherwise: the run has failed at once."""


class Outdated(Exception):
    """Raised by a record step when what the child read has moved on since: the run is computed again."""
