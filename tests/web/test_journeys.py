"""Does a metric's page tell at which step journeys broke?"""

from service.facts import steps_of
from service.metrics.definitions import JourneyDefinition
from service.web.metric_shown import Broke, _broke
from tests.evidence.company import SHORT, TWO_MECHANISMS, Company
from tests.metrics.drafts import kpi

STEPS = [{"event": {"event": event}} for event in ("waited", "asked", "spent")]
SERVED = {
    "aggregation": "journey",
    "steps": STEPS,
    "window": SHORT,
    "pre_period": "P0D",
}


def definition(**changes: object) -> JourneyDefinition:
    return JourneyDefinition.model_validate(SERVED | changes)


def test_a_journey_of_three_steps_tells_after_which_of_them_customers_stayed_away(
    browser, client, settings
) -> None:
    """Everybody waits and spends; half of the control group asks."""
    company = Company(client=client, settings=settings)
    metric = company.metric(kpi(name="Asked and served", definition=SERVED))
    plan = {"secondary": [{"metric": metric}]}
    experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS, asking=0.5, **plan)
    company.finish(experiment)
    n = client.get(f"/v1/experiments/{experiment}").json()["planned_size"]["units"]
    page = " ".join(browser.get(f"/metrics/{metric}").text.split())
    assert f"came: {n:,}" in page
    assert f"broke after “waited”, before “asked”: {n // 2:,}" in page
    assert "broke after “asked”, before “spent”: 0" in page
    assert f"arrived: {n // 2:,}" in page


def test_what_was_kept_before_steps_were_counted_is_told_from_the_first_to_the_last() -> None:
    assert _broke(definition(), [9, 4]) == (Broke(after="waited", before="spent", n=5, absent=False),)


def test_a_step_that_was_not_to_happen_is_told_as_one_that_did() -> None:
    last = {"event": {"event": "called"}, "within": "PT0.1S", "absent": True}
    told = _broke(definition(steps=[*STEPS[:2], last]), [9, 6, 4])
    assert told[-1] == Broke(after="asked", before="called", n=2, absent=True)


def test_the_first_step_is_counted_where_it_does_not_make_the_journey() -> None:
    assert steps_of("m", definition()) == ("m/step1",)
    assert steps_of("m", definition(missing="zero")) == ("m/step0", "m/step1")
