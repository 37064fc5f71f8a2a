"""Does `leverboard plan` say what the API says, and what is wrong in one line?"""

import json

import pytest
from typer.testing import CliRunner

from service.cli import application
from service.planning.schemas import DOSES


def plan(*arguments, text=None):
    return CliRunner().invoke(application(["plan"]), ["plan", *map(str, arguments)], input=text)


def test_flags_give_units_power_and_days():
    found = plan("effect", "--deviation", 1, "--effect", 0.1)
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["units"] == 3140


@pytest.mark.parametrize(
    "flags",
    [
        ["--effect", 0.1],
        ["--deviation", 1],
        ["--rate", 0.9, "--effect", 0.2],
        ["--deviation", 1, "--rate", 0.5, "--effect", 0.2],
        ["--rate", 0.04, "--effect", 1e-300],
    ],
)
def test_a_question_without_an_answer_ends_with_two_and_no_traceback(flags):
    found = plan("effect", *flags)
    assert found.exit_code == 2
    assert "Traceback" not in found.output
    assert found.stderr.strip()


def test_a_design_is_read_from_the_input():
    found = plan("slope", "-", text=json.dumps(DOSES))
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["power"] == pytest.approx(0.8, abs=1e-3)
    assert plan("slope", "-", text="{").exit_code == 2
    assert plan("slope", "/nowhere").exit_code == 2
