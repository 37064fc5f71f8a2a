"""How does a simulated population reach the API? As assignments and outcomes, timed after the start."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from service.cli.demo.simulation import Draw, Floats, Population, TrueCpi, World
from service.cli.demo.story import ARRIVAL, WINDOW, Facts

type Places = NDArray[np.intp]

_MICROSECONDS = np.timedelta64(1, "us")


def facts_of(
    world: World, arms: Sequence[str], population: Population, experiment: str, start: datetime
) -> Facts:
    """Units come evenly over the arrival time; what happens to each follows within half its window."""
    exposed = times(start, population.size)
    units = names(experiment, population.size)
    assignments = assigned(units, experiment, np.array(arms)[population.arm], exposed)
    happened = exposed + WINDOW.total_seconds() * 1e6 // 2 * _MICROSECONDS
    outcomes = [_outcomes(units, happened, *told) for told in _told(world, population)]
    return Facts(assignments=assignments, outcomes=pa.concat_tables(outcomes))


def times(start: datetime, n: int) -> NDArray[np.datetime64]:
    """Of n exposures, evenly over the arrival time, the first just after the start."""
    first = np.datetime64(round(start.timestamp() * 1e6), "us")
    after = np.linspace(1, ARRIVAL.total_seconds() * 1e6, n).astype(np.int64)
    return first + after * _MICROSECONDS


def names(experiment: str, n: int) -> NDArray[np.str_]:
    """Of n units, different from those of every other experiment."""
    found: NDArray[np.str_] = np.char.add(f"{experiment[-8:]}-", np.arange(n).astype(str))
    return found


def assigned(
    units: NDArray[np.str_], experiment: str, arms: NDArray[np.str_], exposed: NDArray[np.datetime64]
) -> pa.Table:
    return pa.table(
        {
            "unit": units,
            "experiment": pa.array([experiment] * len(units)).dictionary_encode(),
            "arm": arms,
            "time": pa.array(exposed).cast(pa.timestamp("us", "UTC")),
            "phase": np.ones(len(units), dtype=np.int64),
        }
    )


def _told(world: World, population: Population) -> Iterator[tuple[str, Places, Floats | None]]:
    """Event, the places of the units that it happened to, and what it carries."""
    for cpi, values in zip(world.cpis, population.cpis.T, strict=True):
        yield cpi.event, *_recorded(cpi, values)
    yield world.kpi_event, np.flatnonzero(population.kpi), None


def _recorded(cpi: TrueCpi, values: Floats) -> tuple[Places, Floats | None]:
    everybody = np.arange(len(values))
    if cpi.draw is Draw.TIMES:
        return np.repeat(everybody, values.astype(np.int64)), None
    return everybody, values


def _outcomes(
    units: NDArray[np.str_],
    happened: NDArray[np.datetime64],
    event: str,
    places: Places,
    values: Floats | None,
) -> pa.Table:
    rows = np.arange(len(places)).astype(str)
    return pa.table(
        {
            "id": np.char.add(np.char.add(units[places], f":{event}:"), rows),
            "unit": units[places],
            "event": [event] * len(places),
            "time": pa.array(happened[places]).cast(pa.timestamp("us", "UTC")),
            "value": pa.array([None] * len(places), pa.float64()) if values is None else values[places],
        }
    )
