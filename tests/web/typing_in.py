"""What a person types into a form, and what a browser sends of it."""

import re
from html import unescape

from fastapi.testclient import TestClient

CPI = {
    "kind": "cpi",
    "name": "Quick quote",
    "unit_type": "customer",
    "outcome": "I know what it costs before I have to move on",
    "value_kind": "time",
    "increment.amount": "1",
    "increment.unit": "minute",
    "increment.better": "lower",
    "expectations.0.segment": "consumers",
    "expectations.0.level": "0,5",
    "evidence.1.method": "contextual_inquiry_observation",
    "evidence.1.summary": "Nine of twelve gave up",
    "evidence.1.place": "Leeds",
    "evidence.1.researcher": "Grace Okafor",
    "evidence.1.journey_point": "Comparing insurers",
    "evidence.1.date": "2026-03-14",
    "evidence.1.customers": "12",
    "definition.aggregation": "mean",
    "definition.event.event": "quote_shown",
    "definition.event.where.0.property": "channel",
    "definition.event.where.0.op": "=",
    "definition.event.where.0.value": "web",
    "definition.value_property": "minutes",
    "definition.value_type": "duration",
    "definition.window": "7",
    "definition.numerator.event.event": "left over from another way of measuring",
    "population": "triggered",
    "definition.population.triggered.event": "quote_requested",
}


def token(browser: TestClient, address: str = "/metrics") -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.get(address).text)
    assert found is not None
    return found[1]


def send(browser: TestClient, address: str, typed: dict[str, str], go: str = "save", step: int = 1):
    return browser.post(address, data={**typed, "form_token": token(browser), "go": go, "step": str(step)})


def inputs(page: str) -> set[str]:
    return {unescape(one) for one in re.findall(r'(?:input|select|textarea)[^>]* name="([^"]+)"', page)}


def hidden_of(page: str) -> list[tuple[str, str]]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    shown = re.findall(r'<input id="[^"]+" name="([^"]+)" type="\w+" value="([^"]*)"', page)
    return [(unescape(name), unescape(value)) for name, value in found + shown if value]


def everything(browser: TestClient, address: str, page: str) -> dict[str, str]:
    """What a browser sends after somebody went on: hidden fields on one step, shown on another."""
    first = dict(hidden_of(page))
    second = send(browser, address, first, go="to:7")
    return {name: text for name, text in hidden_of(second.text) if name not in ("form_token", "step")}
