"""One store, killed again and again: is everything acknowledged there, once, after each round?"""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import structlog
from deltalake import DeltaTable
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from service import facts
from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.facts.lake.compaction import compact
from service.facts.lake.verification import verify
from service.facts.tables import Batch, FactKind
from service.kit.database import Database
from service.settings import Settings
from tests.faults import workers

# Nothing here uses the lake before the children are forked from it: its threads do not survive that.
FORK = multiprocessing.get_context("fork")
INGESTING = 3
LONGEST = 0.8  # seconds that a round goes on
MATURE = 0.8  # of the rounds begin to count when something was acknowledged
WARM = 5  # seconds that this may take
MOST_CPU = 120  # seconds on the processor for a look at everything, however busy the machine is
STUCK = 120  # seconds without any: it waits for what does not come


class Lost(AssertionError):
    """Something that was acknowledged is gone, or there twice."""


@dataclass(slots=True)
class Tally:
    """What became of the processes, and of the rows."""

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0  # batches
    rows: int = 0
    in_lake: int = 0


def rounds(
    settings: Settings,
    number: int,
    seed: int,
    told: Callable[[Tally], None],
    *,
    minutes: float = float("inf"),
) -> Tally:
    """So many rounds, or what goes into so many minutes; Lost at the first that loses or doubles anything."""
    end = time.monotonic() + minutes * 60
    rng, tally, ledgers = random.Random(seed), Tally(), _ledgers(settings)
    ledgers.mkdir()
    key = in_child(_key, settings)
    app = create_app(settings)  # makes no connection yet: the children do
    for place in range(number):
        _round(settings, app, str(key), rng, tally)
        in_child(_looked_at, settings, ledgers)
        tally.rounds = place + 1
        told(tally)
        if time.monotonic() > end:
            break
    batches, rows, in_lake = in_child(_settled, settings, ledgers)
    tally.acknowledged, tally.rows, tally.in_lake = batches, rows, in_lake
    return tally


def _round(settings: Settings, app: FastAPI, key: str, rng: random.Random, tally: Tally) -> None:
    """Three take in, one folds, one compacts; each dies at a point of its own, or when we say so."""
    ledgers = _ledgers(settings)
    started: list[tuple[BaseProcess, str | None]] = []
    for place in range(INGESTING):
        point = rng.choice([None, *workers.INGEST_POINTS])
        given = (app, key, ledgers / str(place), random.Random(rng.random()), point)
        started.append((FORK.Process(target=workers.ingest, args=given), point))
    for work in (workers.fold, workers.compaction):
        point = rng.choice([None, None, *workers.LAKE_POINTS])
        started.append(
            (FORK.Process(target=work, args=(settings, random.Random(rng.random()), point)), point)
        )
    for process, _ in started:
        process.start()
    if rng.random() < MATURE:
        _wait_for_news(ledgers)
    time.sleep(LONGEST * rng.random())
    rng.shuffle(started)
    for process, point in started:
        died = process.exitcode is not None
        process.kill()
        process.join()
        if process.exitcode != -signal.SIGKILL:
            raise Lost(f"{process.name} ended with {process.exitcode}, before it was killed")
        tally.killed[point if died and point else "at random"] += 1


def _ledgers(settings: Settings) -> Path:
    """Where the processes that take in write down what was acknowledged."""
    return settings.data_dir / "ledgers"


def _wait_for_news(ledgers: Path) -> None:
    """Until something was acknowledged in this round: before that there is little to lose."""
    before, end = _size(ledgers), time.monotonic() + WARM
    while _size(ledgers) == before and time.monotonic() < end:
        time.sleep(0.02)


def _size(ledgers: Path) -> int:
    return sum(path.stat().st_size for path in ledgers.iterdir())


def in_child(work: Callable[..., object], *given: object) -> object:
    """The answer of a process of its own."""
    ours, theirs = FORK.Pipe(duplex=False)

    def answer() -> None:
        try:
            theirs.send((True, work(*given)))
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            theirs.send((False, f"{type(error).__name__}: {error}"))
        os._exit(0)

    process = FORK.Process(target=answer)
    process.start()
    _wait_for(ours, process, work.__name__)
    good, found = ours.recv()
    process.join()
    if not good:
        raise Lost(str(found))
    return found


def _wait_for(answer: Connection, process: BaseProcess, name: str) -> None:
    """For as long as it works: the clock says more of the other processes than of this one."""
    used, moved = 0.0, time.monotonic()
    while not answer.poll(1):
        spent = _cpu(process)
        if spent > used:
            used, moved = spent, time.monotonic()
        if used > MOST_CPU or time.monotonic() - moved > STUCK:
            process.kill()
            raise Lost(f"{name} had no answer after {used:.0f} s on the processor")


def _cpu(process: BaseProcess) -> float:
    """Seconds that all its threads had so far."""
    try:
        numbers = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def warm_up(settings: Settings) -> None:
    """Send one batch, so that the children of this process have loaded what that takes."""
    key, app = _key(settings), create_app(settings)
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.post("/v1/outcomes", json=[workers.outcome(random.Random(0))]).is_success
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


def _key(settings: Settings) -> str:
    database = Database.open(settings.url)
    with database.write() as session:
        return create_key(session, owner="ada@example.com", team="growth", role=Role.editor)[1]


def _looked_at(settings: Settings, ledgers: Path) -> None:
    """Every batch that was acknowledged is in the inbox, and inbox and lake hold the same."""
    database = Database.open(settings.url)
    with database.read() as session:
        kept = dict(session.execute(select(Batch.id, Batch.accepted)).tuples().all())
    for receipt in _receipts(ledgers):
        if kept.get(receipt["batch"]) != receipt["accepted"]:
            raise Lost(f"acknowledged and not kept: {receipt}")
    differences = verify(settings, database).differences
    if differences:
        raise Lost("; ".join(differences))


def _receipts(ledgers: Path) -> list[dict[str, object]]:
    """A line that was being written when its process was killed is no whole line."""
    lines = [line for path in sorted(ledgers.iterdir()) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines if line.endswith("}")]


def _settled(settings: Settings, ledgers: Path) -> tuple[int, int, int]:
    """After one last fold and compaction: batches and rows acknowledged, and rows in the lake, all once."""
    database = Database.open(settings.url)
    facts.fold(settings, database)
    compact(settings, database)
    _looked_at(settings, ledgers)
    ids = DeltaTable(settings.lake_dir / FactKind.OUTCOMES).to_pyarrow_table()["id"].to_pylist()
    if len(ids) != len(set(ids)):
        raise Lost(f"{len(ids) - len(set(ids))} ids are in the lake more than once")
    receipts = _receipts(ledgers)
    return len(receipts), sum(int(str(one["accepted"])) for one in receipts), len(ids)
