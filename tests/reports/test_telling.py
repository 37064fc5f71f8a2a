"""Which words does a verdict get: how large, how sure, and what is not said of data without trust?"""

import pytest

from service.evidence.documents import RefusalDocument, SlopeDocument, Unanswered
from service.kit.words import Words
from service.reports.bundles import LookPart
from service.reports.telling.results import LookTold
from service.reports.telling.verdicts import Concluded, answer, change_of_mind, how_sure, size, sizes
from tests.reports.hypotheses import hypothesis

EN = Words.of("en")
SLOPE = SlopeDocument(estimate=0.0172, interval=(0.0129, 0.0215))
LOOK = LookPart(number=1, alpha=0.025, information=100.0, due_at=200.0)


def concluded(**changes: object) -> Concluded:
    told = {
        "hypothesis": hypothesis(),
        "state": "confirmed",
        "label": "strong",
        "slope": SLOPE,
        "reasons": (),
        "codes": (),
        "needed_units_per_arm": None,
        "relationship": {"breakdown": 0.0236, "overidentification": {"p_value": 0.95}},
        "look": LOOK,
        "units": 30_000,
    }
    return Concluded(**told | changes)


def texts(blocks: list) -> str:
    return " ".join(text for block in blocks for text in getattr(block, "texts", ()))


def test_an_answer_has_its_size_its_interval_and_how_sure_that_is() -> None:
    said = "Yes: 1 minute less changes “Bought” by +1.72 points, 97.5 % interval +1.29 to +2.15 points."
    assert answer(EN, concluded()) == said
    assert "intervallo al 97,5 % da +1,29 a +2,15 punti" in answer(Words.of("it"), concluded())


def test_where_no_error_rate_was_spent_no_level_is_claimed() -> None:
    assert ", interval +1.29 to +2.15 points." in answer(EN, concluded(look=None))
    blocked = LookTold(state="blocked", number=1, alpha=0.025, information=1.0, due_at=0.0, text="")
    told = texts(how_sure(EN, concluded(look=blocked)))
    assert "no error rate was spent" in told
    assert "0.025" not in told


def test_no_size_is_read_from_data_that_cannot_be_trusted() -> None:
    found = concluded(state="inconclusive", label=None, codes=("srm",), reasons=("arm a has too many units",))
    assert answer(EN, found).startswith("Not decided: the data cannot be trusted")
    assert "1.72" not in answer(EN, found)
    assert sizes(EN, found, "/x") == []
    assert "arm a has too many units" in texts(change_of_mind(EN, found))


def test_what_would_change_a_confirmed_lever_is_said_in_numbers() -> None:
    told = texts(change_of_mind(EN, concluded()))
    for said in ("near end is +1.29 points", "of 2.36 points or more", "about 30,000 units more"):
        assert said in told


def test_a_rejected_one_is_open_again_where_its_interval_reaches_what_is_worth_acting_on() -> None:
    slope = SlopeDocument(estimate=0.001, interval=(-0.002, 0.004))
    told = texts(change_of_mind(EN, concluded(state="rejected", label=None, slope=slope)))
    assert "came to reach +0.750 points: its far end is +0.400 points" in told
    assert "side effect" not in told  # the interval holds 0: there is nothing for one to undo
    down = hypothesis(direction="decrease")
    told = texts(change_of_mind(EN, concluded(state="rejected", label=None, slope=slope, hypothesis=down)))
    assert "came to reach −0.750 points: its far end is −0.200 points" in told


@pytest.mark.parametrize(("p", "said"), [(1e-105, "p < 0.001"), (0.012, "p = 0.0120")])
def test_arms_that_do_not_fit_one_slope_are_said_so_in_few_digits(p, said) -> None:
    told = texts(how_sure(EN, concluded(relationship={"overidentification": {"p_value": p}})))
    assert f"The arms do not fit one slope ({said})" in told


def test_open_ends_and_unknown_slopes_are_said() -> None:
    half = SlopeDocument(estimate=None, interval=(0.0129, None))
    told = size(EN, "Bought", "1 minute less", half, share=True, alpha=0.05)
    assert (
        told == "1 minute less changes “Bought” differently by mechanism, 95 % interval +1.29 points to open"
    )
    none = Unanswered(not_estimable=RefusalDocument(reason="x", detail="y"))
    assert size(EN, "Bought", "1 minute less", none, share=True, alpha=None).startswith("no size could be")
