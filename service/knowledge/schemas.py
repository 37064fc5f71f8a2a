"""What do notes, findings and the program look like on the wire?"""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from service.evidence.documents import Unanswered
from service.kit.text import Id, Note, Wire
from service.knowledge.tables import NoteRow

_DRAFT: JsonDict = {
    "subject": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "text": "Customers who phone first are not reached by this; try the call centre next.",
}
_NOTE: JsonDict = _DRAFT | {
    "id": "not_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "team": "growth",
    "author": "ada@example.com",
    "at": "2026-11-22T09:00:00Z",
}


class NoteDraft(Wire):
    """Something learnt, and what it is about."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DRAFT]})

    subject: Id = Field(description="the id of a metric, a mechanism, a hypothesis or an experiment")
    text: Note


class NoteView(NoteDraft):
    """A note as it was written."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NOTE]})

    id: str
    team: str
    author: str
    at: datetime

    @classmethod
    def of(cls, row: NoteRow) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class KnowledgeKind(StrEnum):
    """What was found."""

    HYPOTHESIS = "hypothesis"
    RESULT = "result"  # what was concluded of a hypothesis
    EXPERIMENT = "experiment"
    METRIC = "metric"
    MECHANISM = "mechanism"
    NOTE = "note"


class Hit(BaseModel):
    """One thing that has every word that was looked for."""

    model_config = ConfigDict(frozen=True)

    kind: KnowledgeKind
    id: str
    subject: str = Field(description="What it is about: of a result the hypothesis, of a note its subject.")
    title: str
    excerpt: str = Field(description="Where the words stand.")
    score: float = Field(description="BM25; comparable within one answer alone.")
    team: str
    at: datetime


class Hits(BaseModel):
    """What was found, the best first."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "found": 1,
                    "items": [
                        {
                            "kind": "result",
                            "id": "ver_01kq3v5w8x9y2z4a6b8c0d1e2f",
                            "subject": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
                            "title": "Quick quote → Conversion",
                            "excerpt": "Inconclusive. “Conversion” changes by +0.021 per 1 minute less",
                            "score": 4.2,
                            "team": "growth",
                            "at": "2026-11-22T09:00:00Z",
                        }
                    ],
                }
            ]
        },
    )

    found: int = Field(description="In all, more than are given perhaps.")
    items: tuple[Hit, ...]


class Gains(BaseModel):
    """What the winning arms add up to in one KPI, per unit that meets them."""

    model_config = ConfigDict(frozen=True)

    wins: int
    as_measured: float = Field(
        description="The winners' estimates added up: too much, since winners were lucky."
    )
    shrunk: float = Field(description="The same after shrinkage toward what all experiments did.")
    std_error: float
    interval: tuple[float, float] = Field(description="95 %, of the shrunk sum.")
    value: float | None = Field(description="The shrunk sum in money; null where one unit has no value.")
    value_interval: tuple[float, float] | None
    currency: str | None


class KpiProgram(BaseModel):
    """What experiments did to one KPI."""

    model_config = ConfigDict(frozen=True)

    metric: str = Field(description="The pinned version.")
    name: str
    share: bool
    experiments: int = Field(description="With a final result on it.")
    wins: int = Field(description="With an arm whose interval lies on the side that was hoped for.")
    losses: int = Field(description="With an arm whose interval lies on the other side, and none that won.")
    win_rate: float | None
    gains: Gains | Unanswered


_PROGRAM: JsonDict = {
    "planned": 3,
    "started": 14,
    "finished": 12,
    "answered": 9,
    "learning_rate": 0.75,
    "with_result": 11,
    "won": 4,
    "win_rate": 0.364,
    "hypotheses": 20,
    "decided": 8,
    "confirmed": 5,
    "false_confirmed": 0.031,
    "by_kpi": [
        {
            "metric": "met_01kq3v5w8x9y2z4a6b8c0d1e2g@1",
            "name": "Conversion",
            "share": True,
            "experiments": 11,
            "wins": 4,
            "losses": 1,
            "win_rate": 0.364,
            "gains": {
                "wins": 4,
                "as_measured": 0.041,
                "shrunk": 0.032,
                "std_error": 0.005,
                "interval": [0.022, 0.042],
                "value": 4.16,
                "value_interval": [2.86, 5.46],
                "currency": "EUR",
            },
        }
    ],
}


class Program(BaseModel):
    """How the whole program of experiments goes."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_PROGRAM]})

    planned: int = Field(description="Drafted or approved, and not started.")
    started: int
    finished: int = Field(description="Stopped or concluded.")
    answered: int = Field(
        description="Of the finished ones, those that a confirmed or rejected verdict rests on, or that "
        "moved a KPI beyond doubt, either way."
    )
    learning_rate: float | None = Field(description="Answered over finished; null while none is finished.")
    with_result: int = Field(
        description="Of the finished ones, those with a final result on a KPI under test."
    )
    won: int = Field(description="Of those, the ones with a winning arm on a KPI under test.")
    win_rate: float | None
    hypotheses: int = Field(description="Registered.")
    decided: int = Field(description="Confirmed or rejected.")
    confirmed: int
    false_confirmed: float | None = Field(
        description="Expected share of false ones among all levers that are as sure as every confirmed one, "
        "whatever ties them together (Benjamini-Yekutieli over all hypotheses with a p-value); null where "
        "none is confirmed, or one was before p-values were kept."
    )
    by_kpi: tuple[KpiProgram, ...]
