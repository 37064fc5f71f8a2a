"""How does a table become a file? As CSV that no spreadsheet runs as a program."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO


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


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
