"""An experiment whose facts lie in a warehouse is explored there: its units are read one by one."""

import json

import pytest

from service.settings import Settings
from tests.explorations.test_explorations_http import asked, stopped
from tests.facts.sources.test_analysis import MAPPED, Warehoused

TRAITS = {
    "rows": {"table": ["attributes"]},
    "unit": "unit",
    "name": {"column": "name"},
    "time": "time",
    "text": "value",
}


@pytest.fixture
def company(client_for, reaching: Settings) -> Warehoused:
    return Warehoused(client=client_for(reaching), settings=reaching)


def test_the_units_of_a_warehouse_are_read_one_by_one(company: Warehoused) -> None:
    source = company.client.post("/v1/sources", json=MAPPED | {"attributes": [TRAITS]}).json()["id"]
    pin = {"source": source, "experiment": "checkout-7"}
    experiment, _ = stopped(company, n=60, source=pin)
    url = asked(company, experiment, attributes=["device", "age"])
    company.drain()
    answer = company.client.get(url).json()
    assert answer["state"] == "succeeded", company.client.get(f"/v1/runs/{answer['run_id']}").json()
    assert answer["found"]["not_estimable"]["reason"] == "too_few_units"  # after they were read
    assert answer["provenance"]["sample"]["units"] == 120
    run = company.client.get(f"/v1/runs/{answer['run_id']}").json()
    read = json.loads(run["snapshot"])
    assert (read["source"], read["experiment"], read["pinned"]) == (source, "checkout-7", False)
