"""How is a posterior kept and shown? Probabilities, slopes, and what vouches for them."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from service.evidence.documents import CheckDocument, RefusalDocument, Unanswered

type Ends = tuple[float | None, float | None]


class Document(BaseModel):
    """Frozen; every field is always there."""

    model_config = ConfigDict(frozen=True)


class ProbabilityDocument(Document):
    """A probability, and the Monte Carlo error of its computation."""

    value: float = Field(ge=0, le=1)
    mc_error: float = Field(description="Of the computation: no doubt about the lever is in it.")


class MarginalDocument(Document):
    """One quantity's posterior: mean, standard deviation, median and equal-tailed 95 % interval."""

    mean: float
    deviation: float
    median: float
    interval: Ends


class ExperimentSlopeDocument(Document):
    """One experiment's own slope, drawn towards the others by what they say."""

    experiment: str
    name: str = Field(description="What the experiment is called.")
    slope: MarginalDocument
    p_positive: float = Field(description="That its slope has the hypothesised sign.")
    rank: float = Field(description="Mean rank; 1 is the strongest slope in the hypothesised direction.")
    rank_interval: Ends
    p_strongest: float


class SensitivityDocument(Document):
    """The same with the prior's scales of slopes and direct effects multiplied by `factor`."""

    factor: float
    p_positive: float
    p_below_smallest: float
    p_new_positive: float
    slope: MarginalDocument


class PredictedDocument(Document):
    """Posterior predictive check: a small p says that contrasts lie further off than the model lets them."""

    p_value: float
    farthest: str = Field(description="The experiment that lies furthest off.")
    p_farthest: float


class AuditDocument(Document):
    """The same posterior by the other method."""

    method: str
    p_positive: float
    slope_mean: float
    apart: float = Field(description="How many Monte Carlo errors the two methods lie apart.")


class DiagnosticsDocument(Document):
    """What vouches for the draws; null where the method has no such figure."""

    draws: int
    ess: float
    psis_k: float | None
    r_hat: float | None
    tail_ess: float | None
    divergences: int | None


class PriorDocument(Document):
    """Standard deviations of what was believed before.

    Slopes in smallest slopes of interest, direct effects in what such a slope does to a typical shift, shifts
    in typical shifts.
    """

    slope: float
    slope_spread: float
    direct: float
    direct_spread: float
    shift: float
    shift_spread: float


class PosteriorDocument(Document):
    """Slopes in KPI units per increment of improvement; probabilities of the hypothesised direction."""

    method: str
    p_positive: ProbabilityDocument = Field(description="That the mean slope has the hypothesised sign.")
    p_below_smallest: ProbabilityDocument = Field(
        description="That it is below the smallest slope of interest."
    )
    p_new_positive: ProbabilityDocument = Field(description="That a new experiment's slope has that sign.")
    slope: MarginalDocument
    slope_spread: MarginalDocument = Field(description="Standard deviation of slopes between experiments.")
    direct_effect: MarginalDocument = Field(
        description="What all arms do to the KPI past the CPI, in KPI units of an arm."
    )
    direct_spread: MarginalDocument
    experiments: tuple[ExperimentSlopeDocument, ...]
    sensitivity: tuple[SensitivityDocument | Unanswered, ...]
    predicted: PredictedDocument
    checks: tuple[CheckDocument, ...]
    diagnostics: DiagnosticsDocument
    audit: AuditDocument | Unanswered | None
    prior: PriorDocument
    typical_shift: float = Field(
        description="Root mean square of the arms' shifts of the CPI, in increments."
    )
    smallest_slope: float
    contrasts: int
    seed: int


class AgreementDocument(Document):
    """Whether the posterior reads as the verdict does, in a sentence; the verdict stands either way."""

    agrees: bool
    text: str


class NextStudyDocument(Document):
    """The size of the one experiment that would decide, from what past ones have shown."""

    units: int
    arms: int
    clusters: int | None = Field(
        default=None, description="In all, where past experiments randomised whole clusters."
    )


class PosteriorResult(Document):
    """What a run computed."""

    posterior: PosteriorDocument | None
    not_estimable: RefusalDocument | None
    agreement: AgreementDocument | None = Field(description="null where there is no posterior.")
    next_study: NextStudyDocument | None
    no_next_study: RefusalDocument | None = Field(description="Why its size is not known.")


EXAMPLE: JsonDict = {
    "hypothesis_id": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "pending_run": "run_01kq3v5w8x9y2z4a6b8c0d1e2f",
}
