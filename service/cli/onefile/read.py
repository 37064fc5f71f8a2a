"""How is a table of any size read? A batch of rows at a time, its columns as text or as numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv, parquet

from service.cli.onefile.plaintext import see_to_text, undecodable
from service.cli.onefile.problem import FileProblem
from service.kit.errors import excerpt

BLOCK = 1 << 23  # bytes of a CSV file that are held at a time
ROWS = 1 << 17  # rows of a Parquet file that are held at a time
LARGEST = 1e150  # the square of a larger number is none any more
MISSING = ("", ".", "na", "n/a", "#n/a", "<na>", "nan", "null", "none")
TRUTHS = {"true": "1", "false": "0"}

type Floats = npt.NDArray[np.float64]
type Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Some rows: the columns asked for as text and those asked for as numbers (NaN where missing)."""

    first_row: int
    texts: dict[str, tuple[Codes, list[str]]]
    numbers: dict[str, Floats]


def batches(path: Path, texts: Sequence[str], numbers: Sequence[str]) -> Iterator[Batch]:
    """The asked columns of a CSV or Parquet file, told apart by their first bytes, in the file's order.

    A text column comes as codes into its distinct values, -1 where missing.
    """
    wanted = [*texts, *numbers]
    opened = _parquet if _is_parquet(path) else _csv
    row = 1
    try:
        for batch in opened(path, wanted):
            yield Batch(
                first_row=row,
                texts={name: _text(batch.column(name), name) for name in texts},
                numbers={name: _number(batch.column(name), name, row) for name in numbers},
            )
            row += batch.num_rows
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _columns_of(path: Path, wanted: Sequence[str]) -> list[str]:
    """The names of all columns, among which should be the wanted ones."""
    try:
        if _is_parquet(path):
            return list(parquet.read_schema(path).names)
        see_to_text(path, wanted)
        with _reader(path, None) as reader:
            return list(reader.schema.names)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        if "Empty CSV file" in str(error):
            raise FileProblem(f"{path.name} is empty: expected a header and one row per unit") from error
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FileProblem:
    if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in str(error):
        return undecodable(path)
    return FileProblem(f"{path.name} cannot be read: {_first_line(error)}")


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError as error:
        raise FileProblem(f"{path} cannot be opened: {error.strerror}") from error


def require(path: Path, wanted: Sequence[str], optional: Sequence[str] = ()) -> list[str]:
    """The wanted columns and what the file has of the optional ones; a problem names what is missing."""
    there = _columns_of(path, wanted)
    missing = [name for name in wanted if name not in there]
    if missing:
        raise FileProblem(
            f"{path.name} has no column {', '.join(map(repr, missing))}; it has {excerpt(', '.join(there))}"
        )
    found = [*wanted, *(name for name in optional if name in there)]
    for name in found:
        if there.count(name) > 1:
            raise FileProblem(f"{path.name} has {there.count(name)} columns named {name!r}, expected one")
    return found


def _parquet(path: Path, wanted: Sequence[str]) -> Iterator[Any]:
    with parquet.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=ROWS, columns=list(wanted))


def _csv(path: Path, wanted: Sequence[str]) -> Iterator[Any]:
    with _reader(path, wanted) as reader:
        yield from reader


def _reader(path: Path, wanted: Sequence[str] | None) -> Any:
    """Every column as text: a number column that turns out not to be one can then be told by its row."""
    convert = csv.ConvertOptions(
        include_columns=wanted,
        column_types={name: pa.string() for name in wanted or ()},
        strings_can_be_null=True,
        null_values=[""],
    )
    return csv.open_csv(
        pa.input_stream(path, compression="detect"),
        read_options=csv.ReadOptions(block_size=BLOCK),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=convert,
    )


def _first_line(error: Exception) -> str:
    return excerpt(str(error).splitlines()[0])


def _plain(column: Any) -> Any:
    """A column without its dictionary."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is_text(column: Any) -> bool:
    kind = column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _text(column: Any, name: str) -> tuple[Codes, list[str]]:
    """Codes and distinct values; numbers and booleans become their text, blanks are missing."""
    column = _plain(column)
    try:
        encoded = (column if _is_text(column) else column.cast(pa.string())).dictionary_encode()
    except pa.ArrowNotImplementedError as error:
        raise FileProblem(f"column {name!r} holds {column.type}, expected text or numbers") from error
    codes = _codes(encoded)
    values = [value.strip() for value in encoded.dictionary.to_pylist()]
    blank = [at for at, value in enumerate(values) if not value]
    return np.where(np.isin(codes, blank), -1, codes), values


def _codes(encoded: Any) -> Codes:
    """Places in the dictionary, -1 where missing (NaN on the way)."""
    places = _floats(encoded.indices.cast(pa.float64()))
    return np.where(np.isnan(places), -1, places).astype(np.int64)


def _number(column: Any, name: str, first_row: int) -> Floats:
    column = _plain(column)
    if _is_text(column):
        values = _parsed(column, name, first_row)
    else:
        try:
            values = _floats(column.cast(pa.float64(), safe=False))
        except pa.ArrowNotImplementedError as error:
            raise FileProblem(f"column {name!r} holds {column.type}, expected numbers") from error
    too_large = np.abs(values) > LARGEST
    if too_large.any():
        at = int(too_large.argmax())
        raise FileProblem(
            f"column {name!r} has {values[at]:g} in row {first_row + at:,}, expected a finite number "
            f"of ordinary size (up to {LARGEST:g})"
        )
    return values


def _floats(column: Any) -> Floats:
    values: Floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _parsed(column: Any, name: str, first_row: int) -> Floats:
    """Text as numbers: at once where every value is one, else with the usual words for missing and truth."""
    try:
        return _floats(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        encoded = column.dictionary_encode()
    codes, numbers = _codes(encoded), []
    for code, word in enumerate(encoded.dictionary.to_pylist()):
        try:
            numbers.append(_spoken(word.strip().lower()))
        except ValueError as error:
            at = first_row + int((codes == code).argmax())
            raise FileProblem(
                f"column {name!r} has {excerpt(repr(word), 60)} in row {at:,}, expected a number"
            ) from error
    return np.array([*numbers, np.nan])[codes]  # code -1, the last place, is missing


def _spoken(word: str) -> float:
    """The number that a word stands for; Python's own digit grouping is no number in a file."""
    if word in MISSING:
        return np.nan
    if "_" in word:
        raise ValueError(word)
    return float(TRUTHS.get(word, word))
