"""What was each number made of, and how is it made again?"""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from service.kit.words import Words
from service.reports.bundles import BoardBundle, ExperimentBundle, LeverBundle
from service.reports.content import Block, Cell, Code, Facts, Heading, Paragraph, Tone
from service.reports.kinds import Form, ReportKind
from service.reports.rules import file_name

LONGEST = 300


def provenance(
    words: Words, run_id: str, as_of: datetime, made_of: Mapping[str, JsonValue], snapshot: str | None
) -> list[Block]:
    """Of all numbers of one run."""
    _ = words.gettext
    versions = made_of.get("versions")
    libraries = versions if isinstance(versions, dict) else {}
    rows: list[tuple[str, Cell]] = [
        (_("Run"), run_id),
        (_("As of"), words.moment(as_of)),
        (_("Method"), _said(made_of.get("method"))),
        (_("SHA-256 of the plan"), _said(made_of.get("plan_hash"))),
        (_("SHA-256 of data and question"), _said(made_of.get("fingerprint"))),
        (
            _("Seed"),
            _("none: nothing was drawn at random") if made_of.get("seed") is None else _said(made_of["seed"]),
        ),
        (_("Snapshot"), _shortened(snapshot)),
        (_("Versions"), ", ".join(f"{name} {number}" for name, number in libraries.items()) or "–"),
    ]
    text = _("Each number below carries the place where the run keeps it: a JSON pointer into the bundle.")
    return [
        Heading(text=_("What the numbers were made of")),
        Paragraph(text=text, tone=Tone.NOTE),
        Facts(rows=rows),
    ]


def _said(value: JsonValue) -> str:
    return "–" if value is None else str(value)


def _shortened(snapshot: str | None) -> str:
    """Versions of the tables, without the list of their files, which the bundle has in full."""
    if snapshot is None:
        return "–"
    try:
        found = json.loads(snapshot)
    except ValueError:
        return snapshot[:LONGEST]
    told = (
        [f"{k} {v}" for k, v in found.items() if isinstance(v, int | str)] if isinstance(found, dict) else []
    )
    return (", ".join(told) or snapshot)[:LONGEST]


def reproduction(
    words: Words, bundle: ExperimentBundle | LeverBundle | BoardBundle, sha256: str
) -> list[Block]:
    """From the notebook alone; and for a run from the data, as long as they are kept."""
    _ = words.gettext
    name = file_name(ReportKind(bundle.kind), bundle.subject, sha256, Form.NOTEBOOK)
    key = '-H "Authorization: Bearer $KEY"'
    lines = [
        f'curl -fsSo {name} {key} "$LEVERBOARD/v1/reports/{sha256}/report.{Form.NOTEBOOK.value}"',
        f"jupyter execute {name}",
    ]
    if isinstance(bundle, ExperimentBundle):
        body = json.dumps({"as_of": bundle.run.as_of.isoformat(), "type": "exploratory"})
        lines.append(
            f'curl -fsS -X POST {key} -H "Content-Type: application/json" '
            f"-d '{body}' \"$LEVERBOARD/v1/experiments/{bundle.subject}/runs\""
        )
        again = _(
            "The last line computes them anew from the data, as long as those are kept; a sum taken in "
            "another order may differ in its last digits."
        )
    else:
        lines.append(f"leverboard report {bundle.subject}")
        again = _(
            "The last line, where the service has its store, writes it anew from what is known by then."
        )
    text = _(
        "LEVERBOARD is the address of the service, KEY a key of it. The notebook holds the whole bundle and "
        "computes the numbers anew, with Jupyter and of Leverboard the package analyses alone."
    )
    return [
        Heading(text=_("How to make these numbers again")),
        Paragraph(text=f"{text} {again}"),
        Code(text="\n".join(lines)),
    ]
