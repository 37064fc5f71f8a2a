"""Is this file text in UTF-8 with commas between its columns, and if not, what does it look like?"""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from service.cli.onefile.problem import FileProblem

HEAD = 1 << 16
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
EXPECTED = "expected text in UTF-8 with commas between columns"


def see_to_text(path: Path, wanted: Sequence[str]) -> None:
    """Refuse by its beginning what another program would have to write anew, and say how."""
    with _opened(path) as file:
        head = file.read(HEAD)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileProblem(f"{path.name} is UTF-16, {EXPECTED}: save it as CSV UTF-8")
    if head.startswith(b"PK\x03\x04"):
        raise FileProblem(f"{path.name} is a spreadsheet or another zip, {EXPECTED}: save it as CSV UTF-8")
    if b"\0" in head:
        raise FileProblem(f"{path.name} is binary or UTF-16, {EXPECTED}, or Parquet")
    _see_to_separator(path, head.partition(b"\n")[0].decode(errors="replace"), wanted)


def _see_to_separator(path: Path, header: str, wanted: Sequence[str]) -> None:
    for separator, word in SEPARATORS.items():
        names = {name.strip().strip('"').removeprefix("\ufeff") for name in header.split(separator)}
        if set(wanted) <= names and not set(wanted) <= set(header.split(",")):
            raise FileProblem(
                f"{path.name} looks separated by {word}, expected commas: save it with commas between "
                "columns and with points, not commas, in numbers"
            )


def undecodable(path: Path) -> FileProblem:
    """Where a file that was to be UTF-8 is not: the line, as editors count."""
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                where = f"line {number:,} has the byte 0x{line[error.start]:02x}"
                return FileProblem(
                    f"{path.name} is not UTF-8, perhaps Latin-1: {where}; save it as CSV UTF-8"
                )
    return FileProblem(f"{path.name} is not UTF-8: save it as CSV UTF-8")


def _opened(path: Path) -> io.BufferedReader:
    return io.BufferedReader(pa.input_stream(path, compression="detect"))
