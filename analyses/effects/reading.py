"""What does an arm's effect on a metric look like in every way that the plan asks for?

One place decides which estimators answer for one metric, so that a run, a file and a report say the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from analyses.effects.anytime import Anytime, anytime
from analyses.effects.believing import Believed, Prior, believed
from analyses.effects.difference import compared, means_in, normal, undecided
from analyses.effects.group_sequential import Boundary, PlannedLook, planned_look
from analyses.effects.non_inferiority import NonInferiority, non_inferiority, room_of
from analyses.effects.phases import Pair, PairMeans, Phases, pair_means, usable_phases
from analyses.effects.relative import fieller_of
from analyses.moments import Measure
from analyses.results import Estimate, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The harm to a guardrail that is still accepted: in its units, or as a share of the control mean."""

    amount: float
    relative: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.amount < (1 if self.relative else float("inf")):
            raise ValueError(f"expected a finite margin >= 0, below 1 where it is relative, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One metric, and how its effects are to be read: fixed with the plan, before the data.

    ``better`` is 1 where higher is better, -1 where lower is, None where nobody said. ``uncapped`` reads the
    same metric without its cap. ``rate`` marks a share of units, whose posterior is a Beta. ``negligible`` is
    the half-width of the region of practical equivalence. ``refused`` says why no adjusted effect may be
    shown (a covariate that the arms moved, say).
    """

    measure: Measure
    better: int | None = None
    one_sided: bool = False
    uncapped: Measure | None = None
    rate: bool = False
    margin: Margin | None = None
    negligible: float | None = None
    prior: Prior | None = None
    refused: NotEstimable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When the run looks: how many units (or clusters) it sees, how many were planned, and at which look.

    ``planned_units`` is None where nobody planned a size: nothing is said then of looks on the way.
    """

    units: int
    planned_units: int | None = None
    look: Boundary | None = None
    alpha: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One effect, estimated in one way; ``improvement`` is the one-sided test where the plan is one-sided."""

    absolute: Estimate | NotEstimable
    relative: Estimate | NotEstimable
    fieller: Estimate | NotEstimable
    improvement: NonInferiority | NotEstimable | None = None
    anytime: Anytime | NotEstimable | None = None
    anytime_relative: Anytime | NotEstimable | None = None
    look: PlannedLook | None = None

    @property
    def at_any_look(self) -> Estimate | NotEstimable:
        """The same effect with the interval and the p-value of its confidence sequence."""
        found = self.anytime
        if found is None or isinstance(found, NotEstimable):
            why = NotEstimable(
                reason="not_planned", detail="nobody planned a size, so no look is valid early"
            )
            return found or why
        return Estimate(
            value=found.value, std_error=found.std_error, interval=found.interval, p_value=found.p_value
        )

    @property
    def p_value(self) -> float | None:
        """Of the test that was planned: one-sided where the plan is."""
        if self.improvement is not None:
            return None if isinstance(self.improvement, NotEstimable) else self.improvement.p_value
        return None if isinstance(self.absolute, NotEstimable) else self.absolute.p_value


class Harm(StrEnum):
    """What may be said of a guardrail at any look."""

    RULED_OUT = "ruled_out"
    SHOWN = "shown"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A guardrail against its margin: at the planned end, and at any look before."""

    test: NonInferiority | NotEstimable
    harm_beyond_margin: Harm


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One arm against control on one metric; ``chosen`` is adjusted where the plan names covariates."""

    metric: str
    arm: str
    raw: View
    adjusted: View | None = None
    uncapped: View | None = None
    guarded: Guarded | NotEstimable | None = None
    belief: Believed | NotEstimable | None = None

    @property
    def chosen(self) -> View:
        return self.raw if self.adjusted is None else self.adjusted


def read_effects(
    phases: Phases,
    control: str,
    treatments: Sequence[str],
    wanted: Sequence[Wanted],
    circumstances: Circumstances,
    *,
    given: Mapping[tuple[str, str], PairMeans] | None = None,
) -> tuple[Reading, ...]:
    """Every treatment against control on every metric; one metric that fails spoils none of the others.

    Question: what did each arm do to each metric, said once in all ways that were planned?
    Estimand: arm minus control per metric, and its share of the control mean, over all phases.
    Assumes: what each estimator says of itself. What is ``given``, by metric and arm, is taken instead of
    means of the moments: a pair of quantiles, say.
    Formula: none of its own; the adjusted effect is the one that posteriors, guardrails and families of
    tests take where the plan names covariates.
    """
    given = given or {}
    elsewhere = {metric for metric, _ in given}
    measured = [one.measure for one in wanted if one.measure.name not in elsewhere]
    pairs = pair_means(measured, phases, control, treatments)
    pairs = pairs | dict(given)
    plain = [replace(one.uncapped, covariates=()) for one in wanted if one.uncapped is not None]
    uncapped = pair_means(plain, phases, control, treatments)
    asked = [
        _Asked(
            wanted=one,
            arm=arm,
            raw=pair.raw,
            adjusted=pair.adjusted if one.refused is None or pair.adjusted is None else one.refused,
            uncapped=uncapped[one.measure.name, arm].raw if one.uncapped is not None else None,
            counts=one.rate and pair.adjusted is None and _one_phase(one.measure, phases, [control, arm]),
        )
        for one in wanted
        for arm in treatments
        for pair in [pairs[one.measure.name, arm]]
    ]
    wants = [one.wanted for one in asked]
    raw = views([one.raw for one in asked], wants, circumstances)
    adjusted = _where([one.adjusted for one in asked], wants, circumstances)
    bare = _where([one.uncapped for one in asked], wants, circumstances)
    return tuple(_reading(*one, circumstances) for one in zip(asked, raw, adjusted, bare, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """One effect to be read: its means, raw, and adjusted or uncapped where the plan says so.

    ``counts`` tells a share of single units in one phase, unadjusted, whose posterior is a Beta.
    """

    wanted: Wanted
    arm: str
    raw: Pair | NotEstimable
    adjusted: Pair | NotEstimable | None
    uncapped: Pair | NotEstimable | None
    counts: bool


def _one_phase(measure: Measure, phases: Phases, arms: Sequence[str]) -> bool:
    return len(usable_phases(phases, arms, [measure])[0]) == 1


def _reading(
    asked: _Asked, raw: View, adjusted: View | None, uncapped: View | None, when: Circumstances
) -> Reading:
    wanted, chosen = asked.wanted, asked.raw if asked.adjusted is None else asked.adjusted
    return Reading(
        metric=wanted.measure.name,
        arm=asked.arm,
        raw=raw,
        adjusted=adjusted,
        uncapped=uncapped,
        guarded=_guarded(chosen, wanted, when),
        belief=believed(
            chosen,
            (raw if adjusted is None else adjusted).absolute,
            better=wanted.better,
            rate=asked.counts,
            negligible=wanted.negligible,
            prior=wanted.prior,
            alpha=when.alpha,
        ),
    )


def _where(
    pairs: Sequence[Pair | NotEstimable | None], wanted: Sequence[Wanted], when: Circumstances
) -> list[View | None]:
    """Views of the pairs that there are."""
    there = [(pair, one) for pair, one in zip(pairs, wanted, strict=True) if pair is not None]
    found = iter(views([pair for pair, _ in there], [one for _, one in there], when))
    return [None if pair is None else next(found) for pair in pairs]


def views(pairs: Sequence[Pair | NotEstimable], wanted: Sequence[Wanted], when: Circumstances) -> list[View]:
    """Pairs of means in every way that the plan asks for, all of them computed side by side."""
    known = [pair for pair in pairs if not isinstance(pair, NotEstimable)]
    found = iter(_estimated(known, when.alpha) if known else ())
    return [
        View(absolute=pair, relative=pair, fieller=pair)
        if isinstance(pair, NotEstimable)
        else _view(pair, one, when, next(found))
        for pair, one in zip(pairs, wanted, strict=True)
    ]


type Answer = Estimate | NotEstimable


def _estimated(pairs: Sequence[Pair], alpha: float) -> Iterable[tuple[Answer, Answer, Answer]]:
    """Absolute and relative effect, and Fieller's, of each pair."""
    names = [control.measures[0] for control, _ in pairs]
    control, arm = (means_in(side) for side in zip(*pairs, strict=True))
    return zip(*compared(names, control, arm, alpha), fieller_of(names, control, arm, alpha), strict=True)


def _view(pair: Pair, wanted: Wanted, when: Circumstances, found: tuple[Answer, Answer, Answer]) -> View:
    absolute, relative, fieller = found
    return View(
        absolute=absolute,
        relative=relative,
        fieller=fieller,
        improvement=_improvement(pair, wanted, when) if wanted.one_sided else None,
        anytime=always(absolute, when),
        anytime_relative=always(relative, when),
        look=None
        if when.look is None or isinstance(absolute, NotEstimable)
        else planned_look(absolute, when.look),
    )


def always(effect: Estimate | NotEstimable, when: Circumstances) -> Anytime | NotEstimable | None:
    """The effect as it may be shown at any look."""
    if when.planned_units is None:
        return None
    if isinstance(effect, NotEstimable):
        return effect
    return anytime(effect, units=when.units, planned_units=when.planned_units, alpha=when.alpha)


def _improvement(pair: Pair, wanted: Wanted, when: Circumstances) -> NonInferiority | NotEstimable:
    if wanted.better is None:
        return NotEstimable(
            reason="direction_unknown",
            detail=f"nobody said whether more or less of {wanted.measure.name} is better: a one-sided test "
            "needs its side",
        )
    name = wanted.measure.name
    return non_inferiority(*pair, name, margin=0.0, better=wanted.better, alpha=when.alpha)


def _guarded(pair: Pair | NotEstimable, wanted: Wanted, when: Circumstances) -> Guarded | NotEstimable | None:
    if wanted.margin is None:
        return None
    if isinstance(pair, NotEstimable):
        return pair
    if wanted.better is None:
        return NotEstimable(
            reason="direction_unknown",
            detail=f"nobody said which direction of {wanted.measure.name} is harm: say it on the metric",
        )
    margin = wanted.margin
    test = non_inferiority(
        *pair,
        wanted.measure.name,
        margin=margin.amount,
        better=wanted.better,
        relative=margin.relative,
        alpha=when.alpha,
    )
    return Guarded(test=test, harm_beyond_margin=_harm(pair, margin, wanted.better, when))


def _harm(pair: Pair, margin: Margin, better: int, when: Circumstances) -> Harm:
    """Where the whole confidence sequence of better (m1 - k m0) + margin lies; it may be read at any look."""
    base, arm = (means_in([one]) for one in pair)
    left = room_of(base, arm, margin.amount, better, relative=margin.relative)
    if when.planned_units is None or undecided(pair[0].measures, base, arm, left.std_error)[0]:
        return Harm.OPEN
    room = normal(float(left.value[0]), float(left.std_error[0]), when.alpha)
    found = anytime(room, units=when.units, planned_units=when.planned_units, alpha=when.alpha).interval
    if found.lower is not None and found.lower > 0:
        return Harm.RULED_OUT
    return Harm.SHOWN if found.upper is not None and found.upper < 0 else Harm.OPEN
