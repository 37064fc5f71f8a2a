"""Which metrics did other companies find worth having?"""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from service.metrics.schemas import Template

_TEMPLATES = TypeAdapter(tuple[Template, ...])


@cache
def templates() -> tuple[Template, ...]:
    text = files("service.metrics").joinpath("templates.toml").read_text(encoding="utf-8")
    return _TEMPLATES.validate_python([_named(entry) for entry in tomllib.loads(text)["template"]])


def find_template(slug: str) -> Template | None:
    return next((template for template in templates() if template.slug == slug), None)


def _named(entry: dict[str, object]) -> dict[str, object]:
    """The draft says which template it is taken from, so that posting it as it is says so too."""
    metric = entry["metric"]
    if not isinstance(metric, dict):
        raise TypeError(f"template {entry['slug']} has no metric")
    return entry | {"metric": metric | {"template": entry["slug"]}}
