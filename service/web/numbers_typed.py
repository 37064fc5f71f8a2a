"""How many customers, how many steps? What people type into a field, whatever their language writes."""

import re

MOST = 1e12
_SEPARATORS = re.compile(r"[\s,'’]|\.(?=\d{3}(?:\.|$))")  # of thousands; board.js has the same


def customers_in(typed: str) -> float | None:
    """Customers are counted, so a comma parts thousands; anything else asks for none.

    >>> customers_in("200,000"), customers_in("200.000"), customers_in("200 000")
    (200000.0, 200000.0, 200000.0)
    """
    return _positive(_SEPARATORS.sub("", typed.strip()))


def steps_in(typed: str) -> float | None:
    """Steps may be parts of one, so a comma is the decimal point.

    >>> steps_in("1,5")
    1.5
    """
    return _positive(typed.replace(",", "."))


def _positive(typed: str) -> float | None:
    try:
        found = float(typed)
    except ValueError:
        return None
    return found if 0 < found <= MOST else None
