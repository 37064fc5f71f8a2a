"""Do segments that one half of the units proposed hold up in the other only where there is something?"""

from dataclasses import replace

import numpy as np

from analyses import Interval, NotEstimable, Trial
from analyses.heterogeneity.calibration import calibration
from analyses.heterogeneity.design import Design, design
from analyses.heterogeneity.learners import Fit, clustered_line, effect_line, slope_line
from analyses.heterogeneity.policy import policy_value
from analyses.heterogeneity.scores import Scores, scores
from analyses.heterogeneity.segments import Half, Proposal, put_to_test, suggestions
from analyses.moments import Floats
from analyses.results import Estimate
from tests.analyses.heterogeneity.planted import QUESTION, SEGMENT, World
from tests.calibration.claims.claim import COVERED, FALSE, Claim, Try

FAMILY = "segments"
UNITS = 8_000
MORE = 1.2
POWERFUL = 0.9


def columns(trial: Trial) -> Design:
    drawn = design(trial)
    if isinstance(drawn, NotEstimable):
        raise TypeError(f"expected columns, got {drawn}")
    return drawn


def halves(trial: Trial) -> dict[bool, tuple[Trial, Scores]]:
    matrix = columns(trial).matrix
    found = {}
    for which in (True, False):
        rows = trial.discovery == which
        half = trial.at(rows)
        found[which] = (half, scores(half, matrix[rows]))
    return found


def proposals(trial: Trial) -> tuple[Proposal, ...]:
    both = {
        which: ({one.name: one for one in half.covariates}, found)
        for which, (half, found) in halves(trial).items()
    }
    covariates, ours = both[True]
    return put_to_test(suggestions(tuple(covariates.values()), ours), both, QUESTION)


def covers(interval: Interval, truth: float) -> bool:
    return (interval.lower or 0.0) <= truth <= (interval.upper or 0.0)


def anything_holds_up(world: World) -> Try:
    """A false alarm, where no unit differs from another."""

    def attempt(seed: int) -> bool | None:
        return any(one.held_up for one in proposals(world.draw(seed)))

    return attempt


def planted_found(world: World) -> Try:
    """The planted segment is proposed in its very words, and holds up."""

    def attempt(seed: int) -> bool | None:
        return any(one.held_up and one.words == SEGMENT for one in proposals(world.draw(seed)))

    return attempt


def together(world: World) -> Try:
    """Every proposal's interval of the difference holds the truth, all of them at once."""

    def attempt(seed: int) -> bool | None:
        trial = world.draw(seed)
        rest = {one.name: one for one in trial.at(~trial.discovery).covariates}
        truth = world.more * ((rest["device"].values == 1) & (rest["policies before"].values < 1))
        held = []
        for one in proposals(trial):
            if not isinstance(one.confirmation, Half):
                continue
            inside = np.ones(len(truth), dtype=bool)
            for condition in one.conditions:
                inside &= condition.holds(rest[condition.covariate])
            apart = float(truth[inside].mean() - truth[~inside].mean())
            held.append(covers(one.confirmation.cpi.difference.interval, apart))
        return all(held) if held else None

    return attempt


def slopes_cover(world: World) -> Try:
    """The sets of the slope inside and outside hold the one slope there is, at once for all proposals."""

    def attempt(seed: int) -> bool | None:
        sets = [
            slope.set
            for one in proposals(world.draw(seed))
            if isinstance(one.confirmation, Half) and not isinstance(one.confirmation.slopes, NotEstimable)
            for slope in one.confirmation.slopes.slopes
        ]
        if not sets:
            return None
        return all(
            any(
                (low is None or low <= world.slope) and (high is None or world.slope <= high)
                for low, high in found.pieces
            )
            for found in sets
        )

    return attempt


def policy_covers(world: World) -> Try:
    """The value of treating the planted segment alone, over treating nobody."""

    def attempt(seed: int) -> bool | None:
        half, found = halves(world.draw(seed))[False]
        named = {one.name: one.values for one in half.covariates}
        chosen = (named["device"] == 1) & (named["policies before"] < 1)
        value = policy_value("", chosen, found.kpi, alpha=0.05, clusters=found.clusters).over_none
        truth = np.exp(-1.0) / 3.0 * world.slope * (world.shift + world.more)
        return covers(value.interval, float(truth)) if isinstance(value, Estimate) else None

    return attempt


def drawn_line(trial: Trial, matrix: Floats) -> Fit:
    if trial.clusters is None:
        return effect_line(trial, trial.kpi, matrix, seed=0, alpha=0.05)
    found = clustered_line(scores(trial, matrix).kpi, trial.clusters, matrix, alpha=0.05)
    if isinstance(found, NotEstimable):
        raise TypeError(found.detail)
    return found


def line_covers(world: World) -> Try:
    """What ten years of age add to the effect on the KPI."""

    def attempt(seed: int) -> bool | None:
        trial = world.draw(seed)
        drawn = columns(trial)
        found = drawn_line(trial, drawn.matrix)
        place = [term.words for term in drawn.terms].index("age")
        return covers(
            found.terms[place].interval, world.worth * world.shift / 10.0 * drawn.terms[place].scale
        )

    return attempt


def slope_line_covers(world: World) -> Try:
    """What ten years of age add to the slope."""

    def attempt(seed: int) -> bool | None:
        trial = world.draw(seed)
        drawn = columns(trial)
        found = slope_line(trial, drawn.matrix, step=1.0, seed=0, alpha=0.05)
        place = [term.words for term in drawn.terms].index("age")
        return covers(found.terms[place].interval, world.worth / 10.0 * drawn.terms[place].scale)

    return attempt


def model_calibrates(world: World) -> Try:
    """A model that says the truth has a slope of 1 on units that it has not seen."""

    def attempt(seed: int) -> bool | None:
        half, found = halves(world.draw(seed))[False]
        named = {one.name: one.values for one in half.covariates}
        truth = world.shift * (world.slope + world.worth * (named["age"] - 40.0) / 10.0)
        told = calibration(truth, found.kpi, alpha=0.05, clusters=found.clusters)
        return None if isinstance(told, NotEstimable) else covers(told.best_line.slope.interval, 1.0)

    return attempt


NULL = World(n=UNITS)
UNEVEN = World(n=UNITS, phases=(0.5, 0.2))
PLANTED = World(n=UNITS, more=MORE)
IN_CLUSTERS = World(n=UNITS, clusters=200)
PLANTED_IN_CLUSTERS = World(n=UNITS, clusters=200, more=MORE)
BY_AGE = World(n=UNITS, shift=1.0, worth=0.2)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        family=FAMILY,
        name="nothing planted: any segment holds up",
        attempt=anything_holds_up(NULL),
        at_most=FALSE,
    ),
    Claim(
        family=FAMILY,
        name="nothing planted, 50 % and 20 % in two phases: any segment holds up",
        attempt=anything_holds_up(UNEVEN),
        at_most=FALSE,
    ),
    Claim(
        family=FAMILY,
        name=f"{MORE} sd more in 12 % of the units: proposed in its words, and holds up",
        attempt=planted_found(PLANTED),
        at_least=POWERFUL,
    ),
    Claim(
        family=FAMILY,
        name="same: differences of all proposals covered at once",
        attempt=together(PLANTED),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="same: one slope, covered inside and outside of all proposals at once",
        attempt=slopes_cover(PLANTED),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="same: value of treating that segment alone",
        attempt=policy_covers(PLANTED),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="200 clusters, nothing planted: any segment holds up",
        attempt=anything_holds_up(IN_CLUSTERS),
        at_most=FALSE,
    ),
    Claim(
        family=FAMILY,
        name=f"200 clusters, {MORE} sd more in 12 % of the units: differences covered at once",
        attempt=together(PLANTED_IN_CLUSTERS),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="same: proposed in its words, and holds up",
        attempt=planted_found(PLANTED_IN_CLUSTERS),
        at_least=POWERFUL,
    ),
    Claim(
        family=FAMILY,
        name="same: value of treating that segment alone, in 200 clusters",
        attempt=policy_covers(PLANTED_IN_CLUSTERS),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="effect rising with age, 200 clusters: the term of the line",
        attempt=line_covers(replace(BY_AGE, clusters=200)),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="same: BLP slope of the truth is 1, in 200 clusters",
        attempt=model_calibrates(replace(BY_AGE, clusters=200)),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="effect rising with age: LinearDRLearner's term",
        attempt=line_covers(BY_AGE),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="same: BLP slope of the truth is 1",
        attempt=model_calibrates(BY_AGE),
        at_least=COVERED,
    ),
    Claim(
        family=FAMILY,
        name="slope rising with age: LinearDRIV's term",
        attempt=slope_line_covers(BY_AGE),
        at_least=COVERED,
        most=500,
    ),
)
