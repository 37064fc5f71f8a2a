"""Where do an interval, nothing and the smallest slope of interest lie on one short line?"""

from dataclasses import dataclass

from service.web.lever_words import Told

WIDTH = 200.0
MARGIN = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Positions from 0 to WIDTH; an open end runs to the edge."""

    zero: float
    smallest: float
    low: float
    high: float
    estimate: float | None


def strip(told: Told) -> Strip | None:
    """None where no interval is known."""
    if not told.sized:
        return None
    known = [x for x in (0.0, told.smallest, told.low, told.high) if x is not None]
    least, most = min(known), max(known)
    room = (most - least) * MARGIN or 1.0
    least, most = least - room, most + room

    def at(value: float | None, edge: float) -> float:
        return edge if value is None else round((value - least) / (most - least) * WIDTH, 2)

    return Strip(
        zero=at(0.0, 0.0),
        smallest=at(told.smallest, 0.0),
        low=at(told.low, 0.0),
        high=at(told.high, WIDTH),
        estimate=None if told.estimate is None else at(told.estimate, 0.0),
    )
