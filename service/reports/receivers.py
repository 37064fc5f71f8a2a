"""Whom do reports go to? A team's own webhooks, mail addresses and chats."""

from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, Role, require_team
from service.kit.clock import now
from service.kit.errors import Invalid, NotFound, check_version, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.kit.revisions import Revised
from service.reports.changes import told_change
from service.reports.kinds import ReceiverKind
from service.reports.receiver_schemas import (
    ChatDraft,
    Draft,
    FromEnvironment,
    FromFile,
    MailDraft,
    ReceiverView,
    WebhookDraft,
)
from service.reports.sending.secrets import new_secret
from service.reports.tables import ReportReceiver


class ReceiverNotFound(NotFound):
    slug, title = "receiver-not-found", "There is no such receiver"


def create(session: Session, actor: Actor, draft: Draft) -> tuple[ReportReceiver, str | None]:
    """The receiver and, where one was made for it, its secret, which is never shown again."""
    made = new_secret() if isinstance(draft, WebhookDraft) and draft.secret is None else None
    row = ReportReceiver(
        id=new_id("rcv"),
        revision=1,
        kind=draft.kind,
        secret=made,
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
        **_fields(draft),
    )
    session.add(row)
    session.flush()
    told_change(session, actor, row.id, "created", ())
    return row, made


def _fields(draft: Draft) -> dict[str, object]:
    named = draft.secret if isinstance(draft, WebhookDraft | ChatDraft) else None
    return {
        "name": draft.name,
        "address": _address(draft),
        "secret_named": None if named is None else named.model_dump(mode="json"),
        "causes": [one.value for one in draft.causes],
        "attach": [one.value for one in draft.attach] if isinstance(draft, MailDraft) else [],
        "active": draft.active,
    }


def _address(draft: Draft) -> str | None:
    match draft:
        case WebhookDraft():
            return draft.url
        case MailDraft():
            return draft.address
        case ChatDraft():
            return None


def replace(session: Session, actor: Actor, receiver_id: str, expected: int, draft: Draft) -> ReportReceiver:
    """Everything but its kind may change; a secret that was made here stays unless one is named."""
    row = get(session, receiver_id, for_change=True)
    require_team(actor, row.team)
    check_version(current=row.revision, expected=expected)
    if draft.kind is not row.kind:
        raise Invalid(
            errors=[
                {
                    "field": "kind",
                    "message": f"expected {row.kind.value}, as it was made, got {draft.kind.value}",
                }
            ]
        )
    fields = _fields(draft)
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name, value in fields.items():
        setattr(row, name, value)
    if row.secret_named is not None:
        row.secret = None
    elif row.kind is ReceiverKind.WEBHOOK and row.secret is None:
        row.secret = new_secret()
    row.revision += 1
    told_change(session, actor, row.id, "replaced", changed)
    return row


def rotate(session: Session, actor: Actor, receiver_id: str) -> tuple[ReportReceiver, str]:
    """A new secret for a webhook whose secret was made here; the one before signs nothing any more."""
    row = get(session, receiver_id, for_change=True)
    require_team(actor, row.team)
    if row.kind is not ReceiverKind.WEBHOOK or row.secret is None:
        raise Invalid(errors=[{"field": "secret", "message": "Its secret was not made here."}])
    row.secret = new_secret()
    row.revision += 1
    told_change(session, actor, row.id, "rotated", ("secret",))
    return row, row.secret


def get(session: Session, receiver_id: str, *, for_change: bool = False) -> ReportReceiver:
    row = session.get(ReportReceiver, receiver_id, with_for_update=for_change)
    if row is None:
        raise ReceiverNotFound(f"There is no receiver {excerpt(receiver_id)}.")
    return row


def find(session: Session, team: str | None, query: Query) -> Found[ReportReceiver]:
    """Oldest first."""
    statement = matching(select(ReportReceiver), (ReportReceiver.team, team))
    return page(session, statement, ReportReceiver.id, query)


def refuse_unknown(session: Session, actor: Actor, ids: tuple[str, ...]) -> None:
    """Only receivers of the own team are written to: nobody sends to others in their name."""
    found = {row.id: row for row in session.scalars(select(ReportReceiver).where(ReportReceiver.id.in_(ids)))}
    for one in ids:
        row = found.get(one)
        if row is None:
            raise Invalid(errors=[{"field": "receivers", "message": f"There is no receiver {excerpt(one)}."}])
        require_team(actor, row.team)


def view(row: ReportReceiver, actor: Actor) -> Revised[ReceiverView]:
    """Its address in full for its team alone: an address may hold what opens a door."""
    own = actor.team == row.team or actor.role is Role.admin
    shown = ReceiverView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        causes=tuple(row.causes),
        active=row.active,
        address=row.address if own else _host(row.address),
        secret_named=_named(row) if own else None,
        attach=tuple(row.attach),
        team=row.team,
        owner=row.owner,
        created_at=row.created_at,
    )
    return Revised(value=shown, revision=row.revision)


def _named(row: ReportReceiver) -> FromEnvironment | FromFile | None:
    if row.secret_named is None:
        return None
    kind = FromEnvironment if "environment" in row.secret_named else FromFile
    return kind.model_validate(row.secret_named)


def _host(address: str | None) -> str | None:
    if address is None:
        return None
    if "://" not in address:
        return f"…@{address.rpartition('@')[2]}"
    try:
        return urlsplit(address).hostname
    except ValueError:  # kept before addresses were taken apart at the door
        return None
