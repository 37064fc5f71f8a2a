"""`leverboard aa`: real history, split at random; how often does nothing look like an effect?"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from analyses import as_json as values
from service.cli.onefile.plan import UsageProblem
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.words import printable
from service.cli.replay.signals import FalseSignals, false_signals
from service.cli.replay.sources import Columns, of_experiment, of_file, ratios
from service.cli.replay.splitting import Splits
from service.kit.errors import excerpt
from service.settings import Settings

LAKE = "lake"
LONGEST = 600  # characters of a message


def command(  # noqa: PLR0917  # typer reads flags off the parameters
    source: Annotated[
        str, typer.Option(metavar="FILE|lake", help="CSV or Parquet, one row per unit; or the managed lake.")
    ],
    experiment: Annotated[
        str | None, typer.Option(metavar="ID", help="Of the lake: whose units, and by which metrics.")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Of a file: a column to be tried. Repeat.")
    ] = None,
    ratio: Annotated[
        list[str] | None, typer.Option(metavar="COL/COL", help="Of a file: a ratio of sums. Repeat.")
    ] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Of a file: known before exposure. Repeat.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(metavar="COL", help="Of a file: split by a hash of this column.")
    ] = None,
    splits: Annotated[int, typer.Option(min=100, max=100_000, help="How many random splits.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same splits.")] = 1,
    alpha: Annotated[float, typer.Option(min=0.001, max=0.5, help="Level of the tests.")] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Split real history at random, many times, and report the share of false signals of each metric."""
    try:
        columns = Columns(
            metrics=tuple(metric or ()),
            ratios=ratios(ratio or ()),
            covariates=tuple(covariate or ()),
            unit=unit,
        )
        found = _split(source, experiment, columns, splits=splits, seed=seed)
    except (UsageProblem, FileProblem) as problem:
        print(f"leverboard: {excerpt(printable(str(problem)), LONGEST)}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(problem, UsageProblem) else 1) from problem
    _tell(found, false_signals(found, alpha=alpha), alpha=alpha, seed=seed, as_json=as_json)


def _split(source: str, experiment: str | None, columns: Columns, *, splits: int, seed: int) -> Splits:
    """Of a file, or of one experiment in the lake; a flag of the one is none of the other."""
    if source != LAKE:
        if experiment is not None:
            raise UsageProblem("--experiment is of the lake, not of a file")
        return of_file(Path(source), columns, splits=splits, seed=seed)
    if experiment is None or columns.numbers or columns.unit:
        raise UsageProblem("the lake is asked for one --experiment, by its own metrics alone")
    return of_experiment(Settings.from_environment(), experiment, splits=splits, seed=seed)


def _tell(splits: Splits, told: list[FalseSignals], *, alpha: float, seed: int, as_json: bool) -> None:
    if as_json:
        head = {"units": splits.units, "splits": splits.splits, "seed": seed, "alpha": alpha}
        print(json.dumps({**head, "metrics": values(told)}, allow_nan=False))
        return
    table = Table(title=f"{splits.units:,} units, {splits.splits:,} random splits, seed {seed}")
    for heading in ("metric", "", f"false signals at {alpha:g}", f"{alpha:.0%} lies within?"):
        table.add_column(heading, justify="right" if heading.startswith("false") else "left")
    for one in told:
        table.add_row(printable(one.metric), "adjusted" if one.adjusted else "raw", _share(one), _said(one))
    console = Console(markup=False, highlight=False, emoji=False)
    console.print(table, "± is one Monte Carlo error; within means within two.")


def _share(one: FalseSignals) -> str:
    return "–" if one.share is None else f"{one.share:.1%} ± {one.error:.1%}"


def _said(one: FalseSignals) -> str:
    if one.as_promised is None:
        return f"no estimate: {printable(one.why or '')}"
    fewer = f" ({one.without:,} splits gave no estimate)" if one.without else ""
    return ("yes" if one.as_promised else "NO") + fewer
