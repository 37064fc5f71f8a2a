"""Which commands does `leverboard` have? Each is a module of this folder; the list below is all of them."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from service.kit.errors import ServiceError
from service.settings import SettingsError

COMMANDS = (
    "aa",
    "analyze",
    "demo",
    "export",
    "import",
    "keys",
    "lake",
    "migrate",
    "plan",
    "report",
    "serve",
    "study",
    "worker",
)


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """A module's `command` is a function, or a Typer where there are several below it."""
    app = typer.Typer(
        name="leverboard",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        callback=_about,
    )
    for name in names:
        command = import_module(f"service.cli.{name}").command
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _about() -> None:
    """Prove which customer outcomes grow the business."""


def main() -> None:
    """Run one command; what the user can mend is told in one line, without a traceback."""
    # Only the command that is asked for is loaded: the API process has no use for what the others import.
    asked = [name for name in COMMANDS if name in sys.argv[1:2]]
    try:
        application(asked or COMMANDS)()
    except (ServiceError, SettingsError) as error:
        print(f"leverboard: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SettingsError) else 1)
