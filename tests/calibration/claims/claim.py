"""What does an estimator outside the verdict rule promise, and how often is the promise kept?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt
from zlib import crc32

COVERED, FALSE = 0.93, 0.05

Try = Callable[[int], bool | None]
"""Whether the promise held on one simulated data set of this seed; None where the estimator refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """``at_least`` this share of tries must hold, or ``at_most``; one of the two is given.

    ``most`` bounds the replications of what is slow.
    """

    family: str
    name: str
    attempt: Try
    at_least: float | None = None
    at_most: float | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How often it held, of the tries that were answered."""

    claim: Claim
    held: int
    answered: int
    tries: int

    @property
    def share(self) -> float:
        return self.held / self.answered if self.answered else 0.0

    @property
    def error(self) -> float:
        """One Monte Carlo error at the bar."""
        bar = self.claim.at_least or self.claim.at_most or 0.0
        return sqrt(bar * (1 - bar) / max(self.answered, 1))

    @property
    def short(self) -> float:
        """By how much the bar is missed; 0 or less where it is not."""
        if self.claim.at_least is not None:
            return self.claim.at_least - self.share
        return self.share - (self.claim.at_most or 0.0)

    @property
    def said(self) -> str:
        if not self.answered:
            return "**never answered**"
        if self.short <= 0:
            return "holds"
        return "**fails**" if self.short > 2 * self.error else "undecided"


def tried(claim: Claim, replications: int, seed: int) -> Kept:
    """The claim on seeds of its own, so that no row depends on another."""
    count = min(replications, claim.most or replications)
    own = crc32(f"{claim.family} {claim.name} {seed}".encode())
    answers = [claim.attempt(own + at) for at in range(count)]
    answered = [answer for answer in answers if answer is not None]
    return Kept(claim=claim, held=sum(answered), answered=len(answered), tries=count)


def line(kept: Kept) -> str:
    claim = kept.claim
    bar = f"≥ {claim.at_least:g}" if claim.at_least is not None else f"≤ {claim.at_most:g}"
    cells = (
        claim.family,
        claim.name,
        f"{kept.share:.3f} ± {kept.error:.3f}",
        bar,
        f"{kept.answered} of {kept.tries}",
        kept.said,
    )
    return f"| {' | '.join(cells)} |"


def table(found: Iterable[Kept]) -> str:
    head = ("| estimator | promise | seen | bar | answered | |", "|---|---|---|---|---|---|")
    return "\n".join((*head, *map(line, found))) + "\n"
