"""How do past experiments come in, which of them count, and what was said of them?"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from service.access import Actor, require_team
from service.evidence.documents import ContrastsDocument
from service.evidence.imported import rules
from service.evidence.imported.contrasts import contrasts_document
from service.evidence.imported.documents import GradeDocument
from service.evidence.imported.grading import Past, PastBasis
from service.evidence.imported.rules import Known
from service.evidence.imported.schemas import PastExperiment, PastExperiments
from service.evidence.tables import EvidenceImport, ImportedExperiment, RetrospectiveGrade
from service.experiments import planned as experiments
from service.hypotheses import mechanisms
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import HypothesisNotRegistered, RegisteredHypothesis
from service.hypotheses.stored import HypothesisNotFound
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid, NotFound, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.runs import service as runs
from service.runs.rules import RunKind
from service.runs.tables import Run

_later = aliased(ImportedExperiment)
_CORRECTED = select(_later.id).where(_later.corrects == ImportedExperiment.id).exists()


class ImportNotFound(NotFound):
    slug, title = "import-not-found", "There is no such import"


class ImportRefused(Invalid):
    slug, title = "import-refused", "The import breaks a rule; nothing of it is kept"


class NothingImported(Conflict):
    slug, title = "nothing-imported", "No past experiment was imported for this hypothesis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import made: its row, and the runs that grade what it brought, by hypothesis."""

    row: EvidenceImport
    contrasts: int
    runs: Mapping[str, str]


def accept(session: Session, actor: Actor, sent: PastExperiments) -> Imported:
    """All of it or nothing. Two imports on one hypothesis wait for each other, so that none counts twice."""
    named = sorted({one for each in sent.experiments if (one := rules.hypothesis_of(sent, each)) is not None})
    hypotheses.hold(session, named)
    registered, drafts = _registered(session, named)
    for hypothesis in registered.values():
        require_team(actor, hypothesis.team)
    before = {rules.place_of(row): row for key in registered for row in counting(session, key)}
    known = _known(session, sent, registered, drafts, list(before.values()))
    if broken := rules.refusals(sent, known, now().date()):
        raise ImportRefused(errors=broken[:100])
    row = _row(actor, sent)
    session.add(row)
    session.flush()
    for experiment in sent.experiments:
        hypothesis = registered[rules.hypothesis_of(sent, experiment) or ""]
        corrected = before.get((hypothesis.id, experiment.origin, experiment.id))
        session.add(_imported(row, hypothesis, experiment, corrected))
    session.flush()
    asked = {key: ask(session, actor, one).id for key, one in sorted(registered.items())}
    return Imported(row=row, contrasts=sum(len(one.arms) for one in sent.experiments), runs=asked)


def _row(actor: Actor, sent: PastExperiments) -> EvidenceImport:
    return EvidenceImport(
        id=new_id("imp"),
        sha256=sha256_hex(canonical_json(sent.model_dump(mode="json"))),
        experiments=len(sent.experiments),
        units_per_day=sent.units_per_day,
        imported_by=actor.owner,
        team=actor.team,
        created_at=now(),
    )


def _registered(
    session: Session, named: Iterable[str]
) -> tuple[Mapping[str, RegisteredHypothesis], frozenset[str]]:
    """The named hypotheses that are registered, and those that are only drafts."""
    found, drafts = {}, set()
    for hypothesis_id in sorted(named):
        try:
            found[hypothesis_id] = hypotheses.get_registered(session, hypothesis_id)
        except HypothesisNotRegistered:
            drafts.add(hypothesis_id)
        except HypothesisNotFound:
            continue  # the rules say so, at its place in the import
    return found, frozenset(drafts)


def _known(
    session: Session,
    sent: PastExperiments,
    registered: Mapping[str, RegisteredHypothesis],
    drafts: frozenset[str],
    before: Sequence[ImportedExperiment],
) -> Known:
    """What the rules must know, read in one go."""
    ours = {
        arm.mechanism
        for one in sent.experiments
        for arm in one.arms
        if arm.mechanism is not None and arm.mechanism.startswith(rules.REGISTERED)
    }
    moved = {mechanism: mechanisms.cpi_of(session, mechanism) for mechanism in sorted(ours)}
    return Known(
        registered={key: one.cpi.id for key, one in registered.items()},
        drafts=drafts,
        mechanisms={key: cpi for key, cpi in moved.items() if cpi is not None},
        run_here=experiments.existing(session, [one.id for one in sent.experiments]),
        imported=frozenset(map(rules.place_of, before)),
        spelt={
            (row.hypothesis_id, rules.folded(arm.mechanism)): arm.mechanism
            for row in before
            for arm in ContrastsDocument.model_validate(row.contrasts).arms
            if arm.mechanism is not None
        },
    )


def _imported(
    into: EvidenceImport,
    hypothesis: RegisteredHypothesis,
    experiment: PastExperiment,
    corrected: ImportedExperiment | None,
) -> ImportedExperiment:
    """One row more; what it corrects stays."""
    key, document = new_id("imx"), experiment.model_dump(mode="json")
    metrics = (hypothesis.cpi.key, hypothesis.kpi.key)
    return ImportedExperiment(
        id=key,
        import_id=into.id,
        hypothesis_id=hypothesis.id,
        origin=experiment.origin,
        key=experiment.id,
        name=experiment.name,
        corrects=None if corrected is None else corrected.id,
        cpi=hypothesis.cpi.key,
        kpi=hypothesis.kpi.key,
        document=document,
        contrasts=contrasts_document(key, experiment, metrics).model_dump(mode="json"),
        sha256=sha256_hex(canonical_json(document)),
        created_at=into.created_at,
    )


def ask(session: Session, actor: Actor, hypothesis: RegisteredHypothesis) -> Run:
    """A run that grades what was imported for a hypothesis."""
    return runs.ask_other(
        session, RunKind.RETROSPECTIVE, subject=hypothesis.id, team=hypothesis.team, author=actor.owner
    )


def regrade(session: Session, actor: Actor, hypothesis_id: str) -> Run:
    """Grade anew, as after an amendment."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    require_team(actor, hypothesis.team)
    if not counting(session, hypothesis_id):
        raise NothingImported(f"Nothing was imported for hypothesis {hypothesis_id}.")
    return ask(session, actor, hypothesis)


def counting(session: Session, hypothesis_id: str) -> Sequence[ImportedExperiment]:
    """The imported experiments on a hypothesis that no later one corrects, the oldest first."""
    return session.scalars(
        select(ImportedExperiment)
        .where(ImportedExperiment.hypothesis_id == hypothesis_id, ~_CORRECTED)
        .order_by(ImportedExperiment.id)
    ).all()


def basis(session: Session, hypothesis_id: str) -> PastBasis:
    """All that a grade rests on now."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    rows = counting(session, hypothesis_id)
    past = tuple(_past(row) for row in rows)
    return PastBasis(
        hypothesis=hypothesis,
        past=past,
        bound_evidence=len(experiments.supporting(session, hypothesis)),
        units_per_day=_traffic(session, rows),
        names=_names(session, hypothesis, past),
    )


def _past(row: ImportedExperiment) -> Past:
    return Past(
        id=row.id,
        key=row.key,
        name=row.name,
        origin=row.origin,
        sha256=row.sha256,
        measured=(row.cpi, row.kpi),
        document=row.document,
        contrasts=ContrastsDocument.model_validate(row.contrasts),
    )


def _traffic(session: Session, rows: Sequence[ImportedExperiment]) -> float | None:
    """As the latest import said that said anything."""
    return session.scalars(
        select(EvidenceImport.units_per_day)
        .where(
            EvidenceImport.id.in_({row.import_id for row in rows}), EvidenceImport.units_per_day.is_not(None)
        )
        .order_by(EvidenceImport.id.desc())
        .limit(1)
    ).first()


def _names(session: Session, hypothesis: RegisteredHypothesis, past: Sequence[Past]) -> Mapping[str, str]:
    """What people call the metrics, the past experiments, and the mechanisms that are registered."""
    ours = {
        arm.mechanism
        for one in past
        for arm in one.contrasts.arms
        if arm.mechanism is not None and arm.mechanism.startswith(rules.REGISTERED)
    }
    return {
        hypothesis.cpi.key: hypothesis.cpi.name,
        hypothesis.kpi.key: hypothesis.kpi.name,
        **{one.id: one.name for one in past},
        **{key: mechanisms.get(session, key).value.name for key in sorted(ours)},
    }


def keep(session: Session, run_id: str, rested_on: PastBasis, document: GradeDocument) -> None:
    """One grade more; none is ever changed."""
    session.add(
        RetrospectiveGrade(
            id=new_id("ret"),
            hypothesis_id=rested_on.hypothesis.id,
            grade=document.grade,
            document=document.model_dump(mode="json"),
            basis=rested_on.key,
            hypothesis_version=rested_on.hypothesis.version,
            hypothesis_hash=rested_on.hypothesis.sha256,
            run_id=run_id,
            created_at=now(),
        )
    )
    session.flush()


def show(session: Session, import_id: str) -> EvidenceImport:
    row = session.get(EvidenceImport, import_id)
    if row is None:
        raise ImportNotFound(f"There is no import {excerpt(import_id)}.")
    return row


def find(session: Session, query: Query) -> Found[EvidenceImport]:
    """Every import, the newest first."""
    return page(session, select(EvidenceImport), EvidenceImport.id, query, newest_first=True)


def experiments_of(
    session: Session, query: Query, *, hypothesis_id: str | None = None, import_id: str | None = None
) -> Found[ImportedExperiment]:
    """Imported experiments, the newest first, corrected ones included."""
    statement = matching(
        select(ImportedExperiment),
        (ImportedExperiment.hypothesis_id, hypothesis_id),
        (ImportedExperiment.import_id, import_id),
    )
    return page(session, statement, ImportedExperiment.id, query, newest_first=True)


def corrected(session: Session, rows: Sequence[ImportedExperiment]) -> frozenset[str]:
    """Those of these rows that a later import corrects."""
    ids = [row.id for row in rows]
    return frozenset(
        one
        for one in session.scalars(
            select(ImportedExperiment.corrects).where(ImportedExperiment.corrects.in_(ids))
        )
        if one is not None
    )


def grades(session: Session, hypothesis_id: str, query: Query) -> Found[RetrospectiveGrade]:
    """Every grade that was given, the newest first."""
    statement = select(RetrospectiveGrade).where(RetrospectiveGrade.hypothesis_id == hypothesis_id)
    return page(session, statement, RetrospectiveGrade.id, query, newest_first=True)


def latest(session: Session, hypothesis_ids: Collection[str]) -> Mapping[str, RetrospectiveGrade]:
    """By hypothesis: the latest grade, in one query."""
    newest = (
        select(func.max(RetrospectiveGrade.id))
        .where(RetrospectiveGrade.hypothesis_id.in_(hypothesis_ids))
        .group_by(RetrospectiveGrade.hypothesis_id)
    )
    rows = session.scalars(select(RetrospectiveGrade).where(RetrospectiveGrade.id.in_(newest)))
    return {row.hypothesis_id: row for row in rows}
