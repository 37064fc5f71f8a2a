"""Which pieces do the stories' documents share? Definitions with the demo's window, money, evidence."""

from service.cli.demo.story import WINDOW, Draft

SHORT_WINDOW = f"PT{WINDOW.total_seconds()}S"
_PERIODS: Draft = {"window": SHORT_WINDOW, "pre_period": "PT0S"}


def mean(event: str, value_type: str) -> Draft:
    return {"aggregation": "mean", "event": {"event": event}, "value_type": value_type, **_PERIODS}


def count(event: str) -> Draft:
    return {"aggregation": "count", "event": {"event": event}, **_PERIODS}


def share(event: str) -> Draft:
    return {"aggregation": "proportion", "all_of": [{"event": event}], **_PERIODS}


def euros(amount: float) -> Draft:
    return {"amount": amount, "currency": "EUR"}


def watched(*, place: str, researcher: str, journey_point: str, summary: str, customers: int) -> Draft:
    """A contextual inquiry, which qualifies a CPI."""
    return {
        "method": "contextual_inquiry_observation",
        "place": place,
        "researcher": researcher,
        "journey_point": journey_point,
        "summary": summary,
        "date": "2026-03-14",
        "customers": customers,
    }
