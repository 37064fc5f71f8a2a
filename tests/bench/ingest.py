"""What does it cost to send facts over HTTP? `python -m tests.bench.ingest`.

Large batches are compared with the same work without HTTP: parse, check, encode and commit, in this process.
Small ones are sent by several clients at once, each waiting for its answer. Every answer comes after a commit
with synchronous=FULL. Written for a server of its own on the loopback, with a folder of its own.
"""

import argparse
import http.client
import io
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import parquet
from rich.console import Console
from rich.table import Table

from service.access.rules import Actor, Role
from service.facts.ingest import service
from service.facts.ingest.service import Delivery
from service.facts.ingest.spool import Spool
from service.facts.tables import FactKind
from service.kit import schema
from service.kit.database import Database
from tests.serving import a_key, serving

START = datetime(2026, 3, 1, tzinfo=UTC)
NDJSON, PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"
ACTOR = Actor(key_id="k", owner="bench@example.com", team="bench", role=Role.editor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast it went."""

    events: int
    seconds: float
    waits: Sequence[float] = ()  # seconds from each request to its answer

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    def wait(self, share: float) -> float:
        return sorted(self.waits)[min(int(share * len(self.waits)), len(self.waits) - 1)]


def lines(rng: random.Random, first: int, events: int) -> bytes:
    """NDJSON as a product sends it."""
    return b"\n".join(_line(rng, number) for number in range(first, first + events))


def _line(rng: random.Random, number: int) -> bytes:
    at = START + timedelta(seconds=rng.randrange(86_400 * 30), microseconds=rng.randrange(10**6))
    row = {
        "id": f"evt-{number:012}",
        "unit": f"customer-{rng.randrange(10**6):07}",
        "event": rng.choice(("quote_shown", "quote_bought", "called")),
        "time": at.isoformat(),
        "value": round(rng.random() * 1000, 2),
        "properties": {"channel": rng.choice(("web", "app", "phone")), "step": rng.randrange(5)},
    }
    return json.dumps(row).encode()


def file_of(rng: random.Random, rows: int) -> bytes:
    """A Parquet file as an export leaves it: without properties, with times."""
    sink = io.BytesIO()
    columns = {
        "id": [f"row-{number:012}" for number in range(rows)],
        "unit": [f"customer-{rng.randrange(10**6):07}" for _ in range(rows)],
        "event": [rng.choice(("quote_shown", "quote_bought", "called")) for _ in range(rows)],
        "time": pa.array([START + timedelta(seconds=number) for number in range(rows)]),
        "value": [rng.random() for _ in range(rows)],
    }
    parquet.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


class Sender:
    """One client with one connection, which the server closes after some seconds without a request."""

    def __init__(self, address: str, key: str) -> None:
        split = urlsplit(address)
        self._connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=120)
        self._key = key

    def send(self, body: bytes, kind: str = NDJSON) -> float:
        """How long it took, in seconds; an answer other than 201 is an error."""
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": kind}
        self._connection.request("POST", "/v1/outcomes", body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 201 or json.loads(text)["rejected"]:
            raise RuntimeError(f"{answer.status}: {text[:500]!r}")
        return time.perf_counter() - began


def timed(events: int, work: Callable[[], object]) -> Pace:
    began = time.perf_counter()
    work()
    return Pace(events=events, seconds=time.perf_counter() - began)


def without_http(database: Database, folder: Path, body: bytes, kind: str = NDJSON) -> None:
    """Parse, check, encode and commit, as an endpoint does."""
    with Spool(folder) as spool:
        spool.write(body)
        delivery = Delivery(
            kind=FactKind.OUTCOMES,
            body=spool,
            content_type=kind,
            source="api",
            zone=None,
            key=None,
            numbered=False,
        )
        origin = service.origin_of(ACTOR, delivery)
        with service.prepared(folder, database, ACTOR, delivery) as parts, database.write() as session:
            service.accept(session, origin, parts)


def many(address: str, key: str, bodies: Sequence[bytes], events: int, clients: int) -> Pace:
    """Several clients at once, each sends its next batch when the last is acknowledged."""

    def one(place: int) -> list[float]:
        sender = Sender(address, key)
        return [sender.send(body) for body in bodies[place::clients]]

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        waits = [wait for found in pool.map(one, range(clients)) for wait in found]
    return Pace(events=events, seconds=time.perf_counter() - began, waits=waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The three bars of ingest, as measured."""

    bare: float  # events/s without HTTP, median of the rounds
    over_http: float  # likewise, batches of 10,000
    small: Pace
    file: Pace

    @property
    def ratio(self) -> float:
        return self.over_http / self.bare


def measure(folder: Path, *, rounds: int, small: int, rows: int, seed: int) -> Measured:
    rng = random.Random(seed)
    database = Database.open(f"sqlite:///{folder / 'bare.db'}")
    schema.upgrade(database)
    bodies = [lines(rng, number * 10_000, 10_000) for number in range(rounds)]
    bits = [lines(rng, 10**9 + number * 100, 100) for number in range(small)]
    file = file_of(rng, rows)
    with serving(folder, "--no-worker") as (_, address, _log):
        key = a_key(folder)
        sender = Sender(address, key)
        sender.send(bodies[0])
        without_http(database, folder, bodies[0])
        pairs = [
            (
                timed(10_000, lambda body=body: sender.send(body)),
                timed(10_000, lambda body=body: without_http(database, folder, body)),
            )
            for body in bodies
        ]
        answer = Measured(
            over_http=statistics.median(over.per_second for over, _ in pairs),
            bare=statistics.median(bare.per_second for _, bare in pairs),
            small=many(address, key, bits, small * 100, clients=8),
            file=min(
                (timed(rows, lambda: Sender(address, key).send(file, PARQUET)) for _ in range(3)),
                key=lambda one: one.seconds,
            ),
        )
    database.close()
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lvb-bench-") as folder:
        found = measure(
            Path(folder), rounds=asked.rounds, small=asked.small, rows=asked.rows, seed=asked.seed
        )
    table = Table("ingest", "measured", "goal", title=f"HTTP ingest, seed {asked.seed}")
    table.add_row("batches of 10,000 as NDJSON", f"{found.over_http:,.0f} events/s", "")
    table.add_row("the same without HTTP", f"{found.bare:,.0f} events/s", "")
    table.add_row("ratio", f"{found.ratio:.2f}", "≥ 0.5")
    table.add_row("batches of 100, 8 clients", f"{found.small.per_second:,.0f} events/s", "≥ 10,000")
    table.add_row("their answers, median", f"{found.small.wait(0.5) * 1000:.0f} ms", "")
    table.add_row("their answers, 99 in 100", f"{found.small.wait(0.99) * 1000:.0f} ms", "≤ 150 ms")
    table.add_row("a Parquet file, best of 3", f"{found.file.per_second:,.0f} rows/s", "≥ 1,000,000")
    Console().print(table)


if __name__ == "__main__":
    main()
