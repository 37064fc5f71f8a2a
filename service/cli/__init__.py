"""Which commands does `leverboard` have? Each is a module of this folder; the list below is all of them."""

import typer

from service.cli import serve

app = typer.Typer(
    name="leverboard", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.command("serve")(serve.serve)
# Further commands (analyze, demo, worker) are added here, one line each.


def main() -> None:
    app()
