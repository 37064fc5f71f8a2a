"""Whatever is killed during a fold, and how often: is every acknowledged row in the lake exactly once?"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from deltalake import DeltaTable

from service import facts
from service.facts.tables import FactKind
from tests.facts.conftest import put
from tests.facts.fold_and_die import POINTS
from tests.facts.reference import Assigned, Happened

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 1, tzinfo=UTC)


def fold_and_die(
    settings,
    point: str,
    count: int,
    work: str = "fold",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> bool:
    """Whether the process was killed."""
    script = [
        sys.executable,
        "-m",
        "tests.facts.fold_and_die",
        str(settings.data_dir),
        point,
        str(count),
        work,
    ]
    ended = subprocess.run(
        script,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode == -signal.SIGKILL


def some_batches(database, rng: random.Random, wanted: dict[FactKind, set]) -> None:
    """A few batches with repeats within and across them."""
    for _ in range(rng.randrange(1, 3)):
        happened = [
            Happened(f"o{rng.randrange(60)}", "u1", "called", START + rng.randrange(4) * timedelta(days=1))
            for _ in range(rng.randrange(1, 15))
        ]
        assigned = [
            Assigned("exp_1", f"u{rng.randrange(30)}", "control", START) for _ in range(rng.randrange(9))
        ]
        put(database, FactKind.OUTCOMES, happened)
        put(database, FactKind.ASSIGNMENTS, assigned)
        wanted[FactKind.OUTCOMES] |= {one.id for one in happened}
        wanted[FactKind.ASSIGNMENTS] |= {one.unit for one in assigned}


def assert_exactly_once(settings, wanted: dict[FactKind, set]) -> None:
    for kind, column in ((FactKind.OUTCOMES, "id"), (FactKind.ASSIGNMENTS, "unit")):
        found = Counter(DeltaTable(settings.lake_dir / kind).to_pyarrow_table()[column].to_pylist())
        assert found == Counter(wanted[kind])


@pytest.mark.parametrize("point", POINTS)
def test_a_fold_killed_at_this_point_is_finished_by_the_next(settings, database, point):
    rng, wanted = random.Random(point), {kind: set() for kind in FactKind}
    some_batches(database, rng, wanted)
    assert fold_and_die(settings, point, 1)
    some_batches(database, rng, wanted)
    facts.fold(settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)}), database)
    assert_exactly_once(settings, wanted)


@pytest.mark.parametrize("seed", range(1))
def test_folds_killed_again_and_again_lose_nothing_and_count_nothing_twice(settings, database, seed):
    rng, wanted = random.Random(seed), {kind: set() for kind in FactKind}
    killed = 0
    for _ in range(5):
        some_batches(database, rng, wanted)
        killed += fold_and_die(settings, rng.choice(sorted(POINTS)), rng.randrange(1, 4))
    assert killed >= 2
    facts.fold(settings, database)
    assert_exactly_once(settings, wanted)
