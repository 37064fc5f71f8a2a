"""What do evidence and verdicts look like on the wire?"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from service.evidence.discovered import told_discovery
from service.evidence.documents import (
    ContrastsDocument,
    DiscoveryDocument,
    LookDocument,
    ReasonDocument,
    RefusalDocument,
    Unanswered,
    UnmeasuredDocument,
    VerdictDocument,
)
from service.evidence.rungs import STANDING, Standing, standing
from service.evidence.tables import Evidence, Verdict
from service.hypotheses.schemas import Amendment


class View(BaseModel):
    """Frozen; every field is always there."""

    model_config = ConfigDict(frozen=True)


class ExperimentRef(View):
    """An experiment by its id and name."""

    experiment_id: str
    name: str


class Awaited(ExperimentRef):
    """An experiment that the next verdict waits for, and why it has not reported."""

    run_id: str | None = Field(description="The last run, if there was one.")
    reason: ReasonDocument


class CountedRun(View):
    """The run by which an experiment counts."""

    experiment_id: str
    run_id: str
    used: bool = Field(description="False where the run could not estimate what the verdict asks.")


class EvidenceView(View):
    """What one final run says about one hypothesis."""

    id: str
    hypothesis_id: str
    experiment_id: str
    run_id: str
    counts: bool = Field(description="False where a later final run of the same experiment supersedes it.")
    named: bool = Field(description="Whether the experiment's plan names the hypothesis.")
    cpi: str = Field(description="The pinned version that was measured.")
    kpi: str
    contrasts: ContrastsDocument | None
    not_estimable: RefusalDocument | None
    unmeasured: tuple[UnmeasuredDocument, ...]
    plan_hash: str
    fingerprint: str = Field(description="Of the data that were read.")
    as_of: datetime
    created_at: datetime

    @classmethod
    def of(cls, row: Evidence, *, counts: bool) -> "EvidenceView":
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "counts"}
        return cls.model_validate({**fields, "counts": counts})


class VerdictView(VerdictDocument):
    """One conclusion from all evidence at its time, under the rule as it was registered then."""

    id: str
    hypothesis_id: str
    relationship: dict[str, JsonValue]
    rule: dict[str, JsonValue]
    hypothesis_version: int
    hypothesis_hash: str
    experiments: tuple[CountedRun, ...]
    missing: tuple[ExperimentRef, ...]
    run_id: str
    created_at: datetime
    look: LookDocument | None = Field(
        description="Which verdict of the hypothesis it is and what error rate it spent; null where a gate "
        "blocked it, which spends none."
    )
    standing: Standing = Field(
        description="On which rung of the evidence ladder it rests, and what may be concluded there."
    )
    discovery: DiscoveryDocument | Unanswered = Field(
        description="How easily chance alone would have confirmed a lever on the same evidence, or why that "
        "is not known. No part of the verdict: the board counts false discoveries by it."
    )

    @classmethod
    def of(cls, row: Verdict, look: LookDocument | None) -> "VerdictView":
        own = set(cls.model_fields) - set(VerdictDocument.model_fields) - {"look", "standing", "discovery"}
        discovery = told_discovery(row, spent=look is not None)
        told = {"look": look, "standing": standing(row), "discovery": discovery}
        return cls.model_validate(row.verdict | {name: getattr(row, name) for name in own} | told)


LOOK: JsonDict = {
    "state": "taken",
    "number": 1,
    "alpha": 0.025,
    "information": 31400.0,
    "due_at": 62800.0,
    "text": "Verdict 1 of this hypothesis, at the error rate 0.025.",
}
VERDICT: JsonDict = {
    "id": "ver_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "hypothesis_id": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "state": "inconclusive",
    "label": "supported",
    "slope": {"estimate": 0.021, "interval": [0.014, 0.028]},
    "reasons": [
        {
            "code": "one_mechanism",
            "text": "One mechanism cannot tell the CPI from its own side effects: add a second mechanism.",
        }
    ],
    "needed_units_per_arm": 84000,
    "sentence": "Inconclusive. One mechanism cannot tell the CPI from its own side effects.",
    "relationship": {"overidentification": {"statistic": 0.4, "df": 1, "p_value": 0.53}},
    "rule": {"direction": 1, "smallest_slope": 0.01, "alpha": 0.05},
    "hypothesis_version": 1,
    "hypothesis_hash": "6f1c…",
    "experiments": [
        {
            "experiment_id": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
            "run_id": "run_01kq3v5w8x9y2z4a6b8c0d1e2f",
            "used": True,
        }
    ],
    "missing": [],
    "run_id": "run_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "created_at": "2026-11-20T09:00:09Z",
    "look": LOOK,
    "standing": STANDING,
    "discovery": {"p_value": 0.00031, "log_e_value": 5.2},
}
HISTORY: JsonDict = {
    "hypothesis_id": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "statement": 'Each minute less of "Quick quote" will increase "Conversion" by at least 1 point.',
    "latest": VERDICT,
    "history": [VERDICT],
    "next": "eyJhZnRlciI6InZlcl8wMWtxM3Y1dzh4OXkyejRhNmI4YzBkMWUyZiJ9",
    "missing_now": [],
    "amendments": [],
    "last_look": LOOK,
}


class VerdictHistory(View):
    """The latest verdict, those before it, and what has happened since."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [HISTORY]})

    hypothesis_id: str
    statement: str
    latest: VerdictView | None
    history: tuple[VerdictView, ...] = Field(description="One page of all verdicts, the newest first.")
    next: str | None = Field(description="The cursor of the page after it.")
    missing_now: tuple[Awaited, ...] = Field(
        description="Experiments that started after the registration, measure both metrics, and have no "
        "final run yet: the next verdict waits for them."
    )
    amendments: tuple[Amendment, ...]
    last_look: LookDocument | None = Field(
        description="The last look at all evidence. Its text says why no verdict follows from evidence that "
        "came since: a verdict is issued when the information has doubled."
    )
