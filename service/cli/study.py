"""`leverboard study`: the units of a past experiment, in a file, become evidence; contrasts alone travel."""

import json
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

from analyses import Json
from service.cli.onefile import options
from service.cli.onefile.past import About, past_experiments
from service.cli.onefile.plan import Columns, UsageProblem, mechanisms, shares
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.words import printable
from service.kit.errors import excerpt

LONGEST = 600  # characters of a message: it names what was submitted, however long that is
PATIENCE = 60.0  # seconds for the server's answer


def command(  # noqa: PLR0917  # typer reads flags off the parameters
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, one row per unit.", show_default=False)],
    hypothesis: Annotated[
        str, typer.Option(metavar="ID", help="The registered hypothesis that it speaks on.")
    ],
    origin: Annotated[str, typer.Option(help="Where it comes from: a tool, a warehouse, a report.")],
    arm: Annotated[str, options.ARM],
    control: Annotated[str, options.CONTROL],
    cpi: Annotated[str, options.CPI],
    kpi: Annotated[str, options.KPI],
    covariate: Annotated[list[str] | None, options.COVARIATE] = None,
    experiment: Annotated[str | None, options.EXPERIMENT] = None,
    unit: Annotated[str | None, options.UNIT] = None,
    cluster: Annotated[str | None, options.CLUSTER] = None,
    weight: Annotated[list[str] | None, options.WEIGHT] = None,
    mechanism: Annotated[list[str] | None, options.MECHANISM] = None,
    placebo: Annotated[list[str] | None, options.PLACEBO] = None,
    name: Annotated[str | None, typer.Option(help="What people call it; default: the file's name.")] = None,
    started_on: Annotated[str | None, typer.Option(metavar="DATE", help="Its first day.")] = None,
    ended_on: Annotated[str | None, typer.Option(metavar="DATE", help="Its last day.")] = None,
    notes: Annotated[str | None, typer.Option(help="What else should be known.")] = None,
    corrects: Annotated[str | None, options.CORRECTS] = None,
    units_per_day: Annotated[float | None, options.UNITS_PER_DAY] = None,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Import it there; else the document is printed.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="File with the API key for the server.")] = None,
) -> None:
    """Form the contrasts of a past experiment and import them as retrospective evidence, never as a verdict.

    Exits with 0 when done; 1 when the data cannot be analysed or the server refuses; 2 on wrong usage.
    """
    try:
        columns = Columns(
            arm=arm,
            control=control,
            cpi=cpi,
            kpi=kpi,
            covariates=tuple(covariate or ()),
            experiment=experiment,
            unit=unit,
            cluster=cluster,
            shares=shares(weight or ()),
            mechanisms=mechanisms(mechanism or ()),
        )
        about = About(
            hypothesis=hypothesis,
            origin=origin,
            name=name,
            started_on=started_on,
            ended_on=ended_on,
            notes=notes,
            corrects=corrects,
        )
        document = past_experiments(file, columns, placebo or (), about, units_per_day)
        answer = _delivered(document, server, key_file)
    except UsageProblem as problem:
        raise _refused(problem, 2) from problem
    except FileProblem as problem:
        raise _refused(problem, 1) from problem
    print(json.dumps(answer, allow_nan=False, ensure_ascii=False, indent=2))


def _delivered(document: dict[str, Json], server: str | None, key_file: Path | None) -> Json:
    """The document itself, or what the server made of it."""
    if server is None and key_file is None:
        return document
    if server is None or key_file is None:
        raise UsageProblem("--server and --key-file go together")
    return _imported(server, key_file, document)


def _imported(server: str, key_file: Path, document: dict[str, Json]) -> Json:
    """The server's receipt; what it refuses is told as it says it."""
    try:
        key = key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"--key-file {key_file} cannot be read: {error}") from error
    try:
        answer = httpx.post(
            f"{server.rstrip('/')}/v1/evidence:import",
            json=document,
            headers={"Authorization": f"Bearer {key}"},
            timeout=PATIENCE,
        )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise FileProblem(f"{server} cannot be reached: {error or type(error).__name__}") from error
    if answer.status_code != httpx.codes.CREATED:
        raise FileProblem(f"{server} answered {answer.status_code}: {_why(answer)}")
    receipt: Json = answer.json()
    return receipt


def _why(answer: httpx.Response) -> str:
    """Of a problem, its sentences; of anything else, its text."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.text
    return str(problem.get("detail", answer.text)) if isinstance(problem, dict) else answer.text


def _refused(problem: Exception, status: int) -> typer.Exit:
    more = "\nTry 'leverboard study --help'." if status == 2 else ""
    print(f"leverboard: {excerpt(printable(str(problem)), LONGEST)}{more}", file=sys.stderr)
    return typer.Exit(status)
