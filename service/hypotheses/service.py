"""How are hypotheses drafted, frozen, amended, and handed to those who test and judge them?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.hypotheses import rules
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.schemas import (
    AmendmentDraft,
    Hypothesis,
    HypothesisChange,
    HypothesisDraft,
    HypothesisState,
    HypothesisVersion,
)
from service.hypotheses.stored import amendments, document, latest, metrics_of, row_of, versions_of
from service.hypotheses.tables import HypothesisRow, HypothesisVersionRow
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid, Violation, check_version
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.kit.revisions import Revised
from service.metrics.service import PinnedMetric, look_up


class HypothesisRefused(Invalid):
    slug, title = "hypothesis-refused", "The hypothesis breaks a rule"


class HypothesisFrozen(Conflict):
    slug, title = "hypothesis-frozen", "The hypothesis is registered and stays as it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    state: HypothesisState | None = None
    team: str | None = None
    cpi: str | None = None
    kpi: str | None = None


def create(session: Session, actor: Actor, draft: HypothesisDraft) -> Revised[Hypothesis]:
    draft = _judged(session, draft)
    row = HypothesisRow(
        id=new_id("hyp"),
        revision=1,
        version=1,
        state=HypothesisState.DRAFT,
        cpi_id=draft.cpi,
        kpi_id=draft.kpi,
        unit_type=draft.unit_type,
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
        registered_at=None,
        registered_by=None,
    )
    session.add(row)
    session.flush()
    _write(session, actor, row, draft)
    return _revised(session, row)


def get(session: Session, hypothesis_id: str) -> Revised[Hypothesis]:
    return _revised(session, row_of(session, hypothesis_id))


def find(session: Session, wanted: Filter, query: Query) -> Found[Hypothesis]:
    statement = matching(
        select(HypothesisRow),
        (HypothesisRow.state, wanted.state),
        (HypothesisRow.team, wanted.team),
        (HypothesisRow.cpi_id, wanted.cpi),
        (HypothesisRow.kpi_id, wanted.kpi),
    )
    found = page(session, statement, HypothesisRow.id, query)
    return Found(items=[_revised(session, row).value for row in found.items], next=found.next)


def change(
    session: Session, actor: Actor, hypothesis_id: str, expected: int, wanted: HypothesisChange
) -> Revised[Hypothesis]:
    """A draft changes in place; what is registered does not change at all."""
    row = _for_change(session, actor, hypothesis_id, expected)
    if row.state is HypothesisState.REGISTERED:
        raise HypothesisFrozen(
            "It was registered and hashed; amend it with :amend, which keeps and shows both versions.",
            state=row.state.value,
            legal=["amend"],
        )
    draft = _judged(session, _changed(document(latest(session, row)), wanted))
    _write(session, actor, row, draft)
    row.revision += 1
    return _revised(session, row)


def register(session: Session, actor: Actor, hypothesis_id: str, expected: int) -> Revised[Hypothesis]:
    """Freeze it: canonical JSON, hash, author and time."""
    row = _for_change(session, actor, hypothesis_id, expected)
    if row.state is HypothesisState.REGISTERED:
        raise HypothesisFrozen(
            "It is registered already; a change is an amendment.", state=row.state.value, legal=["amend"]
        )
    draft = _judged(session, document(latest(session, row)))
    _refuse(rules.unready(draft))
    version = _write(session, actor, row, draft, freeze=True)
    row.state = HypothesisState.REGISTERED
    row.registered_at, row.registered_by = version.at, actor.owner
    row.revision += 1
    return _revised(session, row)


def amend(
    session: Session, actor: Actor, hypothesis_id: str, expected: int, amendment: AmendmentDraft
) -> Revised[Hypothesis]:
    """A new registered version beside the old one, which stays."""
    row = _for_change(session, actor, hypothesis_id, expected)
    if row.state is HypothesisState.DRAFT:
        raise HypothesisNotRegistered(
            "A draft is changed with PATCH; only what is registered is amended.",
            state=row.state.value,
            legal=["register"],
        )
    current = document(latest(session, row))
    draft = _judged(session, _changed(current, amendment.change))
    _refuse((*rules.unready(draft), *_same(current, draft)))
    row.version += 1
    _write(session, actor, row, draft, freeze=True, reason=amendment.reason)
    row.revision += 1
    return _revised(session, row)


def versions(session: Session, hypothesis_id: str) -> Sequence[HypothesisVersion]:
    """Every registered version, oldest first; a draft has none."""
    row = row_of(session, hypothesis_id)
    return [
        HypothesisVersion(
            version=version.version,
            author=version.author,
            at=version.at,
            reason=version.reason,
            sha256=version.sha256,
            canonical_json=canonical_json(rules.frozen(document(version))),
            document=document(version),
        )
        for version in versions_of(session, row)
        if version.sha256 is not None
    ]


def look_up_hypothesis(session: Session, hypothesis_id: str) -> Hypothesis | None:
    """For a reference inside a document, which its reader refuses in its own words."""
    row = session.get(HypothesisRow, hypothesis_id)
    return None if row is None else _revised(session, row).value


def unbounded(session: Session, hypothesis_ids: Collection[str]) -> frozenset[str]:
    """Those of them that say they know no bound on the direct effect, drafts included; in one query."""
    bound = HypothesisVersionRow.document["direct_effect_bound"].as_string()
    found = session.scalars(
        select(HypothesisRow.id)
        .join(
            HypothesisVersionRow,
            (HypothesisVersionRow.hypothesis_id == HypothesisRow.id)
            & (HypothesisVersionRow.version == HypothesisRow.version),
        )
        .where(HypothesisRow.id.in_(hypothesis_ids), bound == "unknown")
    )
    return frozenset(found)


def _judged(session: Session, draft: HypothesisDraft) -> HypothesisDraft:
    """The draft with its metric versions pinned, if it breaks no rule."""
    cpi, kpi = (
        _reference(session, "cpi", draft.cpi, draft.cpi_version),
        _reference(session, "kpi", draft.kpi, draft.kpi_version),
    )
    _refuse(rules.refusals(draft, cpi, kpi))
    return draft.model_copy(update={"cpi_version": cpi.version, "kpi_version": kpi.version})


def _reference(session: Session, field: str, metric_id: str, version: int | None) -> PinnedMetric:
    metric = look_up(session, metric_id, version)
    if metric is None:
        named = metric_id if version is None else f"{metric_id} version {version}"
        raise HypothesisRefused(
            errors=[
                {
                    "field": field,
                    "rule": "known_metric",
                    "message": f"There is no metric {named}.",
                    "how": "Register it first, or name one of GET /v1/metrics.",
                }
            ]
        )
    return metric


def _refuse(broken: Sequence[Violation]) -> None:
    if broken:
        raise HypothesisRefused(errors=broken)


def _same(current: HypothesisDraft, draft: HypothesisDraft) -> Sequence[Violation]:
    if current != draft:
        return ()
    return (
        {
            "field": "change",
            "rule": "amendments_change",
            "message": "The amendment changes nothing.",
            "how": "Name at least one field with a new value.",
        },
    )


def _changed(draft: HypothesisDraft, wanted: HypothesisChange) -> HypothesisDraft:
    return draft.model_copy(update={name: getattr(wanted, name) for name in wanted.model_fields_set})


def _write(
    session: Session,
    actor: Actor,
    row: HypothesisRow,
    draft: HypothesisDraft,
    *,
    freeze: bool = False,
    reason: str | None = None,
) -> HypothesisVersionRow:
    version = session.get(HypothesisVersionRow, (row.id, row.version))
    if version is None:
        version = HypothesisVersionRow(hypothesis_id=row.id, version=row.version)
        session.add(version)
    version.document = draft.model_dump(mode="json")
    version.sha256 = sha256_hex(canonical_json(rules.frozen(draft))) if freeze else None
    version.author, version.at, version.reason = actor.owner, now(), reason
    session.flush()
    return version


def _for_change(session: Session, actor: Actor, hypothesis_id: str, expected: int) -> HypothesisRow:
    row = row_of(session, hypothesis_id, for_change=True)
    require_team(actor, row.team)
    check_version(current=row.revision, expected=expected)
    return row


def _revised(session: Session, row: HypothesisRow) -> Revised[Hypothesis]:
    session.flush()
    version = latest(session, row)
    draft = document(version)
    cpi, kpi = metrics_of(session, draft)
    shown = Hypothesis(
        **{
            name: getattr(draft, name)
            for name in HypothesisDraft.model_fields
            if name not in ("cpi_version", "kpi_version")
        },
        id=row.id,
        state=row.state,
        version=version.version,
        statement=rules.statement(draft, cpi, kpi),
        cpi_version=cpi.version,
        cpi_name=cpi.name,
        cpi_state=cpi.state,
        kpi_version=kpi.version,
        kpi_name=kpi.name,
        proposed_smallest_slope=rules.proposed_slope(cpi, kpi),
        warnings=rules.warnings(draft, cpi),
        team=row.team,
        owner=row.owner,
        created_at=row.created_at,
        sha256=version.sha256,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        amendments=amendments(versions_of(session, row)),
    )
    return Revised(value=shown, revision=row.revision)
