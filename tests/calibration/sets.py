"""Does a set hold the truth?"""

from analyses import ConfidenceSet


def holds(found: ConfidenceSet, slope: float) -> bool:
    """Whether a slope lies in one of the set's pieces."""
    return any((lo is None or lo <= slope) and (hi is None or slope <= hi) for lo, hi in found.pieces)
