"""Are units in two arms, moved triggers and changed recordings noticed?"""

import pytest

from analyses import Observed, multiple_exposure, observed_share, recording_changed


def test_a_few_units_in_two_arms_are_said_and_pass():
    check = multiple_exposure(5, 1000)
    assert check.passed
    assert check.detail == "5 of 1,000 units (0.50%) were seen in more than one arm and left out"


def test_more_than_one_per_cent_in_two_arms_fails_and_gates():
    check = multiple_exposure(11, 1000)
    assert check.passed is False
    assert check.gates


def test_rows_without_units_cannot_be_asked():
    assert multiple_exposure(None, 1000).passed is None


def test_nobody_at_all_is_no_division_by_zero():
    assert multiple_exposure(0, 0).passed


def test_more_doubles_than_units_is_a_bad_call():
    with pytest.raises(ValueError, match="between 0 and 3"):
        multiple_exposure(4, 3)


def test_the_observed_share_is_scipys_test_of_homogeneity():
    from scipy.stats import chi2_contingency

    theirs = chi2_contingency([[300, 700], [330, 670], [310, 690]], correction=False)
    arms = {str(k): Observed(observed=o, units=1000) for k, o in enumerate((300, 330, 310))}
    check = observed_share("quote time", arms)
    assert f"p = {theirs.pvalue:.2g}" in check.detail
    assert check.passed


def test_a_moved_trigger_gates():
    check = observed_share(
        "quote time", {"0": Observed(observed=3000, units=10_000), "1": Observed(observed=3400, units=10_000)}
    )
    assert check.passed is False
    assert check.gates
    assert "30.00%" in check.detail
    assert "34.00%" in check.detail


@pytest.mark.parametrize("observed", [0, 500])
def test_a_metric_that_all_or_none_have_cannot_move(observed):
    arms = {k: Observed(observed=observed, units=500) for k in "ab"}
    assert observed_share("quote time", arms).passed


def test_three_unlucky_missing_values_are_no_alarm():
    arms = {"0": Observed(observed=1000, units=1000), "1": Observed(observed=997, units=1000)}
    check = observed_share("sales", arms)
    assert check.passed
    assert "Fisher's exact p = 0.25" in check.detail


def test_shares_are_compared_within_phases():
    weekday = {"0": Observed(observed=100, units=1000), "1": Observed(observed=900, units=9000)}
    weekend = {"0": Observed(observed=4500, units=9000), "1": Observed(observed=500, units=1000)}
    assert observed_share("quote time", weekday, weekend).passed


def test_an_empty_arm_does_not_break_the_check():
    arms = {"0": Observed(observed=0, units=0), "1": Observed(observed=5, units=10)}
    assert observed_share("quote time", arms).passed


def test_more_observed_than_units_is_a_bad_call():
    with pytest.raises(ValueError, match="observed units"):
        Observed(observed=2, units=1)


def test_a_changed_recording_gates_and_names_the_arm():
    check = recording_changed(["new form"])
    assert check.passed is False
    assert check.gates
    assert check.detail.startswith("new form changed")
    assert recording_changed([]).passed
