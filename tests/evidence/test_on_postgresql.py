"""The whole way to a verdict on the other database."""

from service.settings import Settings
from tests.evidence.company import TWO_MECHANISMS, Company


def test_a_true_lever_is_confirmed_on_postgresql(client_for, settings: Settings, postgres_url: str) -> None:
    chosen = settings.model_copy(update={"database_url": postgres_url})
    company = Company(client=client_for(chosen), settings=chosen)
    hypothesis = company.hypothesis()
    run = company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    assert run["snapshot"]
    assert company.verdict(hypothesis)["latest"]["state"] == "confirmed"
    levers = company.client.get("/v1/levers").json()["items"]
    assert [lever["state"] for lever in levers] == ["confirmed"]
