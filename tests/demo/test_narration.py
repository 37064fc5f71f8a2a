"""Can what the demo tells be read, on a narrow terminal too?"""

import io

import msgspec
import pytest
from rich.console import Console

from service.cli.demo.answers import (
    Check,
    Lever,
    LeverMetric,
    LeverVerdict,
    Problem,
    Reason,
    Slope,
    Verdict,
    Violation,
)
from service.cli.demo.narration import Voice, shortened, slope

LEVER = Lever(
    hypothesis_id="hyp_1",
    cpi=LeverMetric(name="Neighbours who decided for it"),
    kpi=LeverMetric(name="Policy kept after a claim"),
    provisional=True,
    increment="0.1 of the neighbours more",
    state="inconclusive",
    verdict=LeverVerdict(
        label="supported", slope=Slope(estimate=0.0621, interval=(0.0271, 0.107)), experiments=1, mechanisms=2
    ),
    owner="ada@example.com",
)


def _voice(width: int) -> tuple[Voice, io.StringIO]:
    sink = io.StringIO()
    return Voice(Console(file=sink, width=width)), sink


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_lever_is_told_in_full_and_within_the_terminal(width: int) -> None:
    voice, sink = _voice(width)
    voice.levers([LEVER])
    told = " ".join(sink.getvalue().split())
    parts = ("+0.0621", "[+0.027, +0.11]", "1 experiment", "2 mechanisms", "ada@example.com", "inconclusive")
    for part in parts:
        assert part in told
    assert "…" not in told
    assert max(map(len, sink.getvalue().splitlines())) <= min(width, 110)


def test_an_untested_lever_has_a_line_too() -> None:
    voice, sink = _voice(80)
    voice.levers([msgspec.structs.replace(LEVER, state="untested", verdict=None)])
    assert "untested" in sink.getvalue()


def test_open_ends_and_missing_estimates_are_said() -> None:
    assert slope(Slope(estimate=None, interval=(None, 0.5))) == "[-∞, +0.5]"
    assert slope(Slope(estimate=1.0, interval=(0.25, None))) == "+1\n[+0.25, ∞]"
    assert slope(Slope()) == "not estimable"


def test_an_id_is_told_by_its_last_letters() -> None:
    assert (
        shortened("/hypotheses/hyp_01kq3v5w8x9y2z4a6b8c0d1e2f:register") == "/hypotheses/hyp_…1e2f:register"
    )


def test_a_refusal_names_every_rule_and_how_to_satisfy_the_first() -> None:
    voice, sink = _voice(80)
    errors = tuple(
        Violation(field="kind", message=f"message {n}", rule=f"rule_{n}", how=f"how {n}") for n in range(4)
    )
    voice.refusal(Problem(title="Refused", status=422, detail="", errors=errors))
    told = sink.getvalue()
    assert all(f"rule_{n}" in told for n in range(4))
    assert "how 0" in told
    assert "how 3" not in told


def test_a_failed_check_is_told_and_passed_ones_are_counted() -> None:
    voice, sink = _voice(100)
    passed = Check(name="srm", passed=True, detail="")
    voice.checks([passed, Check(name="first_stage", passed=False, detail="weak")])
    assert "1 check passed" in sink.getvalue()
    assert "first_stage failed: weak" in sink.getvalue()


def test_a_verdict_is_told_with_its_sentence_and_its_codes() -> None:
    voice, sink = _voice(80)
    found = Verdict(
        state="inconclusive",
        label="supported",
        sentence="Inconclusive. One mechanism.",
        slope=Slope(),
        reasons=(Reason(code="one_mechanism", text=""),),
        needed_units_per_arm=None,
        experiments=(),
    )
    voice.verdict(found, "A moral.")
    parts = ("supported, not proven", "One mechanism.", "one_mechanism", "A moral.")
    assert all(part in sink.getvalue() for part in parts)
