"""How are numbers, intervals and sets said to a reader?"""

from math import floor, log10

from analyses import ConfidenceSet, Estimate, NotEstimable, Shape


def printable(text: str) -> str:
    r"""Text that was read from a file, without what a terminal would obey.

    >>> printable("caf\u00e9 \x1b[31m")
    'caf\xe9 \\x1b[31m'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def number(value: float) -> str:
    """Four significant digits, without an exponent where it can be read.

    >>> number(1794.3423), number(-0.00412345), number(0.0), number(2.5e9)
    ('1,794', '-0.004123', '0', '2.5e+09')
    """
    if value == 0:
        return "0"
    size = floor(log10(abs(value)))
    if not -5 <= size < 7:
        return f"{value:.4g}"
    text = f"{value:,.{max(3 - size, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: float) -> str:
    """A number that is a change."""
    return f"+{number(value)}" if value > 0 else number(value)


def per_cent(share: float) -> str:
    """A relative change.

    >>> per_cent(0.0512), per_cent(-0.2)
    ('+5.1 %', '-20.0 %')
    """
    return f"{share * 100:+,.1f} %"


def p_value(value: float) -> str:
    """A p-value as papers print it."""
    return "<.0001" if value < 0.0001 else f"{value:.4f}".removeprefix("0")


def chance(value: float) -> str:
    """A p-value in a sentence."""
    return f"p < {p_value(value)[1:]}" if value < 0.0001 else f"p = {p_value(value)}"


def effect(found: Estimate) -> tuple[str, str]:
    """A change and its interval, to the second digit of the standard error.

    >>> from analyses import Interval
    >>> ends = Interval(lower=0.02531, upper=0.19589)
    >>> effect(Estimate(value=0.1106, std_error=0.04354, interval=ends, p_value=0.01))
    ('+0.111', '0.025 to 0.196')
    """
    size = floor(log10(found.std_error))
    lower, upper = found.interval.lower, found.interval.upper
    if lower is None or upper is None or not -5 <= size < 7:
        return signed(found.value), piece(lower, upper)
    digits = max(1 - size, 0)
    return f"{found.value:+,.{digits}f}", f"{lower:,.{digits}f} to {upper:,.{digits}f}"


def piece(lower: float | None, upper: float | None) -> str:
    """A stretch of the line; None is an open end.

    >>> piece(0.1, 0.25), piece(None, 2.0), piece(None, None)
    ('0.1 to 0.25', '2 and below', 'any number')
    """
    if lower is None and upper is None:
        return "any number"
    if lower is None or upper is None:
        return f"{number(upper)} and below" if upper is not None else f"{number(lower or 0.0)} and above"
    return f"{number(lower)} to {number(upper)}"


def slopes(found: ConfidenceSet | NotEstimable) -> str:
    """A confidence set in words."""
    if isinstance(found, NotEstimable):
        return found.detail
    if found.shape is Shape.EMPTY:
        return "no slope fits the data"
    if found.shape is Shape.LINE:
        return "every slope fits: nothing is ruled out"
    return ", or ".join(piece(*ends) for ends in found.pieces)
