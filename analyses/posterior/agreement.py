"""Do the verdict and the posterior say the same? What they disagree on is told, and the verdict stands."""

from dataclasses import dataclass

from analyses.decision.answers import Label, State
from analyses.posterior.slope import SlopePosterior

CAPPED = frozenset({Label.SUPPORTED, Label.NOT_SUPPORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Whether they agree, and the sentence that says so."""

    agrees: bool
    text: str


def agreement(
    state: State, label: Label | None, posterior: SlopePosterior, *, alpha: float = 0.05
) -> Agreement:
    """Compare a verdict with the posterior of the same evidence.

    Question: would a reader of probabilities conclude what the registered rule concluded?
    Assumes: a posterior speaks where one side has a probability of at least 1 - alpha / 2, the share that the
    rule's interval leaves to one side. Below d counts first, as it does in the rule.
    Formula: P(slope < d) >= 1 - alpha / 2 reads as rejected, else P(slope > 0) >= 1 - alpha / 2 as confirmed.
    Units: probabilities.
    Errors: none of its own. A posterior never changes a verdict: it knows no cap, no guard against a common
    direct effect beyond its prior, and no look that was taken before.
    Reference: Spiegelhalter, Abrams & Myles (2004), Bayesian Approaches to Clinical Trials, ch. 6.
    """
    told = _reading(posterior, alpha)
    numbers = (
        f"P(lever in the expected direction) = {posterior.p_positive.value:.3g}, "
        f"P(below the smallest slope) = {posterior.p_below_smallest.value:.3g}"
    )
    if told is state:
        return Agreement(agrees=True, text=f"The posterior agrees with the verdict: {numbers}.")
    if told is State.INCONCLUSIVE:
        text = (
            f"The posterior is less sure than the verdict, which is {state.value}: {numbers}. It lets slopes "
            "differ between experiments and arms act past the CPI, which few experiments cannot exclude."
        )
    elif state is State.INCONCLUSIVE and label in CAPPED:
        text = (
            f"By the posterior alone it would read {told.value}: {numbers}. The verdict stays inconclusive: "
            "a direct effect of the one mechanism is believed to be small there, and excluded by nothing."
        )
    elif state is State.INCONCLUSIVE:
        text = (
            f"By the posterior alone it would read {told.value}: {numbers}. The verdict stays inconclusive "
            "for the reasons that it gives, which no probability lifts."
        )
    else:
        text = (
            f"The posterior reads {told.value} where the verdict is {state.value}: {numbers}. The verdict "
            "stands; look at how much experiments differ, and at the prior's part."
        )
    return Agreement(agrees=False, text=text)


def _reading(posterior: SlopePosterior, alpha: float) -> State:
    enough = 1 - alpha / 2
    if posterior.p_below_smallest.value >= enough:
        return State.REJECTED
    return State.CONFIRMED if posterior.p_positive.value >= enough else State.INCONCLUSIVE
