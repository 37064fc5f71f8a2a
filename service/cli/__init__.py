"""Which commands does `leverboard` have? Each is a module of this folder; the list below is all of them."""

import sys

import typer

from service.cli import analyze, keys, migrate, serve, worker
from service.kit.errors import ServiceError
from service.settings import SettingsError

app = typer.Typer(
    name="leverboard", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.command("analyze")(analyze.command)
app.command("serve")(serve.command)
app.command("worker")(worker.command)
app.command("migrate")(migrate.command)
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run one command; what the user can mend is told in one line, without a traceback."""
    try:
        app()
    except (ServiceError, SettingsError) as error:
        print(f"leverboard: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SettingsError) else 1)
