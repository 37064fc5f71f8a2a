"""Reports of experiments that were run elsewhere, with a known truth behind them."""

from typing import Any

UNITS = 20_000
UNIT = {"var_cpi": 1.0, "cov": -0.5, "var_kpi": 1.25}  # of one unit: sd of the wait 1, slope -0.5, noise 1


def report(
    key: str, arms: dict[str, tuple[float, str | None]], *, slope: float = -0.5, **changes: Any
) -> dict[str, Any]:
    """What a testing tool would export: raw effects of arms that share a control, no noise in them."""
    of_mean = {name: value / UNITS for name, value in UNIT.items()}
    of_effect = {name: 2 * value for name, value in of_mean.items()}
    return {
        "form": "variances",
        "id": key,
        "name": f"The past experiment {key}",
        "origin": "another tool",
        "started_on": "2025-09-01",
        "ended_on": "2025-09-20",
        "control": {"units": UNITS, "weight": 1, **of_mean},
        "arms": [
            {
                "name": name,
                "mechanism": mechanism,
                "placebo": mechanism is None,
                "units": UNITS,
                "weight": 1,
                "cpi_effect": shift,
                "kpi_effect": slope * shift,
                **of_effect,
            }
            for name, (shift, mechanism) in arms.items()
        ],
    } | changes


TWO = {"placebo": (0.0, None), "form": (-2.0, "form"), "engine": (-1.0, "engine")}
ONE = {"form": (-2.0, "form")}
