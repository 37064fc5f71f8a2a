"""Which stories are told, and in which order? One real study, then the insurer's, simulated.

Each has customers of its own kind, so that no experiment of one is evidence in another. The simulated sizes
are such that nearly every seed ends as told; the rule's own gates stop about one in ten (tests/demo).
"""

from service.cli.demo.stories import (
    adviser_talks,
    days_to_decision,
    neighbours,
    payment_flexibility,
    quick_quote,
)

STORIES = (
    neighbours.STORY,
    quick_quote.STORY,
    adviser_talks.STORY,
    days_to_decision.STORY,
    payment_flexibility.STORY,
)
