"""How strong can an answer be, given the kind of evidence there is? The ladder, its ceilings and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from analyses.decision.answers import State
from analyses.decision.linking import linked
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.early import widened
from analyses.relationship.mechanisms import mechanism_names
from analyses.rule import Rule

SEVERAL = 2  # mechanisms from which on a side effect of one of them no longer explains everything
MANY = 8  # experiments from which on the rule for many experiments applies


class Rung(IntEnum):
    """What kind of evidence a hypothesis has; the higher, the less else could explain it."""

    STATED = 0
    OBSERVED = 1
    QUASI_EXPERIMENTAL = 2
    RANDOMISED = 3
    SEVERAL_MECHANISMS = 4
    REPLICATED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """One rung: what it takes, what may be concluded on it, why no more, and what leads further up.

    ``states`` are the verdicts that may be given; ``states_bounded`` those where a bound on the direct effect
    was registered, which is an assumption that a verdict names.
    """

    rung: Rung
    name: str
    needs: str
    states: tuple[State, ...]
    states_bounded: tuple[State, ...]
    reason: str
    further: str

    def ceiling(self, *, bounded: bool) -> tuple[State, ...]:
        """The verdicts that may be given."""
        return self.states_bounded if bounded else self.states


NO_ANSWER = (State.INCONCLUSIVE,)
ANY_ANSWER = (State.CONFIRMED, State.REJECTED, State.INCONCLUSIVE)

LADDER: tuple[LadderStep, ...] = (
    LadderStep(
        rung=Rung.STATED,
        name="stated",
        needs="A registered hypothesis and nothing measured.",
        states=NO_ANSWER,
        states_bounded=NO_ANSWER,
        reason="Nobody has looked yet: a rationale, however good, is no evidence.",
        further="Ask what unrandomised data say, or run an experiment.",
    ),
    LadderStep(
        rung=Rung.OBSERVED,
        name="observed",
        needs="A study of unrandomised data.",
        states=NO_ANSWER,
        states_bounded=NO_ANSWER,
        reason="Customers who were served better may differ in ways that nobody measured: such data rank "
        "what to test, and prove nothing.",
        further="Run an experiment.",
    ),
    LadderStep(
        rung=Rung.QUASI_EXPERIMENTAL,
        name="quasi-experimental",
        needs="A change that came about without regard to the outcome: staggered, at a threshold, in time.",
        states=NO_ANSWER,
        states_bounded=NO_ANSWER,
        reason="Who was affected was not drawn by lot: the design's own assumptions cannot all be checked.",
        further="Run an experiment.",
    ),
    LadderStep(
        rung=Rung.RANDOMISED,
        name="randomised",
        needs="Experiments through one mechanism.",
        states=NO_ANSWER,
        states_bounded=ANY_ANSWER,
        reason="One mechanism cannot tell the CPI from its own side effects, which can fake a lever or hide "
        "one: the most that can be said is supported or not supported, unless a bound on the direct effect "
        "was registered.",
        further="Add a second mechanism, and a placebo or clearly different doses.",
    ),
    LadderStep(
        rung=Rung.SEVERAL_MECHANISMS,
        name="several mechanisms",
        needs="Experiments through two or more mechanisms.",
        states=ANY_ANSWER,
        states_bounded=ANY_ANSWER,
        reason="Mechanisms that agree, with what they share differenced out, answer for the places that the "
        "experiments were run in; how far the lever differs elsewhere is not known.",
        further="Replicate: eight experiments or more show how much the lever differs between them.",
    ),
    LadderStep(
        rung=Rung.REPLICATED,
        name="replicated",
        needs="Eight experiments or more, through two or more mechanisms.",
        states=ANY_ANSWER,
        states_bounded=ANY_ANSWER,
        reason="The interval allows for slopes that differ and for direct effects, and so answers beyond the "
        "experiments it was made of. A direct effect exactly proportional to the CPI's shift stays "
        "untestable at any number.",
        further="Watch whether the lever holds: customers and offers change.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCount:
    """What there is about a hypothesis. ``mechanisms`` of the arms that speak, placebos not counted."""

    experiments: int = 0
    mechanisms: int = 0
    quasi_experiments: int = 0
    observations: int = 0

    def __post_init__(self) -> None:
        if min(self.experiments, self.mechanisms, self.quasi_experiments, self.observations) < 0:
            raise ValueError(f"expected counts of at least 0, got {self}")


def rung_of(counted: EvidenceCount) -> LadderStep:
    """The highest rung that what was counted reaches.

    >>> rung_of(EvidenceCount(experiments=9, mechanisms=1)).name, rung_of(EvidenceCount(observations=3)).name
    ('randomised', 'observed')
    """
    return LADDER[_rung(counted)]


def _rung(counted: EvidenceCount) -> Rung:
    if counted.experiments:
        if counted.mechanisms < SEVERAL:
            return Rung.RANDOMISED
        return Rung.REPLICATED if counted.experiments >= MANY else Rung.SEVERAL_MECHANISMS
    if counted.quasi_experiments:
        return Rung.QUASI_EXPERIMENTAL
    return Rung.OBSERVED if counted.observations else Rung.STATED


def counted_in(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> EvidenceCount:
    """What the rule counts among randomised experiments: those with arms that speak, and their mechanisms."""
    speaking = linked([widened(one, rule.alpha) for one in experiments]).speaking
    arms = [arm for one in speaking for arm in one.arms]
    return EvidenceCount(experiments=len(speaking), mechanisms=len(mechanism_names(arms)))
