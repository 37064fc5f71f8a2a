"""Which English sentences are kept with results, and read on the board, on a lever's page and in reports?

They are written where they are found out, far from any page, and kept as they are. Their templates are read
off the source: what a sentence holds between its values, so that no list has to be kept beside it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = (
    "analyses/moments.py",
    "analyses/rule.py",
    "analyses/verdict.py",
    "analyses/validity/*.py",
    "analyses/effects/adjust.py",
    "analyses/effects/believing.py",
    "analyses/effects/difference.py",
    "analyses/effects/non_inferiority.py",
    "analyses/effects/phases.py",
    "analyses/effects/quantile.py",
    "analyses/effects/reading.py",
    "analyses/effects/relative.py",
    "analyses/relationship/exclusion.py",
    "analyses/relationship/instrumental.py",
    "analyses/relationship/many.py",
    "analyses/relationship/relate.py",
    "analyses/relationship/relate_many.py",
    "analyses/relationship/system.py",
    "analyses/relationship/value.py",
    "analyses/decision/*.py",
    "analyses/posterior/agreement.py",
    "analyses/posterior/blocks.py",
    "analyses/posterior/importance.py",
    "service/evidence/analysis.py",
    "service/evidence/checks.py",
    "service/evidence/trust.py",
    "service/evidence/job.py",
    "service/evidence/judgement.py",
    "service/evidence/results.py",
    "service/evidence/rungs.py",
    "service/evidence/service.py",
    "service/evidence/imported/words.py",
    "service/levers/value.py",
    "service/levers/worth.py",
    "service/studies/designs.py",
    "service/studies/findings.py",
)
FUNCTIONS = (
    ("service/hypotheses/rules.py", "statement"),
    ("service/hypotheses/rules.py", "_at_least"),
    ("service/metrics/customer.py", "words"),
    ("service/reports/assembling.py", "_answer"),
    ("service/reports/assembling_levers.py", "_counted"),
)
CONSTANTS = (("analyses/ladder.py", "LADDER"), ("service/reports/assembling_levers.py", "UNTESTED"))

LEAST_LETTERS = 8  # a sentence with fewer of its own fits too much
_VALUE = re.compile(r"\{\w+\}")
_FORMATTED = re.compile(r"\{(\w+)[:!][^}]*\}")
_NOT_READ = {"alias", "code", "description", "method", "name", "needs", "reason", "title"}  # as arguments
_STEP = "{amount} {unit}"


def kept_sentences() -> Iterator[tuple[str, str]]:
    """Each template, and the file that says it."""
    for pattern in FILES:
        found = sorted(ROOT.glob(pattern))
        assert found, f"{pattern} is no file any more"
        for path in found:
            yield from _of(path, ast.parse(path.read_text(encoding="utf-8")))
    for name, wanted in (*FUNCTIONS, *CONSTANTS):
        path = ROOT / name
        yield from _of(path, _named(ast.parse(path.read_text(encoding="utf-8")), wanted))


def _named(tree: ast.Module, wanted: str) -> ast.AST:
    """The function of that name, or what is assigned to it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == wanted:
            return node
        if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node) == wanted:
            return node
    raise AssertionError(f"{wanted} is said nowhere any more")


def _of(path: Path, tree: ast.AST) -> Iterator[tuple[str, str]]:
    name = str(path.relative_to(ROOT))
    return ((text, name) for text in dict.fromkeys(_strings(tree)) if _sentence(text))


def _sentence(text: str) -> bool:
    own = _VALUE.sub("", text)
    if text.startswith(_STEP):
        return True
    return sum(map(str.isalpha, own)) >= LEAST_LETTERS and (" " in text or own.endswith("."))


def _strings(node: ast.AST) -> Iterator[str]:
    """What a person may come to read: no docstring, no message of an exception, no description of a field."""
    if isinstance(node, ast.JoinedStr):
        yield _template(node)
        values = (part.value for part in node.values if isinstance(part, ast.FormattedValue))
        yield from (text for value in values for text in _strings(value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield _FORMATTED.sub(r"{\1}", node.value).strip()
    else:
        yield from (text for child in _read(node) for text in _strings(child))


def _read(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a piece of source that hold sentences for people."""
    if isinstance(node, ast.Raise | ast.Assert) or _target(node) == "EXAMPLE":
        return
    typed = [getattr(node, name, None) for name in ("annotation", "returns")]
    for child in ast.iter_child_nodes(node):
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        described = isinstance(child, ast.keyword) and child.arg in _NOT_READ
        named = isinstance(node, ast.Dict) and child in node.keys
        if not (docstring or described or named or child in typed):
            yield child


def _target(node: ast.AST) -> str:
    """The name that something is assigned to."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return str(getattr(target, "id", ""))


def _template(node: ast.JoinedStr) -> str:
    """Values by the names of what stands there, else by their number; no name twice."""
    said, names = "", set[str]()
    for part in node.values:
        if isinstance(part, ast.Constant):
            said += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            value = part.value
            named = getattr(value, "id", None) or getattr(value, "attr", None) or ""
            name = named if named and named not in names else f"value{len(names) + 1}"
            names.add(name)
            said += f"{{{name}}}"
    return said.strip()
