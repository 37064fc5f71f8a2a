"""Which bodies can be read at all, and how large may they be? What the readers of all formats share."""

from collections import Counter
from collections.abc import Sequence

from service.facts.ingest.rows import REQUIRED, ROWS
from service.facts.tables import FactKind
from service.kit.errors import BadRequest, Invalid, PayloadTooLarge, excerpt

JSON_LIMIT = 4 * 1024 * 1024
FILE_LIMIT = 256 * 1024 * 1024
MOST_ROWS = 10_000_000  # in a body
MOST_UNPACKED = 1024 * 1024 * 1024  # bytes that a file's columns may become
CHUNK = 50_000  # rows of a file that are in memory at once


class Unreadable(BadRequest):
    """The body as a whole is not what its content type says."""

    slug, title = "unreadable-body", "The body is not what its Content-Type says"


class WrongColumns(Invalid):
    """A file's columns are not those of the facts."""

    slug, title = "wrong-columns", "The file's columns are not those asked for"


class EmptyBatch(Invalid):
    """Nothing was sent."""

    slug, title = "empty-batch", "The body is empty: it holds no row"


class NothingKept(Invalid):
    """Every row was rejected. Each is listed under the batch, and the Idempotency-Key can be used again."""

    slug, title = "nothing-kept", "Every row was rejected"


def refuse_wrong_columns(kind: FactKind, names: Sequence[str]) -> None:
    known = ROWS[kind].__struct_fields__
    times = Counter(names)
    wrong = [
        *((name, "there is no such field") for name in times if name not in known),
        *((name, f"stands {n} times") for name, n in times.items() if n > 1),
        *((name, "is missing") for name in sorted(REQUIRED[kind] - set(names))),
    ]
    if wrong:
        more = (
            " What else there is goes into properties, as one JSON object." if "properties" in known else ""
        )
        raise WrongColumns(
            f"Expected the columns {', '.join(known)}.{more}",
            errors=[
                {"field": excerpt(name), "message": f"{excerpt(name)}: {why}"} for name, why in wrong[:100]
            ],
        )


def refuse_too_many(rows: int) -> None:
    if rows > MOST_ROWS:
        raise PayloadTooLarge(f"A body may have {MOST_ROWS:,} rows.")
