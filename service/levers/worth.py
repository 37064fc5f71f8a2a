"""Which lever should be tested next? Every claim by what its deciding experiment is expected to bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy.orm import Session

from analyses import (
    QUASI_CONFOUNDED,
    NotEstimable,
    Rung,
    SlopeBelief,
    Stake,
    Worth,
    after_observation,
    untested_slope,
    worth_of_testing,
)
from service.evidence.documents import RefusalDocument
from service.evidence.posterior import service as posteriors
from service.evidence.posterior.documents import NextStudyDocument, PosteriorDocument, PosteriorResult
from service.evidence.rungs import STANDING, Standing
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.levers import service
from service.levers.schemas import LeverState, LeverView
from service.studies.schemas import LeverStudy, StudySlope

ASSUMES = (
    "A team acts on a lever that is proven, and on no other; acting pays its slope less the smallest one.",
    "The next experiment is sized as it would be planned: its standard error is the smallest slope over 2.8.",
    "A slope that nobody has tested is normal around 0, five smallest slopes of interest wide.",
    "An unrandomised slope may be all confounding at one standard deviation; a quasi-experiment's, half.",
    "Without a year's customers, one smallest slope of interest counts the same in every hypothesis.",
)


HARM = "It claims that the KPI moves the way the company does not want: nobody would act on it."
NOTHING = Worth(value=0.0, money=None, p_act=0.0, p_now=0.0)


class Basis(StrEnum):
    """What the belief about the slope comes from."""

    POSTERIOR = "posterior"
    STUDY = "study"
    PRIOR = "prior"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a year brings: customers, increments for each, and what one unit of a study costs."""

    volume: float | None
    increments: float
    cost_per_unit: float


class NextTest(BaseModel):
    """One claim, and what testing it is expected to bring."""

    model_config = ConfigDict(frozen=True)

    rank: int
    hypothesis_id: str
    statement: str
    team: str
    state: LeverState
    standing: Standing
    proven: bool = Field(description="Another experiment could only show that it has changed.")
    value: float = Field(description="Expected gain in smallest slopes of interest, per increment.")
    money: float | None = Field(
        description="A year's gain less the cost of the study; null without customers or a KPI's worth."
    )
    no_money: RefusalDocument | None = Field(
        default=None, description="Why there is no money figure, where one was asked."
    )
    currency: str | None
    p_act: float = Field(description="Chance that the team would act on the lever after the experiment.")
    p_now: float = Field(description="Chance that acting is worth it, as far as is known today.")
    believed: SlopeBelief = Field(description="Of the slope, positive in the hypothesised direction.")
    basis: Basis
    units: int | None = Field(
        default=None, description="Of the experiment that would decide, where past ones tell."
    )
    reason: str


EXAMPLE: JsonDict = {
    "rank": 1,
    "hypothesis_id": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "statement": 'Each minute less of "Quick quote" will increase "Conversion" by at least 1 point.',
    "team": "growth",
    "state": "untested",
    "standing": STANDING,
    "proven": False,
    "value": 1.53,
    "money": 397800.0,
    "currency": "EUR",
    "p_act": 0.421,
    "p_now": 0.421,
    "believed": {"mean": 0.0, "deviation": 0.05},
    "basis": "prior",
    "reason": "Nobody has tested it: slopes far larger than the smallest one of interest are possible.",
}


class NextTests(BaseModel):
    """Claims by what testing them next is expected to bring, and under which assumptions."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"items": [EXAMPLE], "assumes": []}]}
    )

    items: tuple[NextTest, ...]
    assumes: tuple[str, ...]


def ranked(session: Session, asked: Program, limit: int) -> NextTests:
    """The first of all registered claims; money ranks where customers were given and the KPI has a worth."""
    levers = service.every(session)
    ids = [lever.hypothesis_id for lever in levers]
    claimed, known = hypotheses.get_all_registered(session, ids), posteriors.latest_of(session, ids)
    results = {key: PosteriorResult.model_validate(row.document) for key, row in known.items()}
    found = [_test(claimed[one.hypothesis_id], one, results.get(one.hypothesis_id), asked) for one in levers]
    found.sort(key=lambda one: (one.money is None, -(one.money or 0.0), -one.value, one.hypothesis_id))
    return NextTests(
        items=tuple(one.model_copy(update={"rank": rank}) for rank, one in enumerate(found[:limit], start=1)),
        assumes=ASSUMES,
    )


def _test(
    claim: RegisteredHypothesis, lever: LeverView, result: PosteriorResult | None, asked: Program
) -> NextTest:
    posterior = None if result is None else result.posterior
    believed, basis = _belief(claim, lever, posterior)
    study = None if result is None else result.next_study
    proven = lever.verdict is not None and lever.verdict.proven
    priced = _worth(claim, believed, asked, study, proven=proven)
    bare = worth_of_testing(believed, claim.smallest_slope, proven=proven)
    if isinstance(bare, NotEstimable):
        raise TypeError("what is asked without a price has an answer")
    worth = NOTHING if claim.claims_harm else priced if isinstance(priced, Worth) else bare
    value = claim.kpi.value_of_one_unit
    return NextTest(
        rank=0,
        hypothesis_id=claim.id,
        statement=claim.statement,
        team=claim.team,
        state=lever.state,
        standing=lever.standing,
        proven=proven,
        value=worth.value,
        money=worth.money,
        no_money=RefusalDocument.of(priced) if isinstance(priced, NotEstimable) else None,
        currency=None if value is None or worth.money is None else value.currency,
        p_act=worth.p_act,
        p_now=worth.p_now,
        believed=believed,
        basis=basis,
        units=None if study is None else study.units,
        reason=HARM if claim.claims_harm else _reason(lever, basis),
    )


def _worth(
    claim: RegisteredHypothesis,
    believed: SlopeBelief,
    asked: Program,
    study: NextStudyDocument | None,
    *,
    proven: bool,
) -> Worth | NotEstimable:
    """In money where a year's customers were given."""
    value = claim.kpi.value_of_one_unit
    if asked.volume is not None and claim.claims_harm:
        return NotEstimable(reason="claims_harm", detail=HARM)
    if asked.volume is not None and value is None:
        return NotEstimable(
            reason="kpi_without_worth", detail="nobody has registered what one unit of the KPI is worth"
        )
    stake = None
    if asked.volume is not None and value is not None:
        stake = Stake(
            volume=asked.volume,
            increments=asked.increments,
            value_per_kpi_unit=value.amount,
            cost_per_unit=asked.cost_per_unit,
        )
    units = None if study is None else study.units
    return worth_of_testing(believed, claim.smallest_slope, proven=proven, units=units, stake=stake)


def _belief(
    claim: RegisteredHypothesis, lever: LeverView, posterior: PosteriorDocument | None
) -> tuple[SlopeBelief, Basis]:
    """From randomised evidence if there is any, else from a study, else as of what nobody has tested."""
    sign = claim.sign
    if posterior is not None:
        slope = posterior.slope
        return SlopeBelief(mean=slope.mean * sign, deviation=slope.deviation), Basis.POSTERIOR
    prior = untested_slope(claim.smallest_slope)
    study = lever.study
    if lever.verdict is None and study is not None and isinstance(study.slope, StudySlope):
        seen = _observed(prior, study, study.slope, sign)
        if seen is not None:
            return seen, Basis.STUDY
    return prior, Basis.PRIOR


def _observed(prior: SlopeBelief, study: LeverStudy, slope: StudySlope, sign: int) -> SlopeBelief | None:
    lower, upper = slope.interval
    if lower is None or upper is None or slope.estimate is None or upper <= lower:
        return None
    confounded = QUASI_CONFOUNDED if study.rung == Rung.QUASI_EXPERIMENTAL else 1.0
    error = (upper - lower) / (2 * NormalDist().inv_cdf(1 - study.alpha / 2))
    return after_observation(prior, slope.estimate * sign, error, confounded=confounded)


_REASONS: Mapping[Basis, str] = {
    Basis.PRIOR: "Nobody has tested it: slopes far larger than the smallest one of interest are possible.",
    Basis.STUDY: "Only unrandomised data speak on it, and confounding may have made what they say.",
    Basis.POSTERIOR: "",
}


_UNCOUNTED = "Its experiments say nothing that can be counted yet."


def _reason(lever: LeverView, basis: Basis) -> str:
    """Why testing it may pay, and what would settle it."""
    if lever.verdict is None:
        return _REASONS[basis]
    if lever.verdict.proven:
        return "It is proven: another experiment could only show that it has changed."
    why = " ".join(one.text for one in lever.verdict.reasons)
    if basis is Basis.PRIOR:
        why = f"{_UNCOUNTED} {why}"
    return f"{why} {lever.standing.further}".strip()
