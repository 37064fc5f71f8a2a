"""How often is the rule wrong, right or silent on one row? Replications through the product's own code."""

from dataclasses import dataclass
from math import sqrt
from zlib import crc32

import numpy as np

from analyses import Judgement, NotEstimable, State, judge
from tests.calibration.looks import Looks, seen_every_day
from tests.calibration.row import Row
from tests.calibration.sets import holds
from tests.calibration.stopping import InTurn, judged_in_turn

WRONG = 0.04  # the acceptance bar: false confirmations where b <= 0, false rejections where b >= d
COVERED = 0.93  # and coverage where the interval's assumptions hold


@dataclass(frozen=True)
class Rates:
    """Shares over R replications."""

    row: Row
    replications: int
    confirmed: float
    rejected: float
    coverage: float

    def error(self, share: float) -> float:
        """Monte Carlo standard error of a share."""
        return sqrt(share * (1 - share) / self.replications)

    @property
    def wrong(self) -> float:
        """The larger rate of what must not happen at this truth."""
        slope, d = self.row.slope, self.row.smallest
        shares = [self.confirmed] * (slope <= 0) + [self.rejected] * (slope >= d)
        return max(shares, default=0.0)

    def misses(self, errors: float) -> list[str]:
        """What misses the bar by more than some Monte Carlo errors."""
        row, found = self.row, []
        if row.untestable:
            return []
        if self.wrong - errors * self.error(self.wrong) > WRONG:
            found.append("wrong too often")
        if row.covered and self.coverage + errors * self.error(self.coverage) < COVERED:
            found.append("coverage too low")
        if row.least is not None and self.confirmed + errors * self.error(self.confirmed) < row.least:
            found.append("confirms too rarely")
        return found

    @property
    def said(self) -> str:
        """The last column of the page."""
        if self.row.untestable:
            return "untestable"
        why = f"; {self.row.why}" if self.row.why else ""
        if beyond := self.misses(2):
            return f"**fails: {', '.join(beyond)}**{why}"
        return f"undecided: {', '.join(self.misses(0))}{why}" if self.misses(0) else "holds"


def measured(row: Row, replications: int, seed: int) -> Rates:
    """The row's rates; its name is part of the seed, so that a row run alone gives the same."""
    rng = np.random.default_rng([seed, crc32(row.name.encode())])
    answers = np.array([_answer(row, rng) for _ in range(replications)], dtype=float)
    confirmed, rejected, coverage = answers.mean(axis=0)
    return Rates(
        row=row,
        replications=replications,
        confirmed=float(confirmed),
        rejected=float(rejected),
        coverage=float(coverage),
    )


def _answer(row: Row, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    """Confirmed, rejected, covered, in one replication; at any of its looks where it has several."""
    if isinstance(row.truth, Looks):
        return seen_every_day(row.rule, row.truth, row.slope, rng)
    drawn = row.truth.draw(rng)
    if isinstance(row.truth, InTurn):
        states = judged_in_turn(row.rule, drawn)
        return State.CONFIRMED in states, State.REJECTED in states, _covers(row, judge(row.rule, drawn))
    judgement = judge(row.rule, drawn)
    state = judgement.verdict.state
    return state is State.CONFIRMED, state is State.REJECTED, _covers(row, judgement)


def _covers(row: Row, judgement: Judgement) -> bool:
    """Whether the set that decides holds the truth; the hull over Lee's bounds where those decided."""
    relationship, slope = judgement.relationship, judgement.verdict.slope
    if isinstance(relationship, NotEstimable):
        raise TypeError(f"{row.name}: {relationship.detail}")
    if not isinstance(slope, NotEstimable) and "whoever_is_seen" in {
        one.code for one in judgement.verdict.reasons
    }:
        lower, upper = slope.interval.lower, slope.interval.upper
        return (lower is None or lower <= row.slope) and (upper is None or row.slope <= upper)
    deciding = relationship.clr if relationship.bounded is None else relationship.bounded
    if relationship.many is not None:
        deciding = relationship.many.interval
    return holds(deciding, row.slope)
