"""What does a report hold? One frozen value; its canonical JSON is hashed, and all forms are made of it."""

import datetime as dt
import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from service.evidence.documents import ReasonDocument, RefusalDocument, SlopeDocument, Unanswered
from service.hypotheses.schemas import Amendment
from service.levers.discoveries import FalseDiscoveryView

FORMAT: Literal["leverboard-report/1"] = "leverboard-report/1"


class Part(BaseModel):
    """Frozen, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MetricPart(Part):
    """A metric in the version that was measured."""

    ref: str = Field(description="As results name it: id@version.")
    id: str
    version: int
    name: str
    kind: str
    state: str | None = Field(description="Of a CPI: provisional or qualified, when the report was made.")
    share: bool = Field(description="A share of units: effects are fractions, told in percentage points.")
    unit: str | None = Field(description="Of a CPI, such as minute.")


class HypothesisPart(Part):
    """What was claimed before the data, in the version that is registered."""

    id: str
    version: int
    sha256: str
    statement: str
    cpi: MetricPart
    kpi: MetricPart
    increment: str
    step: float = Field(description="One increment of improvement, in raw units.")
    direction: str
    smallest_slope: float
    direct_effect_bound: float | None
    alpha: float
    window: str
    unit_type: str
    rationale: str
    owner: str
    team: str
    registered_at: dt.datetime
    registered_by: str
    amendments: tuple[Amendment, ...]


class ArmPart(Part):
    """An arm as it was planned."""

    name: str
    control: bool
    weight: float
    description: str | None


class PhasePart(Part):
    """A stretch of constant weights."""

    number: int
    started_at: dt.datetime
    weights: dict[str, float]


class PlanPart(Part):
    """The frozen plan of the experiment, and when it was carried out."""

    id: str
    name: str
    team: str
    owner: str
    unit_type: str
    state: str
    arms: tuple[ArmPart, ...]
    planned_units: int
    planned_looks: int
    randomised_by: str
    cluster: str | None
    analysis: dict[str, JsonValue]
    phases: tuple[PhasePart, ...]
    sha256: str | None
    approved_at: dt.datetime | None
    started_at: dt.datetime | None
    stopped_at: dt.datetime | None


class GroupPart(Part):
    """Metrics by why they are measured, as references."""

    goal: tuple[str, ...]
    secondary: tuple[str, ...]
    guardrail: tuple[str, ...]


class RunPart(Part):
    """The run that is told, its result and provenance digit for digit as the run keeps them."""

    id: str
    type: str
    as_of: dt.datetime
    finished_at: dt.datetime | None
    created_by: str
    result: dict[str, JsonValue]
    provenance: dict[str, JsonValue]
    snapshot: str | None


class LookPart(Part):
    """Which verdict of the hypothesis it was, and at which error rate it was issued."""

    number: int
    alpha: float
    information: float
    due_at: float


class ExperimentRef(Part):
    """An experiment by id and name, and why it is named."""

    experiment_id: str
    name: str
    why: str | None


class VerdictPart(Part):
    """A verdict as it was recorded."""

    id: str
    state: str
    label: str | None
    slope: SlopeDocument | Unanswered
    reasons: tuple[ReasonDocument, ...]
    needed_units_per_arm: int | None
    sentence: str
    at: dt.datetime
    run_id: str
    hypothesis_version: int
    hypothesis_hash: str
    rule: dict[str, JsonValue]
    relationship: dict[str, JsonValue]
    alpha: float = Field(description="The error rate that its intervals are shown at.")
    look: LookPart | None
    missing: tuple[ExperimentRef, ...]
    false_discovery: FalseDiscoveryView | Unanswered | None = Field(
        description="Beside the verdict, over the whole program, when the report was made."
    )


class HistoryPart(Part):
    """An earlier verdict."""

    id: str
    at: dt.datetime
    state: str
    label: str | None
    slope: SlopeDocument | Unanswered
    sentence: str


class EvidencePart(Part):
    """What the counting run of one experiment said on the hypothesis, and what it was made of."""

    experiment_id: str
    name: str
    run_id: str
    used: bool
    as_of: dt.datetime
    plan_hash: str
    fingerprint: str
    contrasts: dict[str, JsonValue] | None
    not_estimable: RefusalDocument | None
    provenance: dict[str, JsonValue] | None
    snapshot: str | None


class CarrierPart(Part):
    """Who answers for a lever, and up to which level of the CPI."""

    team: str
    person: str | None
    target: float | None
    by: dt.date | None


class LinePart(Part):
    """One lever as the board shows it."""

    hypothesis_id: str
    statement: str
    cpi: str
    kpi: str
    share: bool
    provisional: bool
    increment: str
    smallest_slope: float
    state: str
    label: str | None
    proven: bool
    outdated: bool
    sentence: str | None
    slope: SlopeDocument | None
    experiments: int
    mechanisms: int
    false_discovery: FalseDiscoveryView | Unanswered | None = Field(
        description="Over the whole program, when the report was made; null for what was never judged."
    )
    log_e_value: float | None = Field(description="From which the share by E values is made.")
    verdict_id: str | None
    judged_at: dt.datetime | None
    carried_by: CarrierPart | None
    team: str
    owner: str


class ChangePart(Part):
    """A verdict that was issued in the time that a digest covers."""

    hypothesis_id: str
    verdict_id: str
    at: dt.datetime
    before: str | None
    before_label: str | None
    after: str
    label: str | None
    slope: SlopeDocument | Unanswered
    alpha: float | None = Field(description="The error rate it was issued at; null where none was spent.")
    reasons: tuple[ReasonDocument, ...]
    sentence: str


class _Bundle(Part):
    format: Literal["leverboard-report/1"] = FORMAT
    subject: str = Field(description="The id of what it is about, or board.")
    title: str
    team: str | None
    answer: str = Field(description="In one sentence, in English, as it was recorded.")


class ExperimentBundle(_Bundle):
    """One run of one experiment."""

    kind: Literal["experiment"] = "experiment"
    plan: PlanPart
    hypotheses: tuple[HypothesisPart, ...]
    metrics: tuple[MetricPart, ...]
    groups: GroupPart
    mechanisms: dict[str, str] = Field(description="Names by id.")
    run: RunPart
    rules: dict[str, dict[str, JsonValue]] = Field(
        description="By hypothesis: the rule of the verdict that this run led to."
    )
    others: dict[str, tuple[EvidencePart, ...]] = Field(
        description="By hypothesis: what other experiments said, where its verdict rests on them too."
    )


class LeverBundle(_Bundle):
    """All that is known of one hypothesis."""

    kind: Literal["lever"] = "lever"
    hypothesis: HypothesisPart
    verdict: VerdictPart | None
    proven: bool
    outdated: bool
    history: tuple[HistoryPart, ...]
    evidence: tuple[EvidencePart, ...]
    awaited: tuple[ExperimentRef, ...]
    mechanisms: dict[str, str]
    carried_by: CarrierPart | None


class BoardBundle(_Bundle):
    """All levers at one moment, and what was concluded since the digest before."""

    kind: Literal["board"] = "board"
    as_of: dt.datetime
    since: dt.datetime
    standings: dict[str, int]
    levers: tuple[LinePart, ...]
    changes: tuple[ChangePart, ...]


type Bundle = Annotated[ExperimentBundle | LeverBundle | BoardBundle, Field(discriminator="kind")]
BUNDLE: TypeAdapter[ExperimentBundle | LeverBundle | BoardBundle] = TypeAdapter(Bundle)


def schema() -> dict[str, Any]:
    """The JSON Schema of every bundle of this format."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{FORMAT.replace('/', ':')}",
        "title": "Leverboard report",
        **BUNDLE.json_schema(),
    }


def schema_text() -> str:
    """The committed document, docs/report.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
