"""How is a table of past arms read? Its rows become the same document that JSON brings."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from service.kit.errors import BadRequest, Invalid, Violation, excerpt

MOST_ROWS = 20_000
TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d+(\.0*)?", re.ASCII)

EXPERIMENT = ("hypothesis", "name", "origin", "started_on", "ended_on", "notes", "corrects")
ARM = ("arm", "mechanism", "placebo", "units", "weight")
EFFECTS = ("cpi_effect", "kpi_effect")
FORMS: Mapping[str, tuple[str, ...]] = {
    "variances": ("var_cpi", "cov", "var_kpi"),
    "errors": ("se_cpi", "se_kpi", "correlation"),
    "moments": ("mean_cpi", "mean_kpi", "unit_var_cpi", "unit_cov", "unit_var_kpi"),
}
REQUIRED = ("experiment", "arm", "units")

type Row = Mapping[str, str]


class TableUnreadable(BadRequest):
    slug, title = "unreadable-table", "The table of past experiments cannot be read"


class WrongTable(Invalid):
    slug, title = "wrong-table", "The table's columns are not those asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows, each with its number, and which form its columns have."""

    form: str
    rows: Sequence[tuple[int, Row]]


def document(body: bytes, origin: str | None, hypothesis: str | None = None) -> dict[str, JsonValue]:
    """The rows as `experiments`, one row an arm; of all cells that are wrong, each is named."""
    table = _table(body)
    _check_said(table, {"origin": origin, "hypothesis": hypothesis})
    groups: dict[tuple[str, str, str], list[tuple[int, Row]]] = {}
    for number, row in table.rows:
        key = (row.get("hypothesis", ""), row.get("origin", ""), row["experiment"])
        groups.setdefault(key, []).append((number, row))
    broken: list[Violation] = []
    given: dict[str, JsonValue] = {} if origin is None else {"origin": origin}
    experiments: list[JsonValue] = [given | _experiment(table.form, rows, broken) for rows in groups.values()]
    if broken:
        raise Invalid("Some cells cannot be read.", errors=broken[:100])
    return {"experiments": experiments}


def _table(body: bytes) -> Table:
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode()
        if "\x00" in text:
            raise TableUnreadable("Text may not contain the character U+0000.")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableUnreadable(f"Expected CSV in UTF-8 with a header: {excerpt(error)}.") from error
    if not lines or len(lines) < 2:
        raise TableUnreadable("Expected a header and one row per arm.")
    if len(lines) > MOST_ROWS:
        raise TableUnreadable(f"A table may have {MOST_ROWS:,} rows.")
    header = [name.strip() for name in lines[0]]
    form = _form(header)
    rows = [(number, line) for number, line in enumerate(lines[1:], start=1) if line]
    ragged = [number for number, line in rows if len(line) != len(header)]
    if ragged:
        raise TableUnreadable(f"Row {ragged[0]} has another number of cells than the header, {len(header)}.")
    return Table(
        form=form,
        rows=[(number, dict(zip(header, map(str.strip, line), strict=True))) for number, line in rows],
    )


def _check_said(table: Table, whole: Mapping[str, str | None]) -> None:
    """Where every row comes from, and what it is evidence on: in its cells, or for the whole table."""
    lacking = [
        Violation(
            field=f"row {number}.{name}",
            rule=f"{name}_missing",
            message=f"Nothing says the {name}.",
            how=f"Add a column `{name}`, or say it of all rows in the address: ?{name}=…",
        )
        for name, said in whole.items()
        if said is None
        for number, row in table.rows
        if not row.get(name)
    ]
    if lacking:
        raise Invalid("Some rows lack what every experiment needs.", errors=lacking[:100])


def hinted(found: Violation) -> Violation:
    """With what to send instead, where a field belongs to another form of report."""
    name, rule = found["field"].rpartition(".")[2], found.get("rule", "")
    if name == "form" and rule in ("union_tag_not_found", "union_tag_invalid"):
        return {**found, "how": f"By what the report gives of each arm: {_forms()}."}
    owner = next((form for form, own in FORMS.items() if name in own), None)
    if rule == "extra_forbidden" and owner is not None:
        return {**found, "how": f'{name} is of the form "{owner}", with {", ".join(FORMS[owner])}.'}
    return found


def _forms() -> str:
    return "; ".join(f'"{form}" with {", ".join(own)}' for form, own in FORMS.items())


def _form(header: Sequence[str]) -> str:
    """By the columns that only one form has."""
    found = [form for form, own in FORMS.items() if set(own) & set(header)]
    if len(found) != 1:
        told = "; or ".join(f"{', '.join(_columns(form)[0])} ({form})" for form in FORMS)
        raise WrongTable(f"Expected a header with the columns of exactly one form: {told}.")
    (form,) = found
    required, optional = _columns(form)
    wrong = [
        *((name, "is missing") for name in required if name not in header),
        *((name, "there is no such column") for name in header if name not in (*required, *optional)),
        *((name, "stands twice") for name in dict.fromkeys(header) if header.count(name) > 1),
    ]
    if wrong:
        raise WrongTable(
            f"Expected the columns {', '.join(required)} and perhaps {', '.join(optional)}.",
            errors=[
                {"field": excerpt(name), "message": f"{excerpt(name)}: {why}"} for name, why in wrong[:100]
            ],
        )
    return form


def _columns(form: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    optional = (*EXPERIMENT, *(name for name in ARM if name not in REQUIRED))
    if form == "moments":
        return (*REQUIRED, "control", *FORMS[form]), optional
    own = ("control_units", "control_weight", *(f"control_{name}" for name in FORMS[form]))
    return (*REQUIRED, "control_units", *EFFECTS, *FORMS[form]), (*optional, *own[1:])


def _experiment(form: str, rows: Sequence[tuple[int, Row]], broken: list[Violation]) -> dict[str, JsonValue]:
    first = rows[0][1]
    told: dict[str, JsonValue] = {"form": form, "id": first["experiment"], "name": first["experiment"]}
    for name in EXPERIMENT:
        said = {row.get(name, "") for _, row in rows} - {""}
        if len(said) > 1:
            broken.append(_bad(rows[0][0], name, "differs between the arms of one experiment"))
        if said:
            told[name] = said.pop()
    if form == "moments":
        return told | _by_moments(rows, broken)
    return told | {
        "control": _alike(form, rows, broken),
        "arms": [_arm(number, row, (*EFFECTS, *FORMS[form]), broken) for number, row in rows],
    }


def _by_moments(rows: Sequence[tuple[int, Row]], broken: list[Violation]) -> dict[str, JsonValue]:
    """The control is a row of its own."""
    controls = [one for one in rows if _truth(*one, "control", broken)]
    if len(controls) != 1:
        number = rows[0][0]
        broken.append(
            _bad(number, "control", f"expected true for one arm of the experiment, got {len(controls)}")
        )
        return {}
    arms = [one for one in rows if one is not controls[0]]
    number, row = controls[0]
    names = (("units", "units"), ("weight", "weight"), *((name, name) for name in FORMS["moments"]))
    return {
        "control": _numbers(number, row, names, broken),
        "arms": [_arm(number, row, FORMS["moments"], broken) for number, row in arms],
    }


def _alike(form: str, rows: Sequence[tuple[int, Row]], broken: list[Violation]) -> dict[str, JsonValue]:
    """What every arm's row says of the control they share."""
    names = [(name, f"control_{name}") for name in ("units", "weight", *FORMS[form])]
    first: dict[str, JsonValue] = {}
    for number, row in rows:
        found = _numbers(number, row, names, broken)
        for name, value in found.items():
            if first.setdefault(name, value) != value:
                broken.append(_bad(number, f"control_{name}", "differs between arms that share the control"))
    return first


def _arm(number: int, row: Row, columns: Sequence[str], broken: list[Violation]) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"name": row["arm"], "placebo": _truth(number, row, "placebo", broken)}
    if row.get("mechanism"):
        told["mechanism"] = row["mechanism"]
    names = [(name, name) for name in ("units", "weight", *columns)]
    return told | _numbers(number, row, names, broken)


def _numbers(
    number: int, row: Row, names: Sequence[tuple[str, str]], broken: list[Violation]
) -> dict[str, JsonValue]:
    """Cells by field; an empty one is left out, where it may be."""
    told: dict[str, JsonValue] = {}
    for name, column in names:
        text = row.get(column, "")
        whole = name == "units"
        if not text and (whole or (column == name and name != "weight")):
            told_as = f"expected {_number(whole=whole)}, the cell is empty"
            broken.append(_bad(number, column, told_as, rule="missing"))
        if not text:
            continue
        if not (_WHOLE if whole else _NUMBER).fullmatch(text) or not math.isfinite(float(text)):
            told_as = f"expected {_number(whole=whole)}, got {excerpt(repr(text), 60)}"
            broken.append(_bad(number, column, told_as, rule="not_a_number"))
            continue
        told[name] = int(float(text)) if whole else float(text)
    return told


def _number(*, whole: bool) -> str:
    return "a whole number without an exponent" if whole else "a number"


def _truth(number: int, row: Row, column: str, broken: list[Violation]) -> bool:
    text = row.get(column, "").lower()
    if text not in TRUTHS:
        broken.append(_bad(number, column, f"expected true or false, got {excerpt(repr(text), 60)}"))
    return TRUTHS.get(text, False)


def _bad(number: int, column: str, why: str, *, rule: str = "wrong_cell") -> Violation:
    return Violation(field=f"row {number}.{column}", rule=rule, message=why)
