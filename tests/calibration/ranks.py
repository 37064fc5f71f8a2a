"""Do posterior and prior belong together? Ranks of truths among draws, by either method of sampling.

Simulation-based calibration: a truth is drawn from the prior and data from the truth; the share of the
posterior below the truth is then uniform, for each parameter, if the sampler samples what the model says
(Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv:1804.06788).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from analyses import ContrastArm, ExperimentContrasts, NotEstimable, Rule, SlopePrior
from analyses.moments import Floats
from analyses.posterior import importance, nuts
from analyses.posterior.blocks import Evidence, evidence_of
from analyses.posterior.importance import Draws
from analyses.posterior.prior import NAMES, parameters

EXPERIMENTS = 6
ERROR = 0.4  # sampling error of both metrics in typical shifts, and in what a slope of d does to one
CORRELATED = 0.5
TYPICAL = np.array([0.0, -1.0, -1.0, 0.0, -1.0, -1.0])  # powers of the typical shift in the prior's scales
BINS = 20
FAILS, DOUBTFUL = 0.001, 0.01  # p-values of a table of twelve

METHODS: dict[str, Callable[[Evidence, int], Draws | NotEstimable]] = {
    "importance sampling": importance.sampled,
    "NUTS": nuts.sampled,
}
MOST = {"NUTS": 300}  # replications of what is slow
PARAMETERS = dict(
    zip(
        NAMES,
        (
            "mean slope",
            "common direct effect",
            "spread of direct effects",
            "spread of slopes",
            "mean shift of the CPI",
            "spread of its shifts",
        ),
        strict=True,
    )
)


def believed(rng: np.random.Generator) -> tuple[Floats, Evidence]:
    """A truth drawn from the prior, and evidence drawn from the truth: d and the typical shift are 1."""
    scales = np.array(SlopePrior().scales)
    truth = parameters(rng.standard_normal((1, len(NAMES))), scales)[0]
    found = [_experiment(rng, j, truth) for j in range(EXPERIMENTS)]
    evidence = evidence_of(Rule(smallest_slope=1.0), found, SlopePrior())
    if isinstance(evidence, NotEstimable):
        raise TypeError(evidence.detail)
    # the prior is on the scale of the shifts as seen; here it must be the one that the truth came from
    unit = evidence.shift**TYPICAL
    return truth * unit, replace(evidence, scales=scales * unit)


def _experiment(rng: np.random.Generator, j: int, truth: Floats) -> ExperimentContrasts:
    """One arm or two, which share a control."""
    beta, mu_g, tau_g, tau_b, mu_a, s_a = truth
    arms = 1 + j % 2
    noise = ERROR**2 * np.array([[1.0, CORRELATED], [CORRELATED, 1.0]])
    alpha = rng.normal(mu_a, s_a, arms)
    effects = np.stack([alpha, rng.normal(beta, tau_b) * alpha + rng.normal(mu_g, tau_g, arms)], axis=1)
    drawn = rng.multivariate_normal([0.0, 0.0], noise / 2, arms + 1)
    return ExperimentContrasts(
        experiment=f"experiment {j}",
        metrics=("cpi", "kpi"),
        arms=tuple(ContrastArm(name=f"arm {k}", mechanism="A") for k in range(arms)),
        effects=effects + drawn[1:] - drawn[0],
        covariance=np.einsum("kl,pq->kplq", (np.eye(arms) + 1) / 2, noise),
    )


def ranks(method: str, seed: int) -> Floats | None:
    """The share of the posterior below the truth, of each parameter (6,); None where the sampler refused."""
    truth, evidence = believed(np.random.default_rng(seed))
    draws = METHODS[method](evidence, seed)
    if isinstance(draws, NotEstimable):
        return None
    return draws.weights @ (draws.theta < truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """How many ranks fell into each twentieth, of each parameter (6, 20), in so many tries."""

    method: str
    counts: Sequence[Sequence[int]]
    tries: int

    @property
    def answered(self) -> int:
        return sum(self.counts[0])

    def p_value(self, parameter: str) -> float:
        """Of chi-square against a uniform distribution."""
        from scipy.stats import chisquare

        return float(chisquare(self.counts[NAMES.index(parameter)]).pvalue)

    def inside(self, parameter: str) -> float:
        """The share of truths in the middle half of the posterior: its 50 % interval."""
        of = self.counts[NAMES.index(parameter)]
        return sum(of[BINS // 4 : -BINS // 4]) / self.answered

    def said(self, parameter: str) -> str:
        p = self.p_value(parameter)
        if p < FAILS:
            return "**fails: not uniform**"
        return "holds" if p >= DOUBTFUL else "undecided: not quite uniform"


def ranked(method: str, tries: int, seed: int) -> Ranked:
    """Ranks of so many truths, with seeds of their own."""
    own = crc32(f"ranks {seed}".encode())
    found = [one for at in range(tries) if (one := ranks(method, own + at)) is not None]
    in_bins = np.minimum((np.array(found).reshape(-1, len(NAMES)) * BINS).astype(int), BINS - 1)
    counts = [np.bincount(of, minlength=BINS).tolist() for of in in_bins.T]
    return Ranked(method=method, counts=counts, tries=tries)


def lines(found: Ranked) -> list[str]:
    """A line of the page each parameter."""
    return [
        f"| {found.method} | {told} | {found.p_value(name):.2g} | {found.inside(name):.3f} "
        f"| {found.answered} of {found.tries} | {found.said(name)} |"
        for name, told in PARAMETERS.items()
    ]
