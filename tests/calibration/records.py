"""What was counted of each row, when and on which code? A line of JSON a row, in docs/calibration.jsonl.

The page is written from these alone. A row whose line is of the code, the seed and the number of replications
that are asked for is not counted again, so that a lane that was stopped goes on with what is left.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

type Found = Mapping[str, float | Sequence[Sequence[int]] | None]
"""Shares or counts by name, as the section's own result holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """``code`` is the commit that was measured, with a + where something was changed and not committed."""

    section: str
    name: str
    replications: int
    seed: int
    code: str
    version: str
    day: str
    found: Found

    @property
    def key(self) -> tuple[str, str]:
        return self.section, self.name


class Records:
    """The file; a row that is counted again takes the place of its line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._found = {one.key: one for one in (Record(**json.loads(line)) for line in lines)}

    def __iter__(self) -> Iterator[Record]:
        yield from self._found.values()

    def get(self, section: str, name: str) -> Record | None:
        return self._found.get((section, name))

    def keep(self, record: Record) -> None:
        """Written at once, whole or not at all."""
        self._found[record.key] = record
        lines = [json.dumps(asdict(one), ensure_ascii=False) for one in self._found.values()]
        whole = self._path.with_suffix(".new")
        whole.write_text("\n".join(lines) + "\n")
        whole.replace(self._path)

    def only(self, keys: Sequence[tuple[str, str]]) -> None:
        """Rows that are asked about no more are forgotten, the others put in the order of the page."""
        self._found = {key: self._found[key] for key in keys if key in self._found}
