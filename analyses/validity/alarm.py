"""Is the business gaining at its customers' cost?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from analyses.results import Check, Estimate, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What an arm did to a metric, raw, and which direction is better: 1 for higher, -1 for lower."""

    arm: str
    metric: str
    effect: Estimate | NotEstimable
    better: int

    @property
    def improved(self) -> bool:
        """Whether the whole interval lies on the better side of zero."""
        return self._beyond(self.better)

    @property
    def worsened(self) -> bool:
        """Whether the whole interval lies on the worse side of zero."""
        return self._beyond(-self.better)

    def _beyond(self, sign: int) -> bool:
        if isinstance(self.effect, NotEstimable):
            return False
        near = self.effect.interval.lower if sign > 0 else self.effect.interval.upper
        return near is not None and sign * near > 0


def kpi_up_cpi_down(kpis: Sequence[Moved], cpis: Sequence[Moved]) -> Check:
    """Alarm of an arm whose KPI rises while a CPI falls, each beyond its interval; gates nothing.

    Question: did an arm serve the company by serving its customers worse?
    Estimand: the effects given; "rises" and "falls" are said in the sense of each metric's better direction.
    Assumes: what the effects assume. Each arm is looked at by itself, without correction for their number:
    an alarm asks somebody to look, it decides nothing.
    Formula: KPI interval wholly better than zero and CPI interval wholly worse than zero, in one arm.

    >>> from analyses.effects.difference import normal
    >>> sales = Moved(arm="1", metric="sales", effect=normal(2.0, 0.5, 0.05), better=1)
    >>> wait = Moved(arm="1", metric="wait", effect=normal(3.0, 1.0, 0.05), better=-1)
    >>> kpi_up_cpi_down([sales], [wait]).passed
    False
    """
    name = "kpi_up_cpi_down"
    pairs = [(k, c) for k, c in product(kpis, cpis) if k.arm == c.arm]
    known = [p for p in pairs if not any(isinstance(m.effect, NotEstimable) for m in p)]
    bought = [
        f"{k.metric} improved while {c.metric} got worse in {k.arm}"
        for k, c in known
        if k.improved and c.worsened
    ]
    if bought:
        return Check(
            name=name,
            passed=False,
            detail=f"{'; '.join(bought)}: customers pay for this gain; do not ship it before asking how",
            gates=False,
        )
    if not known:
        return Check(name=name, passed=None, detail="no arm has both effects", gates=False)
    return Check(name=name, passed=True, detail="no KPI improved while a CPI got worse", gates=False)
