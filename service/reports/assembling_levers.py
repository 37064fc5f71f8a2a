"""What goes into a report of one lever, and into the digest of the board?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.evidence import service as evidence
from service.evidence.documents import LookDocument, SlopeDocument, Unanswered, VerdictDocument
from service.evidence.schemas import CountedRun
from service.evidence.tables import Evidence, Verdict, VerdictLook
from service.evidence.verdict_looks import by_verdict, looks
from service.experiments import planned as experiments
from service.hypotheses import mechanisms
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit import paging
from service.levers import service as levers
from service.levers.commitments import CommitmentView
from service.levers.discoveries import FalseDiscoveryView
from service.levers.schemas import LeverView, Sorting
from service.reports.bundles import (
    BoardBundle,
    CarrierPart,
    ChangePart,
    EvidencePart,
    ExperimentRef,
    HistoryPart,
    LeverBundle,
    LinePart,
    LookPart,
    VerdictPart,
)
from service.reports.registered import hypothesis_part
from service.runs.tables import Run

BOARD = "board"
UNTESTED = "No final run has reported yet, so nothing is concluded."


def lever_bundle(session: Session, hypothesis_id: str) -> LeverBundle:
    """Everything that counts for one hypothesis, as it stands."""
    lever = levers.show(session, hypothesis_id)
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    history = evidence.verdicts(session, hypothesis_id)
    taken = by_verdict(looks(session, hypothesis_id))
    latest = history[0] if history else None
    parts = () if latest is None else evidence_parts(session, latest)
    return LeverBundle(
        subject=hypothesis.id,
        title=f"{hypothesis.cpi.name} → {hypothesis.kpi.name}",
        team=hypothesis.team,
        answer=UNTESTED if latest is None else str(latest.verdict["sentence"]),
        hypothesis=hypothesis_part(hypothesis),
        verdict=None if latest is None else _verdict(latest, taken, lever.false_discovery),
        proven=lever.verdict is not None and lever.verdict.proven,
        outdated=lever.verdict is not None and lever.verdict.outdated,
        history=tuple(_history(one) for one in history[1:]),
        evidence=parts,
        awaited=_awaited(session, hypothesis),
        mechanisms=mechanisms.names(session, used_mechanisms(parts)),
        carried_by=_carrier(lever.carried_by),
    )


def _verdict(
    row: Verdict, taken: Mapping[str, LookDocument], share: FalseDiscoveryView | Unanswered | None
) -> VerdictPart:
    look = taken.get(row.id)
    k = 1 + max((one.number for one in taken.values()), default=0)  # whose rate a blocked verdict is shown at
    said = VerdictDocument.model_validate(row.verdict)
    same = ("run_id", "hypothesis_version", "hypothesis_hash", "rule", "relationship")
    return VerdictPart(
        **{name: getattr(row, name) for name in same},
        id=row.id,
        at=row.created_at,
        state=said.state.value,
        label=said.label,
        slope=said.slope,
        reasons=said.reasons,
        needed_units_per_arm=said.needed_units_per_arm,
        sentence=said.sentence,
        alpha=float(str(row.rule["alpha"])) / (k * (k + 1)) if look is None else look.alpha,
        look=None
        if look is None
        else LookPart(number=look.number, alpha=look.alpha, information=look.information, due_at=look.due_at),
        missing=tuple(
            ExperimentRef(experiment_id=str(one["experiment_id"]), name=str(one["name"]), why=None)
            for one in row.missing
            if isinstance(one, dict)
        ),
        false_discovery=share,
    )


def _history(row: Verdict) -> HistoryPart:
    said = VerdictDocument.model_validate(row.verdict)
    return HistoryPart(
        id=row.id,
        at=row.created_at,
        state=said.state.value,
        label=said.label,
        slope=said.slope,
        sentence=said.sentence,
    )


def evidence_parts(session: Session, verdict: Verdict) -> tuple[EvidencePart, ...]:
    """What each counting run of the verdict said, and what that run was made of."""
    counted = [CountedRun.model_validate(one) for one in verdict.experiments]
    ids = [one.run_id for one in counted]
    rows = session.scalars(
        select(Evidence).where(Evidence.hypothesis_id == verdict.hypothesis_id, Evidence.run_id.in_(ids))
    )
    said = {row.run_id: row for row in rows}
    asked = select(Run.id, Run.provenance, Run.snapshot).where(Run.id.in_(ids))  # what it found is long
    made_of = {one: MadeOf(made, pin) for one, made, pin in session.execute(asked)}
    unknown = MadeOf(None, None)
    return tuple(
        _one(session, one, said[one.run_id], made_of.get(one.run_id, unknown))
        for one in counted
        if one.run_id in said
    )


class MadeOf(NamedTuple):
    """What a run's numbers were made of."""

    provenance: dict[str, JsonValue] | None
    snapshot: str | None


def _one(session: Session, counted: CountedRun, row: Evidence, made_of: MadeOf) -> EvidencePart:
    return EvidencePart.model_validate(
        {
            "experiment_id": counted.experiment_id,
            "name": experiments.get(session, counted.experiment_id).name,
            "run_id": counted.run_id,
            "used": counted.used,
            "as_of": row.as_of,
            "plan_hash": row.plan_hash,
            "fingerprint": row.fingerprint,
            "contrasts": row.contrasts,
            "not_estimable": row.not_estimable,
            "provenance": made_of.provenance,
            "snapshot": made_of.snapshot,
        }
    )


def used_mechanisms(parts: Iterable[EvidencePart]) -> set[str]:
    """Those of every arm that the evidence has contrasts of."""
    arms = [arm for part in parts for arm in _listed(part.contrasts)]
    return {str(arm["mechanism"]) for arm in arms if isinstance(arm, dict)}


def _listed(contrasts: Mapping[str, JsonValue] | None) -> list[JsonValue]:
    found = None if contrasts is None else contrasts.get("arms")
    return found if isinstance(found, list) else []


def _awaited(session: Session, hypothesis: RegisteredHypothesis) -> tuple[ExperimentRef, ...]:
    return tuple(
        ExperimentRef(experiment_id=one.experiment_id, name=one.name, why=one.why.text)
        for one in evidence.unreported(session, hypothesis)
    )


def _carrier(carried: CommitmentView | None) -> CarrierPart | None:
    if carried is None:
        return None
    return CarrierPart(team=carried.team, person=carried.person, target=carried.target, by=carried.by)


def board_bundle(session: Session, as_of: datetime, since: datetime) -> BoardBundle:
    """All levers, and the verdicts that were issued since."""
    found = list(paging.everything(lambda query: levers.find(session, levers.Filter(), Sorting.STATE, query)))
    standings = {state.value: n for state, n in levers.standings(session).items()}
    bets = _bets(session, [one.verdict.id for one in found if one.verdict is not None])
    return BoardBundle(
        subject=BOARD,
        title="Levers",
        team=None,
        answer=_counted(standings),
        as_of=as_of,
        since=since,
        standings=standings,
        levers=tuple(_line(one, bets) for one in found),
        changes=_changes(session, since, as_of),
    )


def _counted(standings: Mapping[str, int]) -> str:
    total, confirmed, rejected = sum(standings.values()), standings["confirmed"], standings["rejected"]
    inconclusive, untested = standings["inconclusive"], standings["untested"]
    return (
        f"Of {total} levers, {confirmed} are confirmed, {rejected} rejected, {inconclusive} inconclusive "
        f"and {untested} not tested yet."
    )


def _bets(session: Session, verdicts: Sequence[str]) -> Mapping[str, float | None]:
    """The E value of each verdict, as it is kept."""
    asked = select(Verdict.id, Verdict.log_e_value).where(Verdict.id.in_(verdicts))
    return {row.id: row.log_e_value for row in session.execute(asked)}


def _line(lever: LeverView, bets: Mapping[str, float | None]) -> LinePart:
    verdict = lever.verdict
    return LinePart(
        hypothesis_id=lever.hypothesis_id,
        statement=lever.statement,
        cpi=lever.cpi.name,
        kpi=lever.kpi.name,
        share=lever.kpi.share,
        provisional=lever.provisional,
        increment=lever.increment,
        smallest_slope=lever.smallest_slope,
        state=lever.state.value,
        label=None if verdict is None else verdict.label,
        proven=verdict is not None and verdict.proven,
        outdated=verdict is not None and verdict.outdated,
        sentence=None if verdict is None else verdict.sentence,
        slope=verdict.slope if verdict is not None and isinstance(verdict.slope, SlopeDocument) else None,
        experiments=0 if verdict is None else verdict.experiments,
        mechanisms=0 if verdict is None else verdict.mechanisms,
        false_discovery=lever.false_discovery,
        log_e_value=None if verdict is None else bets[verdict.id],
        verdict_id=None if verdict is None else verdict.id,
        judged_at=None if verdict is None else verdict.at,
        carried_by=_carrier(lever.carried_by),
        team=lever.team,
        owner=lever.owner,
    )


def _changes(session: Session, since: datetime, until: datetime) -> tuple[ChangePart, ...]:
    """Verdicts of the time, each beside the one before it; a correction that changed nothing is none."""
    rows = session.scalars(
        select(Verdict).where(Verdict.created_at > since, Verdict.created_at <= until).order_by(Verdict.id)
    ).all()
    beside = ((row, previous(session, row)) for row in rows)
    changed = [
        (row, before)
        for row, before in beside
        if before is None or (before.state, before.label) != (row.state, row.label)
    ]
    spent = _spent(session, [row.id for row, _ in changed])
    return tuple(_change(row, before, spent.get(row.id)) for row, before in changed)


def _spent(session: Session, verdicts: Sequence[str]) -> Mapping[str, float]:
    """At which error rate each verdict was issued; none for those that gates blocked."""
    asked = select(VerdictLook.verdict_id, VerdictLook.alpha).where(VerdictLook.verdict_id.in_(verdicts))
    return {str(row.verdict_id): row.alpha for row in session.execute(asked)}


def _change(row: Verdict, before: Verdict | None, alpha: float | None) -> ChangePart:
    said = VerdictDocument.model_validate(row.verdict)
    return ChangePart(
        hypothesis_id=row.hypothesis_id,
        verdict_id=row.id,
        at=row.created_at,
        before=None if before is None else before.state.value,
        before_label=None if before is None else before.label,
        after=said.state.value,
        label=said.label,
        slope=said.slope,
        alpha=alpha,
        reasons=said.reasons,
        sentence=said.sentence,
    )


def previous(session: Session, verdict: Verdict) -> Verdict | None:
    """The verdict on the same hypothesis just before this one."""
    earlier = select(Verdict).where(Verdict.hypothesis_id == verdict.hypothesis_id, Verdict.id < verdict.id)
    return session.scalars(earlier.order_by(Verdict.id.desc()).limit(1)).first()
