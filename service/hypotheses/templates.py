"""Which CPI→KPI pairs do the examples of others suggest?"""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from service.hypotheses.schemas import HypothesisTemplate

_TEMPLATES = TypeAdapter(tuple[HypothesisTemplate, ...])


@cache
def templates() -> tuple[HypothesisTemplate, ...]:
    text = files("service.hypotheses").joinpath("templates.toml").read_text(encoding="utf-8")
    return _TEMPLATES.validate_python(tomllib.loads(text)["template"])
