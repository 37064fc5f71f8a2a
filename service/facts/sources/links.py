"""Which ids of a warehouse are one customer? Its own table says so; here it is only checked.

The lake follows links itself (query/identities.py). A warehouse is only read, in one statement after another,
and no SQL that all engines know follows links over any number of steps.
"""

from sqlglot import parse_one
from sqlglot.expressions import Query

from service.facts.sources.engines import Warehouse
from service.facts.sources.portable import text_of
from service.facts.sources.relations import PREFIX, Wanted, name_of, relations, with_tables
from service.facts.sources.secrets import SourceUnusable
from service.facts.tables import FactKind
from service.sources.schemas import SourceDraft

MERGED = f"{PREFIX}merged"
_LINKS = name_of(FactKind.IDENTITIES)
_ELSEWHERE = f"""
SELECT "i"."id" AS "id", MIN("i"."unit") AS "unit" FROM "{_LINKS}" AS "i"
WHERE "i"."id" <> "i"."unit" GROUP BY "i"."id"
"""  # noqa: S608 - every name is ours
_SEVERAL = f"""
SELECT COUNT(*) FROM (
    SELECT "i"."id" AS "of" FROM "{_LINKS}" AS "i" GROUP BY "i"."id" HAVING MIN("i"."unit") <> MAX("i"."unit")
) AS "n"
"""  # noqa: S608 - likewise
_FURTHER = f"""
SELECT COUNT(*) FROM "{_LINKS}" AS "a" JOIN "{_LINKS}" AS "b" ON "a"."unit" = "b"."id"
WHERE "a"."unit" <> "b"."unit"
"""  # noqa: S608 - likewise
_FAULTS = {"are of several units": _SEVERAL, "are of a unit that is itself an id of another": _FURTHER}


def merged() -> Query:
    """The ids that go by another's name, as query/identities.py leaves them, over the source's own links."""
    return _parsed(_ELSEWHERE)


def check_links(source: SourceDraft, wanted: Wanted, warehouse: Warehouse) -> None:
    """SourceUnusable where links were not followed: units would be told apart that are one."""
    facts = relations(source, wanted)
    if FactKind.IDENTITIES not in facts:
        return
    for what, text in _FAULTS.items():
        asked = with_tables(_parsed(text), {_LINKS: facts[FactKind.IDENTITIES]})
        [(found,)] = warehouse.ask(text_of(asked, source.engine))
        if found:
            raise SourceUnusable(
                f"In the source's identities {found:,} ids {what}. Map a view in which each id stands once, "
                "with the one unit that all its links lead to."
            )


def _parsed(text: str) -> Query:
    tree = parse_one(text)
    if not isinstance(tree, Query):
        raise TypeError(f"expected a query, got {type(tree).__name__}")
    return tree
