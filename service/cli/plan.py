"""`leverboard plan`: how many units and days does an answer take? Without a server, from flags or a file."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ValidationError

from service.planning.schemas import EffectQuestion, SlopeQuestion
from service.planning.service import plan_effect, plan_slope

command = typer.Typer(no_args_is_help=True, help="Units, days and power of a study that has not begun.")


@command.command()
def effect(
    *,
    deviation: Annotated[float | None, typer.Option(help="standard deviation of a unit's value")] = None,
    rate: Annotated[float | None, typer.Option(help="share of units today, instead of a deviation")] = None,
    size: Annotated[float | None, typer.Option("--effect", help="effect to be shown")] = None,
    units: Annotated[int | None, typer.Option(help="units of all arms, if they are given")] = None,
    arms: Annotated[int, typer.Option(help="control included")] = 2,
    explained: Annotated[float, typer.Option(help="share of the variance known before exposure")] = 0.0,
    any_time: Annotated[bool, typer.Option(help="looked at as often as anybody likes")] = False,
) -> None:
    """One metric, an arm against control; prints JSON."""
    if (deviation is None) == (rate is None):
        raise typer.BadParameter("give one of --deviation and --rate")
    noise = {"kind": "mean", "deviation": deviation} if rate is None else {"kind": "rate", "rate": rate}
    asked = {
        "noise": noise,
        "effect": size,
        "units": units,
        "arms": arms,
        "explained": explained,
        "watching": "any_time" if any_time else "end",
    }
    _told(lambda: plan_effect(EffectQuestion.model_validate(asked)))


@command.command()
def slope(
    file: Annotated[Path, typer.Argument(help="the question as JSON; - is the input")],
) -> None:
    """A relationship between CPI and KPI, as POST /v1/planning/slope takes it; prints JSON."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(str(error)) from error
    _told(lambda: plan_slope(SlopeQuestion.model_validate_json(text)))


def _told(answer: Callable[[], BaseModel]) -> None:
    """What is wrong with the question is said in one line each."""
    try:
        found = answer()
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(map(str, one["loc"]))
            print(f"{where}: {one['msg']}" if where else one["msg"], file=sys.stderr)
        raise typer.Exit(2) from error
    print(found.model_dump_json(indent=2))
