"""Units whose truth is known: for whom the arm works, and what the CPI is worth to whom."""

from dataclasses import dataclass

import numpy as np

from analyses import Covariate, Question, Trial

QUESTION = Question(cpi_step=1.0, kpi_sign=1, smallest_slope=0.1, bound=None, alpha=0.05)
DEVICES = ("desktop", "mobile", "tablet")
SEGMENT = "device is mobile, policies before is below 1"


@dataclass(frozen=True, kw_only=True)
class World:
    """The arm moves the CPI by ``shift``, by ``more`` more on the mobiles of new customers.

    One unit of the CPI is worth ``slope``, and ``worth`` more to the old: ``age`` in tens above 40.
    """

    n: int = 20_000
    shift: float = 0.4
    more: float = 0.0
    slope: float = 0.5
    worth: float = 0.0
    noise: float = 1.0
    share: float = 0.5
    phases: tuple[float, ...] = ()  # instead of one share: the share of the treated in each phase
    others: int = 3  # covariates that change nothing
    clusters: int = 0  # of which whole ones are drawn, where there are any
    alike: float = 0.5  # what units of a cluster share of CPI and KPI, in standard deviations of a unit

    def draw(self, seed: int) -> Trial:
        rng = np.random.default_rng(seed)
        device, policies = rng.integers(0, 3, self.n), rng.poisson(1.0, self.n).astype(float)
        age = rng.normal(40.0, 10.0, self.n)
        others = [rng.normal(size=self.n) for _ in range(self.others)]
        shares = np.array(self.phases or (self.share,))
        phase = rng.integers(0, len(shares), self.n)
        treated = rng.random(self.n) < shares[phase]
        discovery = rng.random(self.n) < 0.5
        shared, cluster, stores = np.zeros(self.n), None, []
        if self.clusters:
            cluster = rng.integers(0, self.clusters, self.n).astype(np.int32)
            treated, discovery = ((rng.random(self.clusters) < 0.5)[cluster] for _ in range(2))
            shared = self.alike * rng.normal(size=self.clusters)[cluster]
            stores = [Covariate(name="shops nearby", values=rng.poisson(3.0, self.clusters)[cluster] * 1.0)]
        inside = (device == 1) & (policies < 1)
        cpi = 2.0 + 0.3 * policies + 0.5 * phase + treated * (self.shift + self.more * inside)
        cpi = cpi + shared + rng.normal(size=self.n)
        worth = self.slope + self.worth * (age - 40.0) / 10.0
        kpi = 10.0 + worth * cpi + 0.5 * policies + phase + shared + self.noise * rng.normal(size=self.n)
        return Trial(
            treated=treated,
            cpi=cpi,
            kpi=kpi,
            strata=phase.astype(np.int32) + 1,
            discovery=discovery,
            covariates=(
                Covariate(name="device", values=device.astype(float), levels=DEVICES),
                Covariate(name="policies before", values=policies),
                Covariate(name="age", values=age),
                *(Covariate(name=f"other {place}", values=one) for place, one in enumerate(others)),
                *stores,
            ),
            units=self.n,
            clusters=cluster,
        )
