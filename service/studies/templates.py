"""Which graphs do CPI and KPI usually share? Kept as data."""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from service.studies.schemas import GraphTemplate

_TEMPLATES = TypeAdapter(tuple[GraphTemplate, ...])


@cache
def templates() -> tuple[GraphTemplate, ...]:
    text = files("service.studies").joinpath("templates.toml").read_text(encoding="utf-8")
    return _TEMPLATES.validate_python(tomllib.loads(text)["template"])


def template_of(slug: str) -> GraphTemplate | None:
    return next((one for one in templates() if one.slug == slug), None)
