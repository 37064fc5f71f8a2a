"""Does a gain at the customers' cost raise the alarm, in the sense of each metric?"""

import pytest

from analyses import Moved, NotEstimable, kpi_up_cpi_down, normal


def moved(metric: str, effect: float, better: int = 1, arm: str = "1") -> Moved:
    return Moved(arm=arm, metric=metric, effect=normal(effect, 1.0, 0.05), better=better)


@pytest.mark.parametrize(
    ("kpi", "cpi", "alarm"),
    [
        (moved("sales", 3), moved("options", -3), True),
        (moved("sales", 3), moved("wait", 3, better=-1), True),
        (moved("service cost", -3, better=-1), moved("options", -3), True),
        (moved("sales", 3), moved("options", 3), False),
        (moved("sales", 3), moved("wait", -3, better=-1), False),
        (moved("sales", -3), moved("options", -3), False),
        (moved("sales", 1.9), moved("options", -3), False),
        (moved("sales", 3), moved("options", -1.9), False),
        (moved("sales", 3), moved("options", -3, arm="2"), None),
    ],
)
def test_the_alarm_rings_when_the_kpi_improves_and_the_cpi_worsens_in_one_arm(kpi, cpi, alarm):
    check = kpi_up_cpi_down([kpi], [cpi])
    assert check.passed is (None if alarm is None else not alarm)
    assert not check.gates


def test_the_alarm_names_arm_and_metrics():
    detail = kpi_up_cpi_down([moved("sales", 3)], [moved("options", -3)]).detail
    assert detail.startswith("sales improved while options got worse in 1")


def test_one_bad_arm_among_good_ones_rings():
    kpis = [moved("sales", 3, arm=a) for a in "ab"]
    cpis = [moved("options", 3, arm="a"), moved("options", -3, arm="b")]
    assert kpi_up_cpi_down(kpis, cpis).passed is False


def test_an_effect_that_is_not_estimable_answers_nothing():
    unknown = Moved(arm="1", metric="options", effect=NotEstimable(reason="no_variance", detail=""), better=1)
    assert kpi_up_cpi_down([moved("sales", 3)], [unknown]).passed is None
