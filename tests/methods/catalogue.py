"""What must a page say? The catalogue, the functions it names, and the sections of their docstrings."""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType

import analyses

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "methods"
SECTIONS = ("question", "estimand", "assumes", "formula", "units", "errors", "reference")
REQUIRED = ("question", "assumes", "formula", "units", "reference")
_LABELS = "Question|Estimand|Assumes|Formula|Units|Errors|Reference|Source"
_LABEL = re.compile(rf"^({_LABELS})\b([^:\n]*):", re.MULTILINE)
_SESSION = re.compile(r"^>>>", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One page as the catalogue has it; ``said`` are the words that docstrings lack."""

    page: str
    title: str
    family: str
    functions: tuple[str, ...]
    said: Mapping[str, str]


@cache
def catalogue() -> tuple[Method, ...]:
    """Every page, in the order of the catalogue."""
    return tuple(_method(one) for one in _document()["method"])


@cache
def plumbing() -> frozenset[str]:
    """Exported functions that are no estimators."""
    return frozenset(_document()["plumbing"])


def _document():
    return tomllib.loads((PAGES / "catalogue.toml").read_text())


def _method(entry) -> Method:
    known = {"page", "title", "family", "functions", *SECTIONS}
    if extra := set(entry) - known:
        raise ValueError(f"{entry['page']}: unknown {sorted(extra)}")
    said = {name: " ".join(entry[name].split()) for name in SECTIONS if name in entry}
    functions = tuple(entry["functions"])
    return Method(
        page=entry["page"], title=entry["title"], family=entry["family"], functions=functions, said=said
    )


def exported() -> frozenset[str]:
    """Every function behind the door, classes and types left out."""
    return frozenset(name for name in dir(analyses) if inspect.isfunction(getattr(analyses, name)))


def function(name: str) -> FunctionType:
    """An exported one, or one inside the package by module and name."""
    module, _, own = name.rpartition(".")
    found = getattr(import_module(f"analyses.{module}") if module else analyses, own)
    if not inspect.isfunction(found):
        raise TypeError(f"{name} is no function")
    return found


def sections(text: str) -> dict[str, str]:
    """The labelled parts of a docstring; a part ends at the next label, a blank line or an example."""
    labels = list(_LABEL.finditer(text))
    ends = [*(label.start() for label in labels[1:]), len(text)][: len(labels)]
    found = {}
    for label, end in zip(labels, ends, strict=True):
        name = "reference" if label[1] == "Source" else label[1].lower()
        body = re.split(r"\n\s*\n|\n>>>", text[label.end() : end])[0]
        words = f"{label[2].strip(' ,')}: {body}" if label[2].strip(" ,") else body
        found[name] = " ".join(words.split())
    return found


def opening(text: str) -> str:
    """What stands before the first label or example, as one paragraph a blank line."""
    found = [one.start() for one in (_LABEL.search(text), _SESSION.search(text)) if one]
    cut = min(found, default=len(text))
    return "\n\n".join(" ".join(part.split()) for part in text[:cut].strip().split("\n\n"))


def said(method: Method) -> dict[str, str]:
    """What the page says of the method: its docstring, and the catalogue where that is silent."""
    own = sections(inspect.getdoc(function(method.functions[0])) or "")
    return {
        name: own.get(name) or method.said[name] for name in SECTIONS if name in own or name in method.said
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason code and the words beside it, … where a value stands."""

    reason: str
    detail: str


def refusals(method: Method) -> tuple[Refusal, ...]:
    """Every "no answer" that the method's functions can give, or what they call, read off their source."""
    reached: dict[tuple[str, str], None] = {}
    found = (function(name) for name in method.functions)
    ahead = [(one.__module__, one.__name__) for one in found][::-1]
    while ahead:
        module, name = ahead.pop()
        defined, imported = _names(module)
        if name in imported:
            ahead.append((imported[name], name))
        elif name in defined and (module, name) not in reached:
            reached[module, name] = None
            ahead += [(module, one) for one in _named_in(defined[name])[::-1]]
    told = (one for module, name in reached for one in _in_body(_names(module)[0][name]))
    return tuple(dict.fromkeys(told))


def _named_in(body: ast.AST) -> list[str]:
    names = [node.id for node in ast.walk(body) if isinstance(node, ast.Name)]
    return list(
        dict.fromkeys(names + [node.attr for node in ast.walk(body) if isinstance(node, ast.Attribute)])
    )


@cache
def _names(module: str) -> tuple[Mapping[str, ast.AST], Mapping[str, str]]:
    """What a module defines (functions, methods by their own names, constants), and takes from where."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    defined: dict[str, ast.AST] = {
        node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }
    imported: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            defined |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("analyses."):
            imported |= {one.name: str(node.module) for one in node.names}
    return defined, imported


def _in_body(body: ast.AST) -> Iterator[Refusal]:
    for node in ast.walk(body):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NotEstimable"):
            continue
        words = {keyword.arg: keyword.value for keyword in node.keywords}
        reason, detail = words["reason"], words["detail"]
        if isinstance(detail, ast.Name):
            detail = _last_given(detail, body)
        if isinstance(reason, ast.Constant):
            yield Refusal(reason=str(reason.value), detail=_words(detail))


def _last_given(name: ast.Name, body: ast.AST) -> ast.expr:
    """What a name stands for where it is used: a function may tell one refusal after another by it."""
    given = [
        node
        for node in ast.walk(body)
        if isinstance(node, ast.Assign)
        and node.lineno < name.lineno
        and any(isinstance(target, ast.Name) and target.id == name.id for target in node.targets)
    ]
    return max(given, key=lambda node: node.lineno).value if given else name


def _words(node: ast.AST) -> str:
    """The text of a literal or an f-string."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"
