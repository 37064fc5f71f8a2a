"""Facts for tests: batches put straight into the inbox, folded, and read back."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import pyarrow as pa
import pytest

from service.facts import MomentsQuery, MomentsResult, fold, inbox, moments
from service.facts.tables import Batch, FactKind
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

type Store = Callable[..., str]
type Read = Callable[..., MomentsResult]


def put(database: Database, kind: FactKind, facts: Sequence[object], source: str = "api") -> str:
    """One acknowledged batch, as ingest leaves it."""
    rows = pa.Table.from_pylist([asdict(fact) for fact in facts], schema=inbox.ROWS[kind])
    with database.write() as session:
        batch = Batch(
            id=new_id("bat"),
            kind=kind,
            source=source,
            idempotency_key=None,
            request_sha256="",
            accepted=rows.num_rows,
            rejected=0,
            rows=inbox.packed(rows),
            rejections=b"",
            received_by="ada@example.com",
            team="growth",
            received_at=now(),
        )
        session.add(batch)
    return batch.id


@pytest.fixture
def store(database: Database) -> Store:
    return lambda kind, facts, source="api": put(database, kind, facts, source)


@pytest.fixture
def read(settings: Settings, database: Database, store: Store) -> Read:
    """Stores the facts, folds them and asks."""

    def answer(
        assigned: Sequence[object],
        happened: Sequence[object],
        query: MomentsQuery,
        **others: Sequence[object],
    ) -> MomentsResult:
        store(FactKind.ASSIGNMENTS, assigned)
        store(FactKind.OUTCOMES, happened)
        for kind, facts in others.items():
            store(FactKind(kind), facts)
        return moments(settings, fold(settings, database), query)

    return answer
