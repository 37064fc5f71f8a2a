"""A company whose truth is known: what it registers, its experiments and its customers, all over HTTP."""

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from service import worker
from service.kit.clock import now
from service.kit.database import Database
from service.settings import Settings
from tests.experiments.drafts import step, treatment
from tests.hypotheses.drafts import created, mechanism
from tests.metrics.drafts import cpi, kpi

ARRIVAL = timedelta(milliseconds=1)  # after the start
WINDOW = timedelta(milliseconds=200)
SHORT = "PT0.2S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """What an arm does to the wait, to another CPI, and to spending past the wait; and by which mechanism."""

    shift: float = 0.0
    rival: float = 0.0
    direct: float = 0.0
    mechanism: str | None = None
    placebo: bool = False
    asking: float = 0.0  # share of customers who ask for a quote


@dataclass(slots=True, kw_only=True)
class Company:
    """Waits less, spends more: ``slope`` is what one minute less is worth."""

    client: TestClient
    settings: Settings
    slope: float = 0.5
    wait: dict[str, Any] = field(default_factory=lambda: summed("waited"))
    spending: dict[str, Any] = field(default_factory=lambda: summed("spent"))
    ids: dict[str, str] = field(default_factory=dict)
    moments: dict[str, datetime] = field(default_factory=dict)  # when an experiment's customers came

    def __post_init__(self) -> None:
        self.ids["cpi"] = self.metric(cpi(name="Wait", definition=self.wait))
        self.ids["kpi"] = self.metric(kpi(name="Spending", definition=self.spending))
        for name in ("first", "second"):
            self.ids[name] = self.mechanism(name)

    def metric(self, document: Mapping[str, Any]) -> str:
        return str(created(self.client, "/v1/metrics", document)["id"])

    def mechanism(self, name: str) -> str:
        """A means of moving the CPI that the company now looks at."""
        return str(created(self.client, "/v1/mechanisms", mechanism(self.ids["cpi"], name=name))["id"])

    def add_rival(self) -> None:
        better = {"amount": 1, "unit": "option", "better": "higher"}
        document = cpi(name="Options", value_kind="options", increment=better, definition=summed("offered"))
        self.ids["rival"] = self.metric(document)

    def hypothesis(self, **changes: Any) -> str:
        """Registered: one minute less raises spending by at least 0.2."""
        document = {
            "cpi": self.ids["cpi"],
            "kpi": self.ids["kpi"],
            "direction": "increase",
            "smallest_slope": 0.2,
            "direct_effect_bound": "unknown",
            "rationale": "Who waits less stays",
            "unit_type": "customer",
            "window": SHORT,
        } | changes
        drafted = created(self.client, "/v1/hypotheses", document)["id"]
        url = f"/v1/hypotheses/{drafted}"
        answer = self.client.post(f"{url}:register", headers={"If-Match": '"1"'})
        assert answer.status_code == 200, answer.text
        return str(drafted)

    def experiment(
        self,
        hypotheses: list[str],
        arms: Mapping[str, Dealt],
        *,
        n: int = 1000,
        asking: float = 0.0,
        **changes: Any,
    ) -> str:
        """Approved and started; its customers come and their windows close at once."""
        names = {"control": Dealt(asking=asking), **arms}
        document = {
            "name": f"Experiment on {', '.join(arms)}",
            "unit_type": "customer",
            "arms": [{"name": name, "weight": 1, "control": name == "control"} for name in names],
            "hypotheses": [
                {"hypothesis": one, "arms": [self.role(name, dealt) for name, dealt in arms.items()]}
                for one in hypotheses
            ],
            "records_differently": [],
            "shared_capacity": [],
            "planned_size": {"units": n, "per": "arm"},
        } | changes
        experiment_id = str(created(self.client, "/v1/experiments", document)["id"])
        step(self.client, experiment_id, "approve")
        start = datetime.fromisoformat(step(self.client, experiment_id, "start")["started_at"])
        self.moments[experiment_id] = start + ARRIVAL
        if n:
            self.deal(experiment_id, names, n)
        return experiment_id

    def role(self, arm: str, dealt: Dealt) -> dict[str, Any]:
        if dealt.placebo:
            return {"role": "placebo", "arm": arm, "shares": "The same page"}
        return treatment(arm, self.ids[dealt.mechanism or "first"], dealt.shift)

    def deal(self, experiment_id: str, arms: Mapping[str, Dealt], n: int) -> None:
        """Customers come just after the start; what they do follows inside their window."""
        draw = np.random.default_rng(sum(map(ord, "".join(arms))) + n)
        assigned, outcomes = io.StringIO(), io.StringIO()
        exposed = self.moments[experiment_id].isoformat()
        after = (self.moments[experiment_id] + WINDOW / 2).isoformat()
        assigned.write("unit,experiment,arm,time\n")
        outcomes.write("id,unit,event,time,value\n")
        for name, dealt in arms.items():
            wait = 5 + dealt.shift + draw.normal(size=n)
            spent = 20 - self.slope * wait + dealt.direct + draw.normal(size=n)
            offered = 3 + dealt.rival + draw.normal(size=n)
            for i in range(n):
                unit = f"{experiment_id}-{name}-{i}"
                assigned.write(f"{unit},{experiment_id},{name},{exposed}\n")
                values = {"asked": 1.0} if i < dealt.asking * n else {}
                values |= {"waited": wait[i], "spent": spent[i], "offered": offered[i]}
                for event, value in values.items():
                    outcomes.write(f"{unit}-{event},{unit},{event},{after},{value}\n")
        self.send("/v1/assignments", assigned.getvalue())
        self.send("/v1/outcomes", outcomes.getvalue())

    def send(self, path: str, csv: str) -> None:
        answer = self.client.post(path, content=csv, headers={"Content-Type": "text/csv"})
        assert answer.status_code == 201, answer.text
        assert answer.json()["rejected"] == 0, answer.text

    def run(self, experiment_id: str, **body: Any) -> dict[str, Any]:
        """Ask for an analysis, let a worker drain the queue, and look at what came of it."""
        answer = self.client.post(f"/v1/experiments/{experiment_id}/runs", json=body)
        assert answer.status_code == 202, answer.text
        self.drain()
        found: dict[str, Any] = self.client.get(answer.headers["Location"]).json()
        return found

    def drain(self) -> None:
        """Let a worker work until no run is left."""
        database = Database.open(self.settings.url)
        try:
            worker.work(self.settings, database, Event(), until_idle=True)
        finally:
            database.close()

    def stop(self, experiment_id: str) -> None:
        """Nobody comes any more; from now on a run is final."""
        stopped = datetime.fromisoformat(step(self.client, experiment_id, "stop")["stopped_at"])
        time.sleep(max(0.0, (stopped + WINDOW - now()).total_seconds()))

    def finish(self, experiment_id: str) -> dict[str, Any]:
        """Stop, wait until nobody's window can be open any more, and analyse; the run must succeed."""
        self.stop(experiment_id)
        found = self.run(experiment_id)
        assert found["state"] == "succeeded", found
        return found

    def verdict(self, hypothesis_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/v1/hypotheses/{hypothesis_id}/verdict")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def summed(event: str) -> dict[str, Any]:
    return {
        "aggregation": "sum",
        "event": {"event": event},
        "value_type": "amount",
        "window": SHORT,
        "pre_period": "P0D",
    }


TWO_MECHANISMS = {
    "placebo": Dealt(placebo=True),
    "fast": Dealt(shift=-2, mechanism="first"),
    "faster": Dealt(shift=-1, mechanism="second"),
}
