"""`leverboard analyze`: does the CPI move the KPI in this one file? No server, nothing kept."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from service.cli.onefile import options
from service.cli.onefile.analysis import analyse_units
from service.cli.onefile.answer import Answer, document
from service.cli.onefile.contrasts import analyse_contrasts
from service.cli.onefile.plan import Columns, Hypothesis, UsageProblem, margins, mechanisms, priors, shares
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.render import render
from service.cli.onefile.words import printable
from service.hypotheses.schemas import Direction
from service.kit.errors import excerpt
from service.metrics.customer import Better

LONGEST = 600  # characters of a message: it names what was submitted, however long that is


def command(  # noqa: PLR0917  # typer reads flags off the parameters
    file: Annotated[
        Path | None, typer.Argument(help="CSV or Parquet, one row per unit.", show_default=False)
    ] = None,
    contrasts: Annotated[
        Path | None,
        typer.Option(
            help="Instead of FILE: one row per arm, with columns experiment, arm, mechanism, cpi_effect, "
            "kpi_effect, var_cpi, cov, var_kpi and, where arms share a control, control_var_cpi, "
            "control_cov, control_var_kpi."
        ),
    ] = None,
    arm: Annotated[str | None, options.ARM] = None,
    control: Annotated[str | None, options.CONTROL] = None,
    cpi: Annotated[str | None, options.CPI] = None,
    kpi: Annotated[str | None, options.KPI] = None,
    covariate: Annotated[list[str] | None, options.COVARIATE] = None,
    experiment: Annotated[str | None, options.EXPERIMENT] = None,
    unit: Annotated[str | None, options.UNIT] = None,
    cluster: Annotated[str | None, options.CLUSTER] = None,
    weight: Annotated[list[str] | None, options.WEIGHT] = None,
    mechanism: Annotated[list[str] | None, options.MECHANISM] = None,
    placebo: Annotated[list[str] | None, options.PLACEBO] = None,
    rival: Annotated[list[str] | None, options.RIVAL] = None,
    margin: Annotated[list[str] | None, options.MARGIN] = None,
    prior: Annotated[list[str] | None, options.PRIOR] = None,
    better: Annotated[Better, typer.Option(help="Which CPI customers prefer.")] = Better.HIGHER,
    increment: Annotated[
        float, typer.Option(metavar="X", help="Step of the CPI that customers value.")
    ] = 1.0,
    direction: Annotated[
        Direction, typer.Option(help="What the KPI should do as the CPI improves.")
    ] = Direction.INCREASE,
    smallest_slope: Annotated[
        float | None,
        typer.Option(metavar="D", help="Smallest change of the KPI per increment that is worth acting on."),
    ] = None,
    direct_effect_bound: Annotated[
        float | None,
        typer.Option(metavar="G", help="Most that an arm may change the KPI past the CPI; default: unknown."),
    ] = None,
    alpha: Annotated[
        float, typer.Option(metavar="A", help="1 - alpha is the level of every interval.")
    ] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Tell what the arms of FILE did to CPI and KPI, and whether the CPI moves the KPI.

    Exits with 0 when answered, whatever the verdict; 1 when the data cannot be analysed; 2 on wrong usage.
    """
    try:
        hypothesis = Hypothesis(
            better=better,
            increment=increment,
            direction=direction,
            smallest_slope=smallest_slope,
            direct_effect_bound=direct_effect_bound,
            alpha=alpha,
            placebos=tuple(placebo or ()),
            margins=margins(margin or ()),
            priors=priors(prior or ()),
        )
        of_units = _OfUnits(
            required={"--arm": arm, "--control": control, "--cpi": cpi, "--kpi": kpi},
            single={"--experiment": experiment, "--unit": unit, "--cluster": cluster},
            many={"--covariate": covariate, "--weight": weight, "--mechanism": mechanism, "--rival": rival},
        )
        answer = _answered(file, contrasts, of_units, hypothesis)
    except UsageProblem as problem:
        raise _refused(problem, 2) from problem
    except FileProblem as problem:
        raise _refused(problem, 1) from problem
    if as_json:
        print(json.dumps(document(answer), allow_nan=False, ensure_ascii=False))
    else:
        render(answer, Console(markup=False, highlight=False, emoji=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfUnits:
    """The flags that only a file of units can be read with."""

    required: Mapping[str, str | None]
    single: Mapping[str, str | None]
    many: Mapping[str, Sequence[str] | None]

    @property
    def columns(self) -> Columns:
        """What they say of the file."""
        return Columns(
            **_all_given(self.required),
            covariates=tuple(self.many["--covariate"] or ()),
            rivals=tuple(self.many["--rival"] or ()),
            experiment=self.single["--experiment"],
            unit=self.single["--unit"],
            cluster=self.single["--cluster"],
            shares=shares(self.many["--weight"] or ()),
            mechanisms=mechanisms(self.many["--mechanism"] or ()),
        )


def _answered(
    file: Path | None, contrasts: Path | None, of_units: _OfUnits, hypothesis: Hypothesis
) -> Answer:
    """From one of the two kinds of file."""
    if contrasts is None:
        return analyse_units(_given(file), of_units.columns, hypothesis)
    given = {**of_units.required, **of_units.single, **of_units.many}
    _expect_none(file, {**given, "--margin": hypothesis.margins, "--prior": hypothesis.priors})
    return analyse_contrasts(contrasts, hypothesis)


def _refused(problem: Exception, status: int) -> typer.Exit:
    more = "\nTry 'leverboard analyze --help'." if status == 2 else ""
    print(f"leverboard: {excerpt(printable(str(problem)), LONGEST)}{more}", file=sys.stderr)
    return typer.Exit(status)


def _given(file: Path | None) -> Path:
    if file is None:
        raise UsageProblem("expected a FILE of units, or --contrasts with a file of contrasts")
    return file


def _all_given(required: Mapping[str, str | None]) -> dict[str, str]:
    missing = [flag for flag, value in required.items() if not value]
    if missing:
        raise UsageProblem(f"{', '.join(missing)} must be given: which columns and which arm to compare with")
    return {flag.removeprefix("--"): value for flag, value in required.items() if value}


def _expect_none(file: Path | None, of_units: Mapping[str, object]) -> None:
    stray = [flag for flag, value in of_units.items() if value]
    if file is not None:
        raise UsageProblem("expected either FILE or --contrasts, got both")
    if stray:
        raise UsageProblem(f"only a file of units can be read with {', '.join(stray)}, not --contrasts")
