"""Which slopes does a single arm leave open, read alone? The interval of a ratio of two effects."""

from math import sqrt

from analyses.relationship.sets import ConfidenceSet, Shape

Z_95 = 1.959963984540054


def slope_of_one_contrast(
    cpi: float, kpi: float, *, var_cpi: float, var_kpi: float, cov: float, z: float = Z_95
) -> ConfidenceSet:
    """Every slope of KPI on CPI that one contrast does not refute.

    Question: what would this arm say of the lever if it were all there is?
    Estimand: effect on the KPI over effect on the CPI, in KPI units per raw CPI unit.
    Assumes: both effects near normal; the arm acts on the KPI through the CPI alone.
    Formula: Fieller: slopes b with (kpi - b cpi)^2 <= z^2 (var_kpi - 2 b cov + b^2 var_cpi); all or all but a
    stretch where the arm may not have moved the CPI.
    Reference: Fieller (1954), Journal of the Royal Statistical Society B 16(2): the Anderson-Rubin set of one
    contrast.

    >>> found = slope_of_one_contrast(2.0, 1.0, var_cpi=0.01, var_kpi=0.01, cov=0.0)
    >>> [round(end, 3) for end in found.pieces[0]]
    [0.395, 0.615]
    """
    a = cpi**2 - z**2 * var_cpi
    b = cpi * kpi - z**2 * cov
    # b^2 - a c, without the digits that cancel where the arm is known well
    noise = var_kpi * cpi**2 - 2 * cov * cpi * kpi + var_cpi * kpi**2
    inner = z**2 * (noise - z**2 * (var_cpi * var_kpi - cov**2))
    if a > 0:
        half = sqrt(max(inner, 0.0))  # never negative but by rounding
        return ConfidenceSet(shape=Shape.INTERVAL, pieces=(((b - half) / a, (b + half) / a),))
    if a == 0 or inner <= 0:
        return ConfidenceSet(shape=Shape.LINE, pieces=((None, None),))
    ends = sorted(((b - sqrt(inner)) / a, (b + sqrt(inner)) / a))
    return ConfidenceSet(shape=Shape.RAYS, pieces=((None, ends[0]), (ends[1], None)))
