"""What else do the data say, past the verdict? Shapes on the wire; nothing here ever enters a verdict."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.evidence.documents import Unanswered


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetShape(StrEnum):
    """What a confidence set of a ratio can look like."""

    INTERVAL = "interval"
    INTERVALS = "intervals"
    RAYS = "rays"
    LINE = "line"
    EMPTY = "empty"


class SetDocument(_Document):
    """Slopes that the data do not refute: pieces in rising order, null for an open end."""

    shape: SetShape
    set: tuple[tuple[float | None, float | None], ...]


class EstimateDocument(_Document):
    """A number with its uncertainty."""

    value: float
    std_error: float
    interval: tuple[float | None, float | None]
    p_value: float


class FitDocument(_Document):
    """Whether a model fits all contrasts: small p-values say that it does not."""

    statistic: float
    df: int
    p_value: float


class CpiSlopeDocument(_Document):
    """One CPI's own slope, the others held still: KPI units per increment of improvement."""

    metric: str
    estimate: float | None
    set: SetDocument
    p_value: float = Field(description="Of a slope of 0 with the other slopes left free.")


class SeveralCpisDocument(_Document):
    """Which of several CPIs that moved together is the lever."""

    kpi: str
    contrasts: int
    slopes: tuple[CpiSlopeDocument, ...]
    p_together: float = Field(description="Of arms that cannot tell these CPIs apart.")
    overidentification: FitDocument | Unanswered


class KpiSlopeDocument(_Document):
    """The CPI's slope on one KPI; sets of all KPIs hold together, `adjusted` is Holm's p-value."""

    kpi: str
    estimate: float
    set: SetDocument
    p_value: float
    adjusted: float
    overidentification: FitDocument | Unanswered


class RefusedKpi(_Document):
    """A KPI without a slope, and why."""

    kpi: str
    reason: Unanswered


class SeveralKpisDocument(_Document):
    """What else the CPI moves, with the number of questions taken into account."""

    cpi: str
    slopes: tuple[KpiSlopeDocument, ...]
    refused: tuple[RefusedKpi, ...]


class DoseDocument(_Document):
    """One arm, or the control (null): how far it moved the CPI, in increments of improvement."""

    arm: str | None
    shift: float
    std_error: float


class DoseRangeDocument(_Document):
    """The slope between two neighbouring doses, and nowhere else; all ranges hold together."""

    lower: DoseDocument
    upper: DoseDocument
    estimate: float | None
    set: SetDocument


class DoseResponseDocument(_Document):
    """Whether each further increment is worth the same, at the doses that were tested."""

    mechanism: str
    doses: tuple[DoseDocument, ...]
    linear: FitDocument | Unanswered
    with_side_effect: FitDocument | Unanswered
    bend: EstimateDocument | Unanswered = Field(
        description="Change of the slope per increment, of a quadratic."
    )
    curved: FitDocument | Unanswered = Field(description="What a quadratic leaves unexplained.")
    linearity_stands: bool
    slope: SetDocument | None
    ranges: tuple[DoseRangeDocument, ...]
    advice: str


class MechanismDoses(_Document):
    """One mechanism in this experiment."""

    mechanism: str
    found: DoseResponseDocument | Unanswered


class RobustnessDocument(_Document):
    """How strong something unmeasured must be to explain the unit slope away: shares of residual variance."""

    partial_r2: float
    value: float
    value_alpha: float


class MediationDocument(_Document):
    """One arm's effect on the KPI split into what seems to pass through the CPI (acme) and past it (ade)."""

    acme: EstimateDocument
    ade: EstimateDocument
    total: EstimateDocument
    share: float | None
    unit_slope: EstimateDocument = Field(description="KPI units per raw unit of the CPI, within arms.")
    robustness: RobustnessDocument
    rho: float = Field(description="Correlation of the errors at which the ACME would be 0.")
    r2_star: float
    r2_tilde: float
    acme_at: tuple[tuple[float, float], ...] = Field(description="The ACME at other correlations.")
    interaction: float = Field(description="P-value of one slope in both arms.")
    assumption: str


class ArmMediation(_Document):
    """One arm against the control."""

    arm: str
    found: MediationDocument | Unanswered


class Mediations(_Document):
    """By who has which CPI within an arm; `randomised` is the slope that the arms themselves give."""

    status: Literal["exploratory"]
    note: str
    randomised: SetDocument | Unanswered
    arms: tuple[ArmMediation, ...]


class IndexEffectDocument(_Document):
    """One arm on the index and on the KPI; `gap` is what the CPIs do not carry."""

    arm: str
    index: EstimateDocument
    kpi: EstimateDocument
    gap: EstimateDocument
    variance_ratio: float | None = Field(description="How many times fewer units the index would need.")


class SurrogateIndexDocument(_Document):
    """The KPI as foretold from the CPIs of this experiment's control units."""

    cpis: tuple[str, ...]
    weights: tuple[float, ...]
    explained: float
    effects: tuple[IndexEffectDocument, ...]
    note: str


class ProxyValueDocument(_Document):
    """Correlation of a measured effect on the stand-in with the true effect on the KPI."""

    metric: str
    quality: float
    std_error: float


class ProxiesDocument(_Document):
    """CPIs as stand-ins for the KPI over all experiments that count."""

    experiments: int
    kpi: ProxyValueDocument
    cpis: tuple[ProxyValueDocument, ...]
    mix: ProxyValueDocument
    weights: tuple[float, ...]
    note: str


class Steering(_Document):
    """Stand-ins for a KPI that is slow to come: to steer by, never proof."""

    status: Literal["steering"]
    surrogate_index: SurrogateIndexDocument | Unanswered
    proxies: ProxiesDocument | Unanswered


class Exploration(_Document):
    """What the data say past the verdict. Exploratory throughout: it can confirm and reject nothing.

    `several_cpis` and `steering.proxies` use every experiment that counts, all else this run's alone.
    """

    status: Literal["exploratory"]
    names: dict[str, str] = Field(description="What people call the metrics and experiments.")
    several_cpis: SeveralCpisDocument | Unanswered
    several_kpis: SeveralKpisDocument | Unanswered
    dose_response: tuple[MechanismDoses, ...]
    mediation: Mediations
    steering: Steering
