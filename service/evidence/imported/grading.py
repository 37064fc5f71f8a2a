"""What do past experiments say of a hypothesis, and what should be run next? Pure; never a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil

from pydantic import JsonValue, TypeAdapter

from analyses import (
    Allocation,
    Check,
    ExperimentContrasts,
    Json,
    Judgement,
    NotEstimable,
    PlannedArm,
    PlannedArmRole,
    Relationship,
    Rule,
    as_json,
    deciding_experiment,
    first_stage,
    judge,
    look_alpha,
    srm,
    unanswered,
)
from service.evidence.documents import (
    CheckDocument,
    ContrastsDocument,
    ReasonDocument,
    RefusalDocument,
    Unanswered,
)
from service.evidence.imported import words
from service.evidence.imported.documents import (
    EarlyAnswerDocument,
    GradedExperiment,
    GradeDocument,
    NextArm,
    NextExperiment,
)
from service.evidence.imported.pace import Pace, paced
from service.evidence.imported.schemas import PastExperiment
from service.evidence.judgement import Basis, rule_of
from service.evidence.wording import worded
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.canonical import canonical_json, sha256_hex

POWER = 0.8
DAY = timedelta(days=1)
REPORTS: TypeAdapter[PastExperiment] = TypeAdapter(PastExperiment)
NOTHING = NotEstimable(
    reason="no_past_experiments", detail="no imported experiment measured the CPI and KPI as they stand now"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One imported experiment that counts."""

    id: str
    key: str
    name: str
    origin: str
    sha256: str
    measured: tuple[str, str]  # the versions of CPI and KPI
    document: Mapping[str, JsonValue]
    contrasts: ContrastsDocument

    @property
    def report(self) -> PastExperiment:
        return REPORTS.validate_python(self.document, strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBasis:
    """All that a grade rests on."""

    hypothesis: RegisteredHypothesis
    past: tuple[Past, ...]
    bound_evidence: int
    units_per_day: float | None
    names: Mapping[str, str]

    @property
    def key(self) -> str:
        """Changes whenever the grade might: compared before a grade is kept."""
        return sha256_hex(
            canonical_json(
                {
                    "hypothesis": self.hypothesis.sha256,
                    "past": [(one.id, one.sha256) for one in self.past],
                    "bound_evidence": self.bound_evidence,
                    "units_per_day": self.units_per_day,
                }
            )
        )


def graded(basis: PastBasis) -> GradeDocument:
    """The registered rule over contrasts that were known before: a grade, and what to run next."""
    now = (basis.hypothesis.cpi.key, basis.hypothesis.kpi.key)
    used = {one.id: _contrasts(one) for one in basis.past if one.measured == now}
    rule = _rule(basis)
    experiments = list(used.values())
    judgement = judge(rule, experiments) if experiments else unanswered(NOTHING)
    grade = words.GRADES[judgement.verdict.state]
    verdict = as_json(judgement.verdict)
    if not isinstance(verdict, dict):
        raise TypeError(f"a verdict must be a JSON object, got {type(verdict).__name__}")
    told: Json = {
        "grade": grade,
        "label": judgement.verdict.label,
        "sentence": words.retrospective(grade, judgement.verdict, len(experiments)),
        "slope": verdict["slope"],
        "reasons": verdict["reasons"],
        "mechanisms": _mechanisms(judgement),
        "experiments": [_shown(one, used.get(one.id)).model_dump(mode="json") for one in basis.past],
        "next_experiment": _next(basis, rule, experiments).model_dump(mode="json"),
        "relationship": as_json(judgement.relationship),
        "rule": as_json(rule),
    }
    return GradeDocument.model_validate(worded(told, basis.names))


def _rule(basis: PastBasis) -> Rule:
    """The registered rule. What a verdict waits for, and what was planned, concern new experiments alone."""
    return rule_of(
        Basis(
            hypothesis=basis.hypothesis,
            counted=(),
            missing=(),
            planned_shift=None,
            bound_evidence=basis.bound_evidence,
            names={},
        )
    )


def _contrasts(one: Past) -> ExperimentContrasts:
    """With the checks that a report allows."""
    found, report = one.contrasts.contrasts(), one.report
    arms = {"control": report.control, **{f"arm {arm.name}": arm for arm in report.arms}}
    weights = {name: arm.weight for name, arm in arms.items() if arm.weight is not None}
    shares = weights if len(weights) == len(arms) else None
    ratio = srm(Allocation(counts={name: arm.units for name, arm in arms.items()}, shares=shares))
    moved = [k for k, arm in enumerate(found.arms) if not arm.placebo]
    stage = first_stage(found.metrics[0], found.effects[moved, 0], found.covariance[moved, 0][:, moved, 0])
    doubts = (Check(name=one.check, passed=False, detail=one.detail) for one in report.doubts)
    return replace(found, checks=(ratio, stage, *doubts))


def _shown(one: Past, contrasts: ExperimentContrasts | None) -> GradedExperiment:
    checks: Sequence[Check] = () if contrasts is None else contrasts.checks
    other = ReasonDocument(
        code="other_version",
        text="It was imported for other versions of the metrics; import it again, as a correction, if it "
        "measured these.",
    )
    return GradedExperiment(
        id=one.id,
        key=one.key,
        name=one.name,
        origin=one.origin,
        used=contrasts is not None,
        why_not=other if contrasts is None else None,
        checks=tuple(map(CheckDocument.of, checks)),
    )


def _mechanisms(judgement: Judgement) -> int:
    found = judgement.relationship
    return len(found.mechanisms) if isinstance(found, Relationship) else 0


def _next(
    basis: PastBasis, rule: Rule, experiments: Sequence[ExperimentContrasts]
) -> NextExperiment | Unanswered:
    # what runs next is judged by a verdict, the first of its hypothesis, and this grade was none
    first = replace(rule, alpha=look_alpha(rule.alpha, 1))
    found = deciding_experiment(first, experiments) if experiments else NOTHING
    if isinstance(found, NotEstimable):
        return Unanswered(not_estimable=RefusalDocument.of(found))
    slope = f"{basis.hypothesis.smallest_slope:g} per {rule.step}"
    unpaced = NextExperiment(
        sentence=words.next_sentence(found, basis.hypothesis.cpi.name, slope, basis.names),
        arms=tuple(_arm(arm, basis.names) for arm in found.arms),
        units=found.units,
        clusters=found.clusters,
        early=tuple(EarlyAnswerDocument(fraction=one.fraction, chance=one.chance) for one in found.early),
        units_per_arm=found.units // len(found.arms),
        power=POWER,
        units_per_day=None,
        units_per_day_from=None,
        window_days=ceil(basis.hypothesis.window / DAY),
        days=None,
        why_no_days=None,
        days_sentence="",
        assumptions=words.assumptions(found, rule.direct_effect_bound),
    )
    return paced(unpaced, _pace(basis))


def _arm(arm: PlannedArm, names: Mapping[str, str]) -> NextArm:
    treatment = arm.role is PlannedArmRole.TREATMENT
    return NextArm(
        role=arm.role.value,
        mechanism=arm.mechanism,
        name=words.arm_name(arm, names),
        shift=arm.shift if treatment else None,
        seen_in=None if arm.tried is None else arm.tried[0],
    )


def _pace(basis: PastBasis) -> Pace | None:
    """As somebody said, or as fast as the latest past experiment that gives both its dates enrolled."""
    if basis.units_per_day is not None:
        return Pace(per_day=basis.units_per_day, origin="as the import says")
    paces = [found for one in basis.past if (found := _own_pace(one)) is not None]
    if not paces:
        return None
    _, per_day, name = max(paces)
    return Pace(per_day=per_day, origin=f"as “{name}” had")


def _own_pace(one: Past) -> tuple[date, float, str] | None:
    """Its end, and its units by the days that it took, both ends included."""
    report = one.report
    if report.started_on is None or report.ended_on is None:
        return None
    days = (report.ended_on - report.started_on).days + 1
    return report.ended_on, (report.control.units + sum(arm.units for arm in report.arms)) / days, one.name
