"""How far has the CPI surely been moved? No value is told beyond it."""

from collections.abc import Mapping
from math import sqrt

from pydantic import JsonValue

from service.evidence.tables import Verdict

SURE = 1.96  # standard errors that are taken off an arm's effect, as where doses are planned


def tested_up_to(verdict: Verdict) -> float:
    """The largest improvement of the CPI that an arm surely brought, in increments; 0 if none did.

    Effect less 1.96 standard errors, as past doses are planned with: the largest of many arms that did
    nothing is an error. Arms that were left out stood still, and a placebo is no dose.
    """
    contrasts = verdict.relationship.get("contrasts")
    step = _number(verdict.rule, "increment") * _number(verdict.rule, "better")
    if not isinstance(contrasts, list) or not step:
        return 0.0
    return max([0.0, *(_reach(one, step) for one in contrasts if isinstance(one, dict))])


def _reach(contrast: Mapping[str, JsonValue], step: float) -> float:
    """The improvement that an arm surely brought, in increments."""
    if contrast.get("placebo"):
        return 0.0
    error = sqrt(_number(contrast, "var_cpi")) / abs(step)
    return _number(contrast, "cpi_effect") / step - SURE * error


def _number(document: Mapping[str, JsonValue], name: str) -> float:
    found = document.get(name)
    return float(found) if isinstance(found, int | float) else 0.0
