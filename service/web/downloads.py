"""How does what a page shows become a file? As JSON, or as CSV that no spreadsheet runs as a program."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO

from fastapi import Response


def csv_of(records: Iterable[Mapping[str, object]]) -> str:
    """A line for each record, under the names of the first one; nothing at all where there is none."""
    text = StringIO()
    written: csv.DictWriter[str] | None = None
    for record in records:
        if written is None:
            written = csv.DictWriter(text, list(record))
            written.writeheader()
        written.writerow({name: _cell(value) for name, value in record.items()})
    return text.getvalue()


def json_file(text: str, name: str) -> Response:
    """To be kept under this name."""
    return _file(text, "application/json", f"{name}.json")


def csv_file(records: Iterable[Mapping[str, object]], name: str) -> Response:
    return _file(csv_of(records), "text/csv; charset=utf-8", f"{name}.csv")


def _file(text: str, kind: str, name: str) -> Response:
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
