"""Experiments to plan in tests, as a client would send them."""

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from tests.hypotheses.drafts import created, mechanism, metric_pair, registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What an experiment stands on: a registered hypothesis, its metrics and a mechanism."""

    cpi: str
    kpi: str
    hypothesis: str
    mechanism: str


def ground(client: TestClient, **changes: Any) -> Ground:
    cpi_id, kpi_id = metric_pair(client)
    return Ground(
        cpi=cpi_id,
        kpi=kpi_id,
        mechanism=created(client, "/v1/mechanisms", mechanism(cpi_id))["id"],
        hypothesis=registered(client, cpi_id, kpi_id, **changes),
    )


def treatment(arm: str, mechanism_id: str, amount: float = 2) -> dict[str, Any]:
    dose = {"amount": amount, "unit": "minute", "kind": "change"}
    return {"role": "treatment", "arm": arm, "mechanism": mechanism_id, "dose": dose}


def placebo(arm: str) -> dict[str, Any]:
    return {"role": "placebo", "arm": arm, "shares": "The same new page without the prefilled answers"}


def plan(on: Ground, **changes: Any) -> dict[str, Any]:
    """Three arms: control, placebo and treatment."""
    return {
        "name": "Prefilled quotes",
        "unit_type": "customer",
        "arms": [
            {"name": "control", "weight": 2, "control": True},
            {"name": "placebo", "weight": 1},
            {"name": "prefilled", "weight": 1},
        ],
        "hypotheses": [
            {
                "hypothesis": on.hypothesis,
                "arms": [placebo("placebo"), treatment("prefilled", on.mechanism)],
            }
        ],
        "records_differently": [],
        "shared_capacity": [],
        "planned_size": {"units": 1000, "per": "arm"},
    } | changes


def step(client: TestClient, experiment_id: str, verb: str) -> dict[str, Any]:
    """Take one legal step with whatever version the experiment has."""
    url = f"/v1/experiments/{experiment_id}"
    answer = client.post(f"{url}:{verb}", headers={"If-Match": client.get(url).headers["ETag"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def started(client: TestClient, document: dict[str, Any]) -> str:
    """The id of a running experiment."""
    experiment_id = created(client, "/v1/experiments", document)["id"]
    step(client, experiment_id, "approve")
    step(client, experiment_id, "start")
    return experiment_id


def reweighed(client: TestClient, experiment_id: str) -> dict[str, Any]:
    """Begin a further phase, with equal weights."""
    url = f"/v1/experiments/{experiment_id}"
    shown = client.get(url)
    weights = {arm["name"]: 1 for arm in shown.json()["arms"]}
    headers = {"If-Match": shown.headers["ETag"]}
    answer = client.post(f"{url}/phases", json={"weights": weights}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()
