"""Does one reading say what each estimator says by itself, and while it runs only what holds at any look?"""

import json

import numpy as np
import pytest

from analyses import (
    Beta,
    Circumstances,
    Estimate,
    Harm,
    Margin,
    Measure,
    Normal,
    NotEstimable,
    Prior,
    PriorSource,
    Wanted,
    anytime,
    arm_means,
    boundaries,
    difference,
    effect_document,
    fieller,
    moments_of,
    read_effects,
    signals,
    standings,
)

COLUMNS = ("y", "y/uncapped", "x", "bought")
WHEN = Circumstances(units=4000, planned_units=8000)


def phases(shift: float = 0.3, n: int = 2000):
    draw = np.random.default_rng(4)

    def rows(by: float) -> np.ndarray:
        x = draw.normal(size=n)
        y = 5 + by + x + draw.normal(size=n)
        return np.column_stack([np.minimum(y, 7.0), y, x, draw.random(n) < 0.1 + by / 10])

    arms = {"0": rows(0.0), "1": rows(shift), "2": rows(0.0)}
    return {1: {arm: moments_of(COLUMNS, values.astype(float)) for arm, values in arms.items()}}


CAPPED = Measure(name="y", value="y", covariates=("x",))
PLAIN = Measure(name="y", value="y/uncapped")


def only(found, arm: str = "1"):
    return next(one for one in found if one.arm == arm)


def read(wanted: Wanted, when: Circumstances = WHEN, of=None, arm: str = "1"):
    return only(read_effects(of or phases(), "0", ["1", "2"], [wanted], when), arm)


def test_a_reading_is_what_each_estimator_says():
    cells = phases()
    pair = [arm_means(cells[1][arm], [CAPPED]) for arm in ("0", "1")]
    found = read(Wanted(measure=CAPPED, better=1, margin=Margin(amount=0.1), uncapped=PLAIN), of=cells)
    assert found.raw.absolute == difference(*pair)[0].absolute
    assert found.raw.relative == difference(*pair)[0].relative
    assert found.raw.fieller == fieller(*pair)[0]
    assert found.raw.anytime == anytime(found.raw.absolute, units=4000, planned_units=8000)
    assert found.adjusted.absolute.std_error < found.raw.absolute.std_error
    uncapped = difference(*(arm_means(cells[1][arm], [PLAIN]) for arm in ("0", "1")))[0]
    assert found.uncapped.absolute == uncapped.absolute
    assert found.uncapped.absolute.value > found.raw.absolute.value
    assert found.guarded.harm_beyond_margin is Harm.RULED_OUT
    assert found.guarded.test.holds


def test_one_sided_as_planned_halves_the_p_value_on_the_better_side_only():
    two = read(Wanted(measure=PLAIN, better=1))
    one = read(Wanted(measure=PLAIN, better=1, one_sided=True))
    other = read(Wanted(measure=PLAIN, better=-1, one_sided=True))
    assert one.raw.p_value == pytest.approx(two.raw.p_value / 2)
    assert other.raw.p_value == pytest.approx(1 - two.raw.p_value / 2)
    refused = read(Wanted(measure=PLAIN, one_sided=True))
    assert refused.raw.improvement.reason == "direction_unknown"
    assert refused.raw.p_value is None


def test_harm_beyond_the_margin_is_shown_at_any_look():
    lower_is_better = Wanted(measure=PLAIN, better=-1, margin=Margin(amount=0.02, relative=True))
    assert read(lower_is_better).guarded.harm_beyond_margin is Harm.SHOWN
    assert read(lower_is_better, arm="2").guarded.harm_beyond_margin is not Harm.SHOWN


def test_a_refused_adjustment_is_said_and_chosen():
    why = NotEstimable(reason="covariate_moved", detail="x was recorded after exposure")
    found = read(Wanted(measure=CAPPED, refused=why))
    assert found.chosen.absolute is why
    assert isinstance(found.raw.absolute, Estimate)


def test_the_posterior_of_a_rate_is_a_beta_and_that_of_a_mean_meets_its_prior():
    bought = Measure(name="bought", value="bought")
    flat = read(Wanted(measure=bought, better=1, rate=True))
    assert flat.belief.prior.source is PriorSource.NONE
    sure = Prior(source=PriorSource.REGISTERED, distribution=Beta(a=1e6, b=9e6))
    assert abs(read(Wanted(measure=bought, rate=True, prior=sure)).belief.belief.mean) < 1e-3
    doubtful = Prior(source=PriorSource.PAST, distribution=Normal(mean=0.0, deviation=0.001))
    shrunk = read(Wanted(measure=PLAIN, better=1, prior=doubtful)).belief.belief
    assert 0 < shrunk.mean < 0.01
    misfit = read(Wanted(measure=PLAIN, prior=sure))
    assert misfit.belief.reason == "prior_does_not_fit"


def test_the_best_arm_is_said_for_a_known_direction_only():
    cells = phases()
    means = {arm: arm_means(one, [PLAIN]) for arm, one in cells[1].items()}
    best = standings(means, better=1)
    assert best["1"].p_best > 0.99
    assert sum(one.p_best for one in best.values()) == pytest.approx(1)
    assert standings(means, better=-1)["1"].p_best < 0.01
    assert standings(means, better=None).reason == "direction_unknown"


def test_primary_metrics_are_protected_and_rivals_belong_to_no_family():
    wanted = [
        Wanted(measure=Measure(name=name, value="y"), better=1) for name in ("primary", "second", "rival")
    ]
    found = read_effects(phases(shift=0.06), "0", ["1", "2"], wanted, WHEN)
    said = signals(found, primary={"primary"}, secondary={"primary", "second"})
    assert {metric for metric, _ in said} == {"primary", "second"}
    alone = signals(found, primary={"primary"}, secondary=())
    assert said["primary", "1"] == alone["primary", "1"]
    p = only(found).raw.p_value
    assert said["primary", "1"].holm == pytest.approx(2 * p)


def test_the_document_of_a_running_experiment_shows_what_holds_at_any_look_and_no_more():
    look = Circumstances(units=4000, planned_units=8000, look=boundaries([0.5])[0])
    guarded = Wanted(
        measure=CAPPED, better=1, one_sided=True, margin=Margin(amount=0.1), uncapped=PLAIN, negligible=0.01
    )
    found = read_effects(phases(), "0", ["1", "2"], [guarded], look)
    said = signals(found, primary={"y"}, secondary=())
    why = NotEstimable(reason="interim", detail="not yet")
    running = effect_document("e", only(found), said["y", "1"], withheld=why)
    ended = effect_document("e", only(found), said["y", "1"])
    json.dumps([running, ended], allow_nan=False)
    assert set(running) - set(ended) == {"not_estimable"}
    for part in (running, running["adjusted"], running["uncapped"]):
        assert part["estimate"] is part["interval"] is part["p_value"] is None
        assert part["relative"]["not_estimable"]["reason"] == "interim"
        assert part["improvement"]["not_estimable"]["reason"] == "interim"
        assert part["anytime"]["interval"][0] < part["anytime"]["estimate"] < part["anytime"]["interval"][1]
        assert part["anytime"]["planned_units"] == 8000
        assert part["look"]["crossed"] is True
    assert running["posterior"]["not_estimable"]["reason"] == "interim"
    assert running["guardrail"]["harm_beyond_margin"] == "ruled_out"
    assert running["guardrail"]["test"]["not_estimable"]["reason"] == "interim"
    assert running["multiplicity"]["holm"] is None
    assert running["multiplicity"]["e_bh"] is True
    assert ended["multiplicity"]["holm"] is not None
    assert ended["posterior"]["belief"]["p_negligible"] < 0.01
    assert ended["anytime"] == running["anytime"]


def test_a_metric_that_fails_spoils_none_of_the_others():
    cells = phases()
    broken = Wanted(measure=Measure(name="none", value="y", per="gone"), better=1, margin=Margin(amount=0.1))
    columns = (*COLUMNS, "gone")
    zero = {
        1: {
            arm: moments_of(
                columns, np.column_stack([np.random.default_rng(1).normal(size=(50, 4)), [0] * 50])
            )
            for arm in cells[1]
        }
    }
    found = read_effects(zero, "0", ["1"], [broken, Wanted(measure=PLAIN)], WHEN)
    assert found[0].raw.absolute.reason == "never_observed"
    assert found[0].guarded.reason == found[0].belief.reason == "never_observed"
    assert isinstance(found[1].raw.absolute, Estimate)
    json.dumps(effect_document("e", found[0]), allow_nan=False)


def test_a_margin_must_be_a_margin():
    with pytest.raises(ValueError, match="margin"):
        Margin(amount=-0.1)
    with pytest.raises(ValueError, match="margin"):
        Margin(amount=1.0, relative=True)


def test_the_relative_adjusted_interval_counts_what_both_means_share():
    draw = np.random.default_rng(12)
    covered = {"delta": 0, "fieller": 0}
    n, repeats = 400, 1500
    measure = Measure(name="y", value="y", covariates=("x",))
    widths = []
    for _ in range(repeats):
        x = draw.normal(size=2 * n)
        y = np.concatenate([10 + 3 * x[:n], 15 + 3 * x[n:]]) + draw.normal(size=2 * n)
        rows = np.column_stack([y, x])
        cells = {1: {"0": moments_of(["y", "x"], rows[:n]), "1": moments_of(["y", "x"], rows[n:])}}
        view = read_effects(cells, "0", ["1"], [Wanted(measure=measure)], WHEN)[0].adjusted
        widths.append((view.relative.value - 0.5) / view.relative.std_error)
        for name, found in (("delta", view.relative), ("fieller", view.fieller)):
            covered[name] += found.interval.lower <= 0.5 <= found.interval.upper
    assert all(0.935 < covered[name] / repeats < 0.965 for name in covered), covered
    assert np.std(widths) == pytest.approx(1.0, abs=0.06)
