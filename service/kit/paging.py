"""How is a long list handed out? By keyset over time-sortable ids, behind an opaque cursor."""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.kit.errors import Invalid

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


class Page[T](BaseModel):
    """One page of a list; `next` is the cursor of the page after it."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[T]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which page is asked for."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found[T]:
    """The rows of one page and the cursor of the page after it."""

    items: Sequence[T]
    next: str | None


def matching[T](statement: Select[T], *wanted: tuple[InstrumentedAttribute[Any], object]) -> Select[T]:
    """Only the rows whose columns have these values; None leaves a question open."""
    given = (column == value for column, value in wanted if value is not None)
    return statement.where(*given)


def page[T](
    session: Session,
    statement: Select[T],
    key: InstrumentedAttribute[str],
    query: Query,
    *,
    newest_first: bool = False,
) -> Found[T]:
    """One row more than asked for tells whether a page follows."""
    if query.cursor is not None:
        position = decode_cursor(query.cursor)
        statement = statement.where(key < position if newest_first else key > position)
    ordered = statement.order_by(key.desc() if newest_first else key).limit(query.limit + 1)
    rows = session.scalars(ordered).all()
    items = rows[: query.limit]
    more = len(rows) > query.limit
    return Found(items=items, next=encode_cursor(getattr(items[-1], key.key)) if more else None)


def everything[T](find: Callable[[Query], Found[T]]) -> Iterator[T]:
    """All that a list has, page after page, for whoever leaves nothing out."""
    cursor = None
    while True:
        found = find(Query(limit=LARGEST_LIMIT, cursor=cursor))
        yield from found.items
        if (cursor := found.next) is None:
            return


def encode_cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        position = ""
    if not position.isprintable() or not position:
        raise Invalid(errors=[{"field": "cursor", "message": "This service never gave out that cursor."}])
    return position
