"""Which rows are kept that no analysis will use, and why? Whoever sends them can still act on it.

They are not rejected: they happened, and whoever assigns too early should see how many units that concerns.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from service.experiments.assignable import Assignable
from service.facts.ingest.kernels import kernels
from service.facts.tables import FactKind
from service.kit.clock import instant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    type Times = npt.NDArray[np.int64]
    type Truths = npt.NDArray[np.bool_]


def unused(kind: FactKind, rows: pa.Table, known: Mapping[str, Assignable]) -> Mapping[str, int]:
    """By the reason, how many of these rows; all name experiments that are known."""
    if kind not in {FactKind.ASSIGNMENTS, FactKind.EXPOSURES} or not rows.num_rows:
        return {}
    named = rows["experiment"].combine_chunks().dictionary_encode()
    times = kernels().cast(rows["time"].combine_chunks(), pa.int64()).to_numpy()
    found: Counter[str] = Counter()
    for place, experiment in enumerate(named.dictionary.to_pylist()):
        own = times[named.indices.to_numpy() == place]
        for reason, outside in _outside(kind, experiment, known[experiment], own):
            found[reason] += int(outside.sum())
    return {reason: number for reason, number in found.items() if number}


def _outside(
    kind: FactKind, name: str, experiment: Assignable, times: "Times"
) -> "Iterator[tuple[str, Truths]]":
    """Times that lie outside the experiment's dates, for each of its ends."""
    what = "assigned" if kind is FactKind.ASSIGNMENTS else "exposed"
    counted = "left out of its analysis (outside_dates)"
    if experiment.met_later and kind is FactKind.ASSIGNMENTS:
        pass  # whoever is assigned before the start may meet the difference after it
    elif experiment.started_at is None:
        yield f"{what} to {name}, which has not started: before it does they are {counted}", times >= 0
    else:
        text = f"{what} before {name} started, at {instant(experiment.started_at)}: {counted}"
        yield text, times < experiment.started_at.timestamp() * 1e6
    if experiment.stopped_at is not None:
        text = f"{what} after {name} stopped, at {instant(experiment.stopped_at)}: {counted}"
        yield text, times >= experiment.stopped_at.timestamp() * 1e6
