"""Are the posterior's probabilities what they say, and how often would they mislead as a decision?"""

from dataclasses import replace

import numpy as np

from analyses import NotEstimable, Rule, SlopePrior
from analyses.posterior.blocks import evidence_of
from analyses.posterior.importance import Draws, sampled
from tests.analyses.relationship.draws import D
from tests.analyses.relationship.many import Programme, normal
from tests.calibration.claims.claim import COVERED, FALSE, Claim, Try
from tests.calibration.ranks import believed, ranks

FAMILY = "posterior"
SURE = 0.975  # a probability that decides, as the rule's interval leaves 2.5 % on a side


def in_the_interval(seed: int) -> bool | None:
    """Whether the equal-tailed 95 % interval of the mean slope holds a truth from the prior."""
    found = ranks("importance sampling", seed)
    return None if found is None else bool(1 - SURE <= found[0] <= SURE)


def right_when_sure(seed: int) -> bool | None:
    """Of those that are sure of a sign, how many have it; the others are not counted."""
    truth, evidence = believed(np.random.default_rng(seed))
    draws = sampled(evidence, seed)
    if not isinstance(draws, Draws):
        return None
    p = float(draws.weights @ (draws.theta[:, 0] > 0))
    return None if 1 - SURE < p < SURE else bool((truth[0] > 0) == (p > 0.5))


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
    "in the 95 % interval": (in_the_interval, COVERED),
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
