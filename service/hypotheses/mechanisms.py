"""By what means can a CPI be moved? Registered freely, fixed once an experiment that uses one has started."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.hypotheses.schemas import Mechanism, MechanismChange, MechanismDraft
from service.hypotheses.tables import MechanismRow
from service.kit.clock import instant, now
from service.kit.errors import Conflict, Invalid, NotFound, check_version, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, page
from service.kit.revisions import Revised
from service.metrics.schemas import MetricKind
from service.metrics.service import look_up


class MechanismNotFound(NotFound):
    slug, title = "mechanism-not-found", "There is no such mechanism"


class MechanismRefused(Invalid):
    slug, title = "mechanism-refused", "The mechanism breaks a rule"


class MechanismFixed(Conflict):
    slug, title = "mechanism-fixed", "An experiment that uses this mechanism has started"


class MechanismKnown(Conflict):
    slug, title = "mechanism-known", "The CPI has a mechanism of this name"


def create(session: Session, actor: Actor, draft: MechanismDraft) -> Revised[Mechanism]:
    _require_cpi(session, draft.cpi)
    _require_another_name(session, draft.cpi, draft.name)
    row = MechanismRow(
        id=new_id("mec"),
        revision=1,
        cpi_id=draft.cpi,
        document=draft.model_dump(mode="json"),
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
        fixed_at=None,
    )
    session.add(row)
    session.flush()
    return _revised(row)


def get(session: Session, mechanism_id: str) -> Revised[Mechanism]:
    return _revised(_row(session, mechanism_id))


def names(session: Session, ids: Collection[str]) -> dict[str, str]:
    """What people call those of these mechanisms that are registered."""
    found = session.execute(select(MechanismRow.id, MechanismRow.document).where(MechanismRow.id.in_(ids)))
    return {one: str(document["name"]) for one, document in found}


def find(session: Session, query: Query, *, cpi: str | None = None) -> Found[Mechanism]:
    statement = select(MechanismRow)
    if cpi is not None:
        statement = statement.where(MechanismRow.cpi_id == cpi)
    found = page(session, statement, MechanismRow.id, query)
    return Found(items=[_revised(row).value for row in found.items], next=found.next)


def change(
    session: Session, actor: Actor, mechanism_id: str, expected: int, wanted: MechanismChange
) -> Revised[Mechanism]:
    row = _row(session, mechanism_id, for_change=True)
    require_team(actor, row.team)
    check_version(current=row.revision, expected=expected)
    if row.fixed_at is not None:
        raise MechanismFixed(
            f"An experiment that uses it started at {instant(row.fixed_at)}; register another mechanism."
        )
    draft = MechanismDraft.model_validate(row.document)
    fields = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    if "name" in fields:
        _require_another_name(session, row.cpi_id, fields["name"], but=row.id)
    row.document = draft.model_copy(update=fields).model_dump(mode="json")
    row.revision += 1
    session.flush()
    return _revised(row)


def cpi_of(session: Session, mechanism_id: str) -> str | None:
    """The CPI that the mechanism is said to move; None where there is no such mechanism."""
    row = session.get(MechanismRow, mechanism_id)
    return None if row is None else row.cpi_id


def fix(session: Session, mechanism_ids: Collection[str], at: datetime) -> None:
    """From now on they stay as they are. Called by the experiment that starts."""
    for mechanism_id in sorted(mechanism_ids):  # one order, so that two starts never wait for each other
        row = _row(session, mechanism_id, for_change=True)
        if row.fixed_at is None:
            row.fixed_at = at
            row.revision += 1
    session.flush()


def _require_cpi(session: Session, metric_id: str) -> None:
    metric = look_up(session, metric_id)
    if metric is None or metric.kind is not MetricKind.CPI:
        told = f"There is no metric {metric_id}." if metric is None else f'"{metric.name}" is no CPI.'
        raise MechanismRefused(
            errors=[
                {
                    "field": "cpi",
                    "rule": "mechanisms_move_cpis",
                    "message": told,
                    "how": "Name the CPI that this changes for customers; the KPI is what it should lead to.",
                }
            ]
        )


def _require_another_name(session: Session, cpi_id: str, name: str, but: str | None = None) -> None:
    """Two mechanisms prove more than one: the same means, registered twice, must not pass for two."""
    known = session.execute(
        select(MechanismRow.id, MechanismRow.document).where(
            MechanismRow.cpi_id == cpi_id, MechanismRow.id != but
        )
    )
    for one, document in known:
        if _plain(document["name"]) == _plain(name):
            raise MechanismKnown(
                f'{one} is called "{document["name"]}": use it, or say in the name how this differs.'
            )


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _row(session: Session, mechanism_id: str, *, for_change: bool = False) -> MechanismRow:
    row = session.get(MechanismRow, mechanism_id, with_for_update=for_change)
    if row is None:
        raise MechanismNotFound(f"There is no mechanism {excerpt(mechanism_id)}.")
    return row


def _revised(row: MechanismRow) -> Revised[Mechanism]:
    draft = MechanismDraft.model_validate(row.document)
    mechanism = Mechanism(
        **{name: getattr(draft, name) for name in MechanismDraft.model_fields},
        id=row.id,
        team=row.team,
        owner=row.owner,
        created_at=row.created_at,
        fixed_at=row.fixed_at,
    )
    return Revised(value=mechanism, revision=row.revision)
