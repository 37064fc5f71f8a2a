"""Reports of experiments that were run elsewhere, with a known truth behind them."""

from typing import Any

import numpy as np

UNITS = 20_000
UNIT = np.array([[1.0, -0.5], [-0.5, 1.25]])  # of one unit: sd of the wait 1, slope -0.5, noise 1


def report(
    key: str, arms: dict[str, tuple[float, str | None]], *, slope: float = -0.5, **changes: Any
) -> dict[str, Any]:
    """What a testing tool would export: raw effects of arms that share a control, no noise in them."""
    each = UNIT / UNITS
    return {
        "form": "variances",
        "id": key,
        "name": f"The past experiment {key}",
        "origin": "another tool",
        "started_on": "2025-09-01",
        "ended_on": "2025-09-20",
        "control": {
            "units": UNITS,
            "weight": 1,
            "var_cpi": each[0, 0],
            "cov": each[0, 1],
            "var_kpi": each[1, 1],
        },
        "arms": [
            {
                "name": name,
                "mechanism": mechanism,
                "placebo": mechanism is None,
                "units": UNITS,
                "weight": 1,
                "cpi_effect": shift,
                "kpi_effect": slope * shift,
                "var_cpi": 2 * each[0, 0],
                "cov": 2 * each[0, 1],
                "var_kpi": 2 * each[1, 1],
            }
            for name, (shift, mechanism) in arms.items()
        ],
    } | changes


TWO = {"placebo": (0.0, None), "form": (-2.0, "form"), "engine": (-1.0, "engine")}
ONE = {"form": (-2.0, "form")}
