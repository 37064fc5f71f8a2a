"""Are the posterior's probabilities what they say, and how often would they mislead as a decision?"""

from dataclasses import replace

import numpy as np

from analyses import ContrastArm, ExperimentContrasts, NotEstimable, Rule, SlopePrior
from analyses.posterior.blocks import Evidence, evidence_of
from analyses.posterior.importance import Draws, sampled
from analyses.posterior.prior import parameters
from tests.analyses.relationship.draws import D
from tests.analyses.relationship.many import Programme, normal
from tests.calibration.claims.claim import COVERED, FALSE, Claim, Try

FAMILY = "posterior"
SURE = 0.975  # a probability that decides, as the rule's interval leaves 2.5 % on a side
ERROR = 0.4  # sampling error of both metrics in typical shifts, and in what a slope of d does to one
CORRELATED = 0.5
TYPICAL = np.array([0.0, -1.0, -1.0, 0.0, -1.0, -1.0])  # powers of the typical shift in the prior's scales


def believed(rng: np.random.Generator, experiments: int = 6) -> tuple[float, Evidence]:
    """A truth drawn from the prior, and evidence drawn from the truth: d and the typical shift are 1."""
    scales = np.array(SlopePrior().scales)
    beta, mu_g, tau_g, tau_b, mu_a, s_a = parameters(rng.standard_normal((1, 6)), scales)[0]
    noise = ERROR**2 * np.array([[1.0, CORRELATED], [CORRELATED, 1.0]])
    found = []
    for j in range(experiments):
        arms = 1 + j % 2
        alpha = rng.normal(mu_a, s_a, arms)
        effects = np.stack([alpha, rng.normal(beta, tau_b) * alpha + rng.normal(mu_g, tau_g, arms)], axis=1)
        drawn = rng.multivariate_normal([0.0, 0.0], noise / 2, arms + 1)
        found.append(
            ExperimentContrasts(
                experiment=f"experiment {j}",
                metrics=("cpi", "kpi"),
                arms=tuple(ContrastArm(name=f"arm {k}", mechanism="A") for k in range(arms)),
                effects=effects + drawn[1:] - drawn[0],
                covariance=np.einsum("kl,pq->kplq", (np.eye(arms) + 1) / 2, noise),
            )
        )
    evidence = evidence_of(Rule(smallest_slope=1.0), found, SlopePrior())
    if isinstance(evidence, NotEstimable):
        raise TypeError(evidence.detail)
    # the prior is on the scale of the shifts as seen; here it must be the one that the truth came from
    return float(beta), replace(evidence, scales=scales * evidence.shift**TYPICAL)


def rank(seed: int) -> float | None:
    """The share of the posterior below the truth: uniform, if posterior and prior belong together."""
    beta, evidence = believed(np.random.default_rng(seed))
    draws = sampled(evidence, seed)
    return float(draws.weights @ (draws.theta[:, 0] < beta)) if isinstance(draws, Draws) else None


def within(low: float, high: float) -> Try:
    def attempt(seed: int) -> bool | None:
        found = rank(seed)
        return None if found is None else low <= found <= high

    return attempt


def outside(low: float, high: float) -> Try:
    """The other half: ranks that crowd in the middle would pass every interval."""

    def attempt(seed: int) -> bool | None:
        found = within(low, high)(seed)
        return None if found is None else not found

    return attempt


def right_when_sure(seed: int) -> bool | None:
    """Of those that are sure of a sign, how many have it; the others are not counted."""
    beta, evidence = believed(np.random.default_rng(seed))
    draws = sampled(evidence, seed)
    if not isinstance(draws, Draws):
        return None
    p = float(draws.weights @ (draws.theta[:, 0] > 0))
    return None if 1 - SURE < p < SURE else (beta > 0) == (p > 0.5)


def drawn(programme: Programme, seed: int) -> Draws | None:
    evidence = evidence_of(Rule(smallest_slope=D), programme.draw(np.random.default_rng(seed)), SlopePrior())
    draws = None if isinstance(evidence, NotEstimable) else sampled(evidence, seed)
    return draws if isinstance(draws, Draws) else None


def confirms(programme: Programme) -> Try:
    def attempt(seed: int) -> bool | None:
        draws = drawn(programme, seed)
        return None if draws is None else bool(draws.weights @ (draws.theta[:, 0] > 0) >= SURE)

    return attempt


def rejects(programme: Programme) -> Try:
    def attempt(seed: int) -> bool | None:
        draws = drawn(programme, seed)
        return None if draws is None else bool(draws.weights @ (draws.theta[:, 0] < 1) >= SURE)

    return attempt


def covers(programme: Programme, slope: float) -> Try:
    def attempt(seed: int) -> bool | None:
        draws = drawn(programme, seed)
        below = None if draws is None else draws.weights @ (draws.theta[:, 0] < slope / D)
        return None if below is None else bool(1 - SURE <= below <= SURE)

    return attempt


MOVED = normal(0.2, 0.15)
STRONG = Programme(cpi=MOVED, slopes=normal(0.2, 0), experiments=12)
NULL = replace(STRONG, slopes=normal(0, 0))
VARIED = replace(STRONG, slopes=normal(0.2, 0.1))

EXACT = {
    "in the 95 % interval": (within(0.025, 0.975), COVERED),
    "in the 50 % interval": (within(0.25, 0.75), 0.45),
    "outside the 50 % interval": (outside(0.25, 0.75), 0.45),
    "right where sure of the sign": (right_when_sure, 0.96),
}
WRONG = {
    "b = 0: P(slope > 0) ≥ .975": confirms(NULL),
    "b = d: P(slope < d) ≥ .975": rejects(replace(NULL, slopes=normal(D, 0))),
    "slopes N(0, .2): P(slope > 0) ≥ .975": confirms(replace(NULL, slopes=normal(0, 0.2))),
    "common direct effect .02, b = 0": confirms(replace(NULL, common=0.02)),
    "direct effects N(0, .02), b = 0": confirms(replace(NULL, direct=normal(0, 0.02))),
    "weak, rho = .6, b = 0": confirms(replace(NULL, cpi=normal(0, 0.012), rho=0.6)),
}
RIGHT = {
    "b = .2: P(slope > 0) ≥ .975": (confirms(STRONG), 0.85),
    "slopes N(.2, .1): 95 % interval covers": (covers(VARIED, 0.2), COVERED),
}
CLAIMS = (
    *(
        Claim(family=FAMILY, name=f"truth from the prior: {name}", attempt=attempt, at_least=bar)
        for name, (attempt, bar) in EXACT.items()
    ),
    *(
        Claim(family=FAMILY, name=f"12 experiments, {name}", attempt=attempt, at_most=FALSE)
        for name, attempt in WRONG.items()
    ),
    *(
        Claim(family=FAMILY, name=f"12 experiments, {name}", attempt=attempt, at_least=bar)
        for name, (attempt, bar) in RIGHT.items()
    ),
)
