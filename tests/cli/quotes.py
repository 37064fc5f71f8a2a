"""An insurer's quotes, simulated: two mechanisms and a placebo against control, the truth known."""

import numpy as np
import pandas as pd

UNITS = ("--arm", "arm", "--control", "control", "--cpi", "wait", "--kpi", "sales")
RULE = ("--better", "lower", "--smallest-slope", "0.1")
DESIGN = ("--mechanism", "form=short form", "--mechanism", "bot=chat bot", "--placebo", "same")


def study(n: int = 4000, seed: int = 50) -> pd.DataFrame:
    """Waiting a minute less is worth 0.3 sales; the form saves half a minute, the bot one."""
    draw = np.random.default_rng(seed)
    arm = draw.choice(["control", "form", "bot", "same"], n)
    before = draw.normal(size=n)
    wait = 10 - 0.5 * (arm == "form") - 1.0 * (arm == "bot") + draw.normal(size=n)
    sales = 8 - 0.3 * wait + before + draw.normal(size=n)
    return pd.DataFrame(
        {"arm": arm, "wait": wait, "sales": sales, "before": before, "steps": draw.normal(size=n)}
    )
