"""How do words get into a page? Those that stand in a template are translated when it is compiled."""

from collections.abc import Callable
from functools import cache
from gettext import NullTranslations
from typing import override

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from service.web.direction import contained

_TRANSLATING = frozenset({"_", "gettext"})


class OneLanguage(Environment):
    """An environment whose pages speak one language: its constant texts are constants of the page too."""

    catalogue = NullTranslations()

    @override
    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        _Constants(self.catalogue).visit(template)
        return template


class _Constants(NodeTransformer):
    """Every `_("…")` without values becomes its translation: a page of fifty levers says two thousand."""

    def __init__(self, catalogue: NullTranslations) -> None:
        self._catalogue = catalogue

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the visitor's own form
        self.generic_visit(node)
        text = _constant(node)
        return node if text is None else nodes.Const(_filled(self._catalogue.gettext(text), {}))


def _constant(node: nodes.Call) -> str | None:
    """The text of a call that translates nothing but a text."""
    if not isinstance(node.node, nodes.Name) or node.node.name not in _TRANSLATING:
        return None
    if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) != 1:
        return None
    (text,) = node.args
    return text.value if isinstance(text, nodes.Const) and isinstance(text.value, str) else None


def speaking(catalogue: NullTranslations) -> dict[str, Callable[..., Markup]]:
    """What templates call for texts with values in them, by name."""
    known = cache(catalogue.gettext)

    def gettext(text: str, /, **values: object) -> Markup:
        return _filled(known(text), values)

    def ngettext(one: str, many: str, n: int, /, **values: object) -> Markup:
        return _filled(catalogue.ngettext(one, many, n), {"num": n, **values})

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext}


def _filled(text: str, values: dict[str, object]) -> Markup:
    """The text with its values: each escaped, and a name inside turns no more of it than itself."""
    return Markup(text % {name: escape(contained(value)) for name, value in values.items()})  # noqa: S704
