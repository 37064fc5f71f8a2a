"""How does a page look? Sections from docstrings, a worked example with its numbers, refusals."""

import contextlib
import doctest
import inspect
import io
import sys
import textwrap
from collections.abc import Mapping

from tests.methods.catalogue import (
    Method,
    catalogue,
    function,
    opening,
    refusals,
    said,
    sections,
)
from tests.methods.examples import EXAMPLES

TOLD = {
    "question": "Question",
    "estimand": "What is estimated",
    "assumes": "Assumes",
    "formula": "Formula",
    "units": "Units",
    "errors": "Errors",
    "reference": "Reference",
}
GENERATED = (
    "<!-- Written by `make docs` from docstrings and catalogue.toml: change those, not this page. -->\n"
)


def page(method: Method) -> str:
    """The whole page."""
    first, *others = method.functions
    parts = [
        GENERATED,
        f"# {method.title}\n",
        f"*{method.family}.* {_signature(first)}\n",
        f"{_text(opening(_doc(first)))}\n",
        _sections(said(method)),
        *(_other(name) for name in others),
        "## Worked example\n",
        _example(method),
        "## When it refuses\n",
        _refuses(method),
    ]
    return "\n".join(parts)


def index() -> str:
    """The list of pages with the question of each, by family."""
    lines = [
        GENERATED,
        "# Methods\n",
        "One page a method: what it asks, assumes, computes, and when it refuses.",
    ]
    for family in dict.fromkeys(method.family for method in catalogue()):
        lines += ["", f"## {family}\n", "| method | question |", "|---|---|"]
        for method in catalogue():
            if method.family == family:
                question = _upper(said(method)["question"]).replace("|", "\\|")
                lines.append(f"| [{method.title}]({method.page}.md) | {question} |")
    return "\n".join(lines) + "\n"


def _doc(name: str) -> str:
    return inspect.getdoc(function(name)) or ""


def _signature(name: str) -> str:
    """Name and parameters; types stand in the code."""
    shown = []
    starred = False
    for one in inspect.signature(function(name)).parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        shown.append(one.name if one.default is one.empty else f"{one.name}={one.default!r}")
    return f"`{name}({', '.join(shown)})`"


def _sections(found: Mapping[str, str]) -> str:
    return "\n".join(f"**{TOLD[name]}.** {_text(_upper(text))}\n" for name, text in found.items())


def _text(words: str) -> str:
    """Words of a docstring as Markdown: a* is no emphasis, < no tag, and code has one backtick."""
    return words.replace("``", "`").replace("*", "\\*").replace("<", "&lt;")


def _upper(text: str) -> str:
    """A sentence of its own; formulas and code keep their letters."""
    first = text.split(maxsplit=1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and len(first) > 1 else text


def _other(name: str) -> str:
    """A further function of the page: its opening, and its sections if it has any."""
    own = sections(_doc(name))
    return (
        "\n".join(
            [f"## `{name}`\n", f"{_signature(name)}\n", f"{_text(opening(_doc(name)))}\n", _sections(own)]
        ).rstrip("\n")
        + "\n"
    )


def _example(method: Method) -> str:
    """The page's own example, or those of its docstrings; what is printed is computed here and now."""
    if own := EXAMPLES.get(method.page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            own()
        code = textwrap.dedent("".join(inspect.getsourcelines(own)[0][1:]))
        docstring = inspect.getdoc(own) or ""
        code = code.split('"""\n', 2)[-1] if docstring else code
        return (
            f"{docstring}\n\n```python\n{code.strip()}\n```\n\n```text\n{printed.getvalue().strip()}\n```\n"
        )
    blocks = [shown for name in method.functions if (shown := _session(name))]
    if not blocks:
        raise ValueError(f"{method.page} has no example: add one to tests/methods/examples.py")
    return "\n".join(blocks)


def _session(name: str) -> str:
    """The docstring's example, run anew."""
    one = function(name)
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(one) or "")
    if not examples:
        return ""
    names = dict(one.__globals__)
    sys.displayhook = sys.__displayhook__  # sympy, which EconML loads, prints strings without their quotes
    lines = []
    for example in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, name, "single"), names)
        head, *more = example.source.rstrip("\n").split("\n")
        lines += [f">>> {head}", *(f"... {line}" for line in more), *printed.getvalue().splitlines()]
    return "```python\n" + "\n".join(lines) + "\n```\n"


def _refuses(method: Method) -> str:
    found = refusals(method)
    if not found:
        return "It always answers; a call that makes no sense raises ValueError.\n"
    rows = [f"| `{one.reason}` | {one.detail.replace('|', '/')} |" for one in found]
    return "\n".join(["| reason | words |", "|---|---|", *rows]) + "\n"
