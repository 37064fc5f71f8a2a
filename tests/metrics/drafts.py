"""Metrics to register in tests, as a client would send them."""

from typing import Any

INQUIRY = {
    "method": "contextual_inquiry_observation",
    "summary": "Nine of twelve gave up comparing insurers when a quote took over a minute",
    "place": "Car dealers' waiting rooms, Leeds",
    "researcher": "Grace Okafor",
    "journey_point": "Comparing insurers for a car just bought",
    "date": "2026-03-14",
    "customers": 12,
}


def cpi(**changes: Any) -> dict[str, Any]:
    """A qualified CPI: minutes to a quote, lower is better."""
    return {
        "kind": "cpi",
        "name": "Quick quote",
        "unit_type": "customer",
        "outcome": "I know what it costs before I have to move on",
        "function": "marketing",
        "value_kind": "time",
        "increment": {"amount": 1, "unit": "minute", "better": "lower"},
        "evidence": [INQUIRY],
        "definition": {
            "aggregation": "mean",
            "event": {"event": "quote_shown"},
            "value_property": "minutes",
            "value_type": "duration",
            "window": "P7D",
        },
    } | changes


def kpi(**changes: Any) -> dict[str, Any]:
    """A KPI: share of customers who bought."""
    return {
        "kind": "kpi",
        "name": "Conversion",
        "unit_type": "customer",
        "definition": {
            "aggregation": "proportion",
            "all_of": [{"event": "policy_bought"}],
            "window": "P14D",
        },
    } | changes
