"""Which rows were measured already, so that a lane of an hour goes on where it was stopped?

A line of JSON a row, under `build/`. Rows of another commit are measured again; what was changed and not
committed is not noticed. A lane that ends deletes the file.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.calibration.measure import Rates
from tests.calibration.rows import Row

SHARES = ("confirmed", "rejected", "coverage")


class Kept:
    """Rates of one seed, one number of replications and one commit of the code."""

    def __init__(self, path: Path, *, replications: int, seed: int, code: str) -> None:
        self._path, self.replications, self.seed = path, replications, seed
        self._of = {"replications": replications, "seed": seed, "code": code}
        path.parent.mkdir(parents=True, exist_ok=True)

    def there(self, table: str, rows: Sequence[Row]) -> Mapping[str, Rates]:
        """The rows of a table that need no measuring, by name."""
        named = {row.name: row for row in rows}
        return {
            one["name"]: Rates(
                row=named[one["name"]],
                replications=one["replications"],
                **{share: one[share] for share in SHARES},
            )
            for one in self._lines()
            if one["table"] == table and one["name"] in named and self._of.items() <= one.items()
        }

    def add(self, table: str, rates: Rates) -> Rates:
        shares = {share: getattr(rates, share) for share in SHARES}
        with self._path.open("a") as file:
            file.write(json.dumps({"table": table, "name": rates.row.name, **self._of, **shares}) + "\n")
        return rates

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)

    def _lines(self) -> Iterator[dict[str, object]]:
        if self._path.exists():
            yield from map(json.loads, self._path.read_text().splitlines())
