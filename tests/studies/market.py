"""Customers whom nobody randomised, with a truth: one minute less of waiting is worth WORTH in spending."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tests.evidence.company import Company

WORTH = 0.5
FIRST = datetime(2026, 6, 1, tzinfo=UTC)
PERIOD = {"from": "2026-06-01T00:00:00Z", "to": "2026-08-24T00:00:00Z"}
WEEKS = 12
ANCHOR = {"event": "visited"}


def summed(event: str, pre: str = "P7D") -> dict[str, Any]:
    """Everything within an hour of the visit."""
    return {
        "aggregation": "sum",
        "event": {"event": event},
        "value_type": "amount",
        "window": "PT1H",
        "pre_period": pre,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """N customers: when each came, and columns about them."""

    at: list[datetime]
    waited: np.ndarray
    spent: np.ndarray
    numbers: dict[str, np.ndarray]
    texts: dict[str, list[str]]
    before: np.ndarray | None = None  # spending in the days before


def send(company: Company, visits: Visits, *, prefix: str = "c") -> None:
    outcomes, traits = written(visits, prefix)
    company.send("/v1/outcomes", outcomes)
    answer = company.client.post("/v1/attributes", json=traits)
    assert answer.status_code == 201, answer.text


def written(visits: Visits, prefix: str = "c") -> tuple[str, list[dict[str, Any]]]:
    """The outcomes as CSV, and what is known of each customer."""
    outcomes, traits = io.StringIO(), []
    outcomes.write("id,unit,event,time,value\n")
    for place, at in enumerate(visits.at):
        unit = f"{prefix}{place}"
        soon, early = (at + timedelta(minutes=5)).isoformat(), (at - timedelta(days=2)).isoformat()
        outcomes.write(f"{unit}-v,{unit},visited,{at.isoformat()},1\n")
        outcomes.write(f"{unit}-w,{unit},waited,{soon},{visits.waited[place]}\n")
        outcomes.write(f"{unit}-s,{unit},spent,{soon},{visits.spent[place]}\n")
        if visits.before is not None:
            outcomes.write(f"{unit}-b,{unit},spent,{early},{visits.before[place]}\n")
        for name, column in visits.numbers.items():
            traits.append({"unit": unit, "name": name, "value": float(column[place]), "time": early})
        for name, texts in visits.texts.items():
            traits.append({"unit": unit, "name": name, "value": texts[place], "time": early})
    return outcomes.getvalue(), traits


def confounded(n: int = 1500, seed: int = 1) -> Visits:
    """Loyal customers wait longer, since they ask for more, and spend more: raw, waiting seems to pay."""
    rng = np.random.default_rng(seed)
    tenure = rng.exponential(size=n)
    plans = rng.integers(0, 3, size=n)
    waited = 5 + 2 * tenure + plans + rng.normal(size=n)
    spent = 20 - WORTH * waited + 3 * tenure + 2 * plans + rng.normal(size=n)
    return Visits(
        at=[FIRST + timedelta(days=int(day), hours=9) for day in rng.integers(0, 80, size=n)],
        waited=waited,
        spent=spent,
        numbers={"tenure": tenure},
        texts={"plan": [("basic", "plus", "max")[one] for one in plans]},
        before=20 + 3 * tenure + 2 * plans + rng.normal(size=n),
    )


def asked(company: Company, **changes: Any) -> dict[str, Any]:
    """A study by a graph, answered; its view."""
    document = {
        "design": "graph",
        "name": "What waiting costs",
        "cpi": company.ids["cpi"],
        "kpi": company.ids["kpi"],
        "anchor": ANCHOR,
        "period": PERIOD,
    } | changes
    if document.get("hypothesis"):
        document |= {"cpi": None, "kpi": None}
    answer = company.client.post("/v1/studies", json=document)
    assert answer.status_code == 202, answer.text
    company.drain()
    run = company.client.get(f"/v1/runs/{answer.json()['run_id']}").json()
    assert run["state"] == "succeeded", run["error"]
    found: dict[str, Any] = company.client.get(answer.headers["Location"]).json()
    return found


TENURE = {"kind": "attribute", "name": "tenure", "attribute": "tenure"}
PLAN = {"kind": "category", "name": "plan", "attribute": "plan"}
