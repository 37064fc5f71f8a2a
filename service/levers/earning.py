"""What does one increment bring for what it costs? Both for one customer, as they were registered."""

from service.evidence.documents import SlopeDocument
from service.levers.schemas import LeverReturn
from service.metrics.customer import Better, Money


def earning(
    cost: Money | None, worth: Money | None, slope: SlopeDocument | None, *, better: Better
) -> LeverReturn | None:
    """None where cost, value or slope is unknown, or the currencies differ: nothing is converted here."""
    if cost is None or worth is None or slope is None or cost.currency != worth.currency or not cost.amount:
        return None
    times = better.sign * worth.amount / cost.amount
    low, high = (None if end is None else end * times for end in slope.interval)
    return LeverReturn(
        cost=cost.amount,
        estimate=None if slope.estimate is None else slope.estimate * times,
        interval=(low, high) if times > 0 else (high, low),  # a cost that falls is a gain
        currency=cost.currency,
    )
