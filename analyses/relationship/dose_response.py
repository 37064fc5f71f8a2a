"""Is each further step of the CPI worth the same? Asked of one mechanism that was tried at several doses."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import anderson_rubin_set
from analyses.relationship.clr import clr_set
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.instrumental import Overidentification, liml, overidentification
from analyses.relationship.mechanisms import differenced, own_contrasts
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import System, stack
from analyses.results import Estimate, Interval, NotEstimable

NOT_LINEAR = 0.05  # level at which one slope is given up for a slope in each range of doses
ROUNDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """One arm, or the control (None, dose 0): how far it moved the CPI, in steps, and with what error."""

    arm: str | None
    shift: float
    std_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseRange:
    """The slope between two neighbouring doses: KPI units per step of the CPI, within this range alone."""

    lower: Dose
    upper: Dose
    estimate: float | None
    set: ConfidenceSet


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseResponse:
    """One mechanism in one experiment, at the doses that were tested and nowhere else.

    ``linear`` asks whether one slope through the control fits all doses; ``with_side_effect`` whether one
    slope does once an effect common to all treated arms is allowed. ``bend`` is the change of the slope per
    step (KPI units per step squared), ``curved`` what is left unexplained by a quadratic. ``slope`` is given
    while linearity stands, ``ranges`` always.
    """

    mechanism: str
    doses: tuple[Dose, ...]
    linear: Overidentification | NotEstimable
    with_side_effect: Overidentification | NotEstimable
    bend: Estimate | NotEstimable
    curved: Overidentification | NotEstimable
    linearity_stands: bool
    slope: ConfidenceSet | None
    ranges: tuple[DoseRange, ...]
    advice: str

    @property
    def tested(self) -> Interval:
        """The shifts of the CPI, in steps, between which something was tried."""
        return Interval(lower=self.doses[0].shift, upper=self.doses[-1].shift)


def dose_response(
    experiment: ExperimentContrasts, mechanism: str, *, cpi_step: float = 1.0, alpha: float = 0.05
) -> DoseResponse | NotEstimable:
    """Whether one slope fits all doses of a mechanism, and the slope by range of doses.

    Question: is the tenth minute saved worth as much as the first?
    Estimand: the KPI effect as a function of the CPI effect, at the doses that the arms brought.
    Assumes: the mechanism acts on the KPI through the CPI alone; doses keep the order that was measured.
    Formula: J = min over x of r' V^-1 r with r = b - x a, chi-squared (K - 1) when a line through the control
    fits; J after differencing out a common effect, chi-squared (K - 2); and against a quadratic,
    r = b - x a - y (a^2 - s_aa), its V by the gradient x + 2 y a, J - min r' V^-1 r ~ chi-squared (1).
    Between neighbouring doses: Fieller's set of (b_k - b_j) / (a_k - a_j) at level alpha / ranges, so that
    all ranges hold together.
    Units: KPI units per step of improvement of the CPI, doses in steps.
    Errors: linearity is tested at .05; an accepted line is not proven straight, and a side effect common to
    all treated arms looks like a jump between control and the smallest dose.
    Reference: Hansen (1982), Econometrica 50(4) for J; Fieller (1954), JRSS B 16(2); Fuller (1987),
    Measurement Error Models, section 3.2 for a^2 - s_aa.
    """
    system = stack([experiment], cpi_step, 1.0)
    if isinstance(system, NotEstimable):
        return system
    own = own_contrasts(system, mechanism)
    if len(own) < 2:
        detail = f"{mechanism} was tried at {len(own) + 1} doses, the control included; a shape needs three"
        return NotEstimable(reason="fewer_than_three_doses", detail=detail)
    chosen = _rising(system.rows(own))
    linear, apart = overidentification(chosen), differenced(chosen)
    stands = isinstance(linear, NotEstimable) or linear.p_value >= NOT_LINEAR
    bend, curved = _quadratic(chosen, linear, alpha)
    side = (
        NotEstimable(reason="fewer_than_four_doses", detail="needs three doses besides the control")
        if apart is None or apart.size < 2
        else overidentification(apart)
    )
    return DoseResponse(
        mechanism=mechanism,
        doses=_doses(chosen),
        linear=linear,
        with_side_effect=side,
        bend=bend,
        curved=curved,
        linearity_stands=stands,
        slope=clr_set(chosen, alpha) if stands else None,
        ranges=_ranges(chosen, alpha),
        advice=_advice(chosen, side, stands=stands),
    )


def _rising(system: System) -> System:
    order = np.argsort(system.effects[1], kind="stable")
    return system.rows(order.tolist())


def _doses(system: System) -> tuple[Dose, ...]:
    """The arms and the control in rising order of their shift."""
    shifts = system.effects[1] * system.scale[1]
    errors = np.sqrt(np.diag(system.covariance[1, 1])) * system.scale[1]
    found = [
        Dose(arm=arm.name, shift=float(shift), std_error=float(error))
        for arm, shift, error in zip(system.arms, shifts, errors, strict=True)
    ]
    return tuple(sorted([*found, Dose(arm=None, shift=0.0, std_error=0.0)], key=lambda dose: dose.shift))


def _ranges(system: System, alpha: float) -> tuple[DoseRange, ...]:
    """Slope between neighbours, control included; each from one contrast of its own."""
    doses, rows = _doses(system), {arm.name: k for k, arm in enumerate(system.arms)}
    found = []
    for lower, upper in pairwise(doses):
        H = np.zeros((1, system.size))
        for dose, sign in ((upper, 1.0), (lower, -1.0)):
            if dose.arm is not None:
                H[0, rows[dose.arm]] = sign
        step = system.combined(H)
        estimate = liml(step).estimate if step.effects[1, 0] else None
        piece = anderson_rubin_set(step, alpha / (len(doses) - 1))
        found.append(DoseRange(lower=lower, upper=upper, estimate=estimate, set=piece))
    return tuple(found)


def _quadratic(
    system: System, linear: Overidentification | NotEstimable, alpha: float
) -> tuple[Estimate | NotEstimable, Overidentification | NotEstimable]:
    """The bend of a quadratic through the control with its test, and what it leaves unexplained."""
    from scipy.optimize import minimize
    from scipy.special import chdtrc, ndtri

    a, b = system.effects[1], system.effects[0]
    squares = a**2 - np.diag(system.covariance[1, 1])
    design = np.stack([a, squares], axis=1)
    if np.linalg.matrix_rank(design, tol=1e-9 * float(np.abs(design).max() or 1.0)) < 2:
        alike = NotEstimable(reason="doses_alike", detail="the doses are too similar to show a bend")
        return alike, alike

    def left(at: Floats) -> float:
        r = b - design @ at
        return float(r @ np.linalg.solve(_noise(system, at), r))

    at, *_ = np.linalg.lstsq(design, b, rcond=None)
    for _ in range(ROUNDS):  # weights follow the slopes; the last digits are the minimiser's
        W = np.linalg.inv(_noise(system, at))
        at = np.linalg.solve(design.T @ W @ design, design.T @ W @ b)
    at = minimize(left, at, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-14}).x
    least, spare = left(at), system.size - 2
    covariance = np.linalg.inv(design.T @ np.linalg.inv(_noise(system, at)) @ design)
    unit = system.scale[0] / system.scale[1] ** 2
    value, error = float(at[1] * unit), float(np.sqrt(covariance[1, 1]) * unit)
    gained = 0.0 if isinstance(linear, NotEstimable) else max(linear.statistic - least, 0.0)
    reach = float(ndtri(1 - alpha / 2)) * error
    bend = Estimate(
        value=value,
        std_error=error,
        interval=Interval(lower=value - reach, upper=value + reach),
        p_value=float(chdtrc(1, gained)),
    )
    if spare < 1:
        return bend, NotEstimable(reason="fewer_than_four_doses", detail="a quadratic fits two doses exactly")
    return bend, Overidentification(statistic=least, df=spare, p_value=float(chdtrc(spare, least)))


def _noise(system: System, at: Floats) -> Floats:
    """Covariance (K, K) of b - x a - y a^2 at the measured doses."""
    steep = at[0] + 2 * at[1] * system.effects[1]
    S = system.covariance
    cross = steep[:, None] * S[1, 0]
    noise: Floats = S[0, 0] - cross - cross.T + steep[:, None] * S[1, 1] * steep
    return noise


def _advice(system: System, side: Overidentification | NotEstimable, *, stands: bool) -> str:
    cpi = system.metrics[1]
    if stands:
        return "One slope fits all doses that were tested; beyond them nothing is known."
    told = (
        "One slope does not fit all doses: read the slope by range, never beyond the doses that were tested. "
        f"Where customers want {cpi} to reach a level rather than to improve without end, register the "
        "share of customers within their expectation as the CPI: it moves where that level is reached."
    )
    if isinstance(side, Overidentification) and side.p_value >= NOT_LINEAR:
        told += (
            " A line that misses the control fits as well, so an effect common to all treated arms, past the "
            "CPI, would look the same: a placebo tells the two apart."
        )
    return told
