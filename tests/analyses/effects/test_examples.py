"""Do the examples in the docstrings of effects and checks still hold?"""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "effects.adjust",
        "effects.anytime",
        "effects.clusters",
        "effects.difference",
        "effects.group_sequential",
        "effects.non_inferiority",
        "effects.posterior",
        "effects.quantile",
        "effects.relative",
        "validity.alarm",
        "validity.attrition",
        "validity.balance",
        "validity.chi_square",
        "validity.clustering",
        "validity.drift",
        "validity.exposure",
        "validity.first_stage",
        "validity.sequential_srm",
        "validity.srm",
        "validity.srm_groups",
    ],
)
def test_examples_of_docstrings_hold(module):
    result = doctest.testmod(import_module(f"analyses.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
