"""Hypotheses and mechanisms to register in tests, as a client would send them."""

from typing import Any

from fastapi.testclient import TestClient

from tests.metrics.drafts import cpi, kpi


def created(client: TestClient, path: str, document: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=document)
    assert answer.status_code == 201, answer.text
    return answer.json()


def metric_pair(client: TestClient, **kpi_changes: Any) -> tuple[str, str]:
    """The ids of a CPI and a KPI."""
    return (
        created(client, "/v1/metrics", cpi())["id"],
        created(client, "/v1/metrics", kpi(**kpi_changes))["id"],
    )


def hypothesis(cpi_id: str, kpi_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "cpi": cpi_id,
        "kpi": kpi_id,
        "direction": "increase",
        "smallest_slope": 0.01,
        "direct_effect_bound": "unknown",
        "rationale": "Who gets a quote at once compares less",
        "unit_type": "customer",
        "window": "P14D",
    } | changes


def mechanism(cpi_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "cpi": cpi_id,
        "name": "Prefilled vehicle data",
        "description": "The number plate fills in the vehicle",
    } | changes


def registered(client: TestClient, cpi_id: str, kpi_id: str, **changes: Any) -> str:
    """The id of a registered hypothesis."""
    drafted = created(client, "/v1/hypotheses", hypothesis(cpi_id, kpi_id, **changes))
    answer = client.post(f"/v1/hypotheses/{drafted['id']}:register", headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    return drafted["id"]
