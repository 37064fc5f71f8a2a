"""Unrandomised data whose truth is known: the CPI's effect on the KPI is TRUE, whatever else moves both."""

import numpy as np

from analyses import CausalGraph, Sample, causal_graph

TRUE = 0.5


def sample(**columns) -> Sample:
    rows = np.column_stack([np.asarray(one, dtype=float) for one in columns.values()])
    return Sample(columns=tuple(columns), rows=rows)


def graph(causes, known=(), unmeasured=(), related=()) -> CausalGraph:
    found = causal_graph(
        causes, treatment="cpi", outcome="kpi", known=known, unmeasured=unmeasured, related=related
    )
    assert isinstance(found, CausalGraph), found
    return found


def backdoor(rng: np.random.Generator, n: int) -> Sample:
    """Tenure and plan move both; the raw association has the wrong sign; errors grow with tenure."""
    tenure, plan = rng.exponential(size=n), rng.integers(0, 2, size=n)
    cpi = tenure + 0.5 * plan + rng.normal(size=n)
    kpi = TRUE * cpi - 2 * tenure + plan + rng.normal(size=n) * (0.5 + 0.5 * tenure)
    return sample(cpi=cpi, kpi=kpi, tenure=tenure, plan=plan)


BACKDOOR = graph({"kpi": ["cpi", "tenure", "plan"], "cpi": ["tenure", "plan"]}, known=["tenure", "plan"])


def front_door(rng: np.random.Generator, n: int) -> Sample:
    """Something unmeasured moves both; the CPI acts through a mediator alone."""
    hidden = rng.normal(size=n)
    cpi = hidden + rng.normal(size=n)
    visits = 0.8 * cpi + rng.normal(size=n)
    kpi = TRUE / 0.8 * visits - 2 * hidden + rng.normal(size=n)
    return sample(cpi=cpi, kpi=kpi, visits=visits)


FRONT_DOOR = graph(
    {"kpi": ["visits", "hidden"], "visits": ["cpi"], "cpi": ["hidden"]},
    known=["visits"],
    unmeasured=["hidden"],
)


def instrument(rng: np.random.Generator, n: int, strength: float = 0.4) -> Sample:
    """Something unmeasured moves both; the queue's length moves the CPI alone."""
    hidden, queue = rng.normal(size=n), rng.normal(size=n)
    cpi = hidden + strength * queue + rng.normal(size=n)
    kpi = TRUE * cpi - 2 * hidden + rng.normal(size=n)
    return sample(cpi=cpi, kpi=kpi, queue=queue)


INSTRUMENT = graph(
    {"kpi": ["cpi", "hidden"], "cpi": ["hidden", "queue"]}, known=["queue"], unmeasured=["hidden"]
)


def curved(rng: np.random.Generator, n: int) -> Sample:
    """Tenure moves both by curves that straight lines miss."""
    tenure, plan = rng.normal(size=n), rng.normal(size=n)
    cpi = tenure**2 + 0.5 * tenure * plan + rng.normal(size=n)
    kpi = TRUE * cpi - 2 * tenure**2 + rng.normal(size=n)
    return sample(cpi=cpi, kpi=kpi, tenure=tenure, plan=plan)


PLANTED = {
    "backdoor": (backdoor, BACKDOOR),
    "front-door": (front_door, FRONT_DOOR),
    "instrument": (instrument, INSTRUMENT),
}
