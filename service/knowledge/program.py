"""How does the program go: how many experiments were run, how many answered, what did the winners bring?"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analyses import Measured, NotEstimable, ProgramGains, program_gains, won
from service.evidence.documents import RefusalDocument, Unanswered, VerdictState
from service.evidence.schemas import CountedRun
from service.evidence.tables import PublishedEffect, Verdict
from service.experiments.schemas import ExperimentDraft, ExperimentState
from service.experiments.tables import ExperimentRow
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.knowledge.schemas import Gains, KpiProgram, Program
from service.levers.discoveries import false_shares
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric

FINISHED = frozenset({ExperimentState.STOPPED, ExperimentState.CONCLUDED})
SURE = 1.959963984540054
_NONE_BEFORE = frozenset({ExperimentState.DRAFT, ExperimentState.APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one experiment's final run found of one KPI that it tested."""

    experiment: str
    first: Measured | None  # the plan's first arm that is no placebo: what priors are learned from
    arms: tuple[Measured, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One KPI under test, in one version, and the side that is hoped for: +1 or -1."""

    kpi: PinnedMetric
    better: int
    found: tuple[Finding, ...]

    def outcome(self, one: Finding) -> int:
        """+1 if an arm won; -1 if none did and one lost; else 0."""
        if any(won(arm, self.better) for arm in one.arms):
            return 1
        return -1 if any(won(arm, -self.better) for arm in one.arms) else 0


def program(session: Session) -> Program:
    """Everything is counted anew from what is kept: nothing here can part from the runs."""
    rows = session.execute(select(ExperimentRow.id, ExperimentRow.state))
    states = {row.id: row.state for row in rows}
    finished = {one for one, state in states.items() if state in FINISHED}
    registered = {one.id: one for one in hypotheses.registered(session)}
    tested = _tested(session, registered, finished)
    verdicts = _latest_verdicts(session)
    outcomes = _outcomes(tested)
    answered = finished & (_resting(verdicts) | {one for one, found in outcomes.items() if found})
    decided = [one for one in verdicts if one.state is not VerdictState.INCONCLUSIVE]
    winners = sum(found > 0 for found in outcomes.values())
    return Program(
        planned=sum(state in _NONE_BEFORE for state in states.values()),
        started=sum(state not in _NONE_BEFORE for state in states.values()),
        finished=len(finished),
        answered=len(answered),
        learning_rate=_share(len(answered), len(finished)),
        with_result=len(outcomes),
        won=winners,
        win_rate=_share(winners, len(outcomes)),
        hypotheses=len(registered),
        decided=len(decided),
        confirmed=sum(one.state is VerdictState.CONFIRMED for one in decided),
        false_confirmed=_false_confirmed(session, decided),
        by_kpi=tuple(_by_kpi(one) for one in sorted(tested, key=lambda one: (-len(one.found), one.kpi.key))),
    )


def _tested(
    session: Session, registered: Mapping[str, RegisteredHypothesis], finished: Collection[str]
) -> list[Tested]:
    """The KPIs under test, each with what every finished experiment that tested it found."""
    rows = session.execute(select(ExperimentRow.id, ExperimentRow.plan).where(ExperimentRow.id.in_(finished)))
    wanted: dict[str, tuple[PinnedMetric, int]] = {}
    testing: defaultdict[str, set[str]] = defaultdict(set)
    for experiment, plan in rows:
        for test in ExperimentDraft.model_validate(plan).hypotheses:
            if hypothesis := registered.get(test.hypothesis):
                wanted.setdefault(hypothesis.kpi.key, (hypothesis.kpi, hypothesis.hoped_for.sign))
                testing[hypothesis.kpi.key].add(experiment)
    effects = _effects(session, set(wanted))
    found = []
    for key, (kpi, better) in wanted.items():
        measured = [_finding(one, rows) for one, rows in effects[key].items() if one in testing[key]]
        if measured:
            found.append(Tested(kpi=kpi, better=better, found=tuple(measured)))
    return found


def _effects(
    session: Session, metrics: Collection[str]
) -> Mapping[str, Mapping[str, Sequence[PublishedEffect]]]:
    """By metric and experiment: what its latest final run published, in the order of the plan's arms."""
    rows = session.scalars(
        select(PublishedEffect)
        .where(PublishedEffect.metric.in_(metrics), PublishedEffect.placebo.is_(False))
        .order_by(PublishedEffect.created_at, PublishedEffect.run_id, PublishedEffect.position)
    )
    found: defaultdict[str, dict[str, list[PublishedEffect]]] = defaultdict(dict)
    for row in rows:
        kept = found[row.metric].get(row.experiment_id, [])
        same_run = bool(kept) and kept[-1].run_id == row.run_id
        found[row.metric][row.experiment_id] = [*kept, row] if same_run else [row]
    return found


def _finding(experiment: str, rows: Sequence[PublishedEffect]) -> Finding:
    arms = tuple(Measured(value=row.estimate, std_error=row.std_error) for row in rows)
    return Finding(experiment=experiment, first=arms[0] if arms else None, arms=arms)


def _outcomes(tested: Sequence[Tested]) -> dict[str, int]:
    """By experiment with a final result: +1 if it won on a KPI under test, -1 if it lost on one, else 0."""
    found: dict[str, int] = {}
    for kpi in tested:
        for one in kpi.found:
            before, now = found.get(one.experiment, 0), kpi.outcome(one)
            found[one.experiment] = max(before, now) if 1 in (before, now) else before or now
    return found


def _latest_verdicts(session: Session) -> Sequence[Verdict]:
    latest = select(func.max(Verdict.id)).group_by(Verdict.hypothesis_id)
    return session.scalars(select(Verdict).where(Verdict.id.in_(latest))).all()


def _resting(verdicts: Sequence[Verdict]) -> set[str]:
    """The experiments that confirmed and rejected verdicts rest on."""
    decided = (one for one in verdicts if one.state is not VerdictState.INCONCLUSIVE)
    counted = (CountedRun.model_validate(run) for one in decided for run in one.experiments)
    return {run.experiment_id for run in counted if run.used}


def _false_confirmed(session: Session, decided: Sequence[Verdict]) -> float | None:
    """The share that goes with the least sure of the confirmed ones, since all of them are called levers."""
    shares = false_shares(session)
    found = [shares.get(one.id) for one in decided if one.state is VerdictState.CONFIRMED]
    known = [one.share for one in found if one is not None]
    return max(known) if known and len(known) == len(found) else None


def _by_kpi(tested: Tested) -> KpiProgram:
    outcomes = [tested.outcome(one) for one in tested.found]
    wins = sum(one > 0 for one in outcomes)
    return KpiProgram(
        metric=tested.kpi.key,
        name=tested.kpi.name,
        share=Scale.of(tested.kpi.definition).points,
        experiments=len(tested.found),
        wins=wins,
        losses=sum(one < 0 for one in outcomes),
        win_rate=_share(wins, len(outcomes)),
        gains=_gains(tested),
    )


def _gains(tested: Tested) -> Gains | Unanswered:
    """Of each winner its best arm: shrinkage takes the luck of that choice off too."""
    firsts = [one.first for one in tested.found if one.first is not None]
    best = [max(one.arms, key=lambda arm: tested.better * arm.value) for one in tested.found]
    found = program_gains(firsts, best, better=tested.better)
    if isinstance(found, NotEstimable):
        return Unanswered(not_estimable=RefusalDocument.of(found))
    return _told(found, tested)


def _told(found: ProgramGains, tested: Tested) -> Gains:
    low, high = found.shrunk - SURE * found.std_error, found.shrunk + SURE * found.std_error
    worth = tested.kpi.value_of_one_unit
    money = 0.0 if worth is None else tested.better * worth.amount  # a cost that falls is a gain
    ends = None if worth is None else sorted((low * money, high * money))
    return Gains(
        wins=found.wins,
        as_measured=found.as_measured,
        shrunk=found.shrunk,
        std_error=found.std_error,
        interval=(low, high),
        value=None if worth is None else found.shrunk * money,
        value_interval=None if ends is None else (ends[0], ends[1]),
        currency=None if worth is None else worth.currency,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
