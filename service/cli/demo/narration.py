"""How is the demo told? One line for each call, a word on why it matters, and the verdict in a frame."""

import re
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.status import Status
from rich.table import Table
from rich.text import Text

from service.cli.demo.answers import Check, Lever, Problem, Slope, Verdict

WIDEST = 110
_TOLD_IN_FULL = 2
_COLOURS = {"confirmed": "green", "rejected": "red", "inconclusive": "yellow", "untested": "dim"}
_ID = re.compile(r"\b([a-z]{3})_[0-9a-z]{22}([0-9a-z]{4})\b")
_LABELS = {
    "strong": "strong",
    "on_assumption": "on an assumption",
    "size_differs": "the size differs",
    "segment_dependent": "depends on the segment",
    "mechanisms_agree": "the mechanisms agree",
    "supported": "supported, not proven",
    "not_supported": "not supported, not refuted",
}


class Voice:
    """Speaks to one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.console.width = min(console.width, WIDEST)
        self._chapters = 0

    def title(self, address: str) -> None:
        self.console.print()
        self.console.print(Rule("[bold]Leverboard[/]", style="blue"))
        self.say(
            "Which customer outcomes grow the business? A team registers an outcome that customers value "
            "(CPI), a business result (KPI), and the hypothesis that one moves the other; randomised "
            "experiments then confirm it, reject it, or leave it open."
        )
        self.note(f"Everything below goes over HTTP to {address}, with a fresh key and an empty database.")
        self.note("Time runs fast: an experiment takes less than a second, and every window is half of one.")

    def chapter(self, title: str, *, simulated: bool | None) -> None:
        self._chapters += 1
        kind = {True: "[yellow]simulated, truth known[/]", False: "[green]real data[/]", None: ""}[simulated]
        told = f"[bold]{self._chapters}  {title}[/]" + (f"  {kind}" if kind else "")
        self.console.print()
        self.console.print(Rule(told, align="left", style="blue"))

    def say(self, text: str) -> None:
        self.console.print(Padding(Text(text), (0, 0, 1, 0)))

    def call(self, method: str, path: str, status: int, answer: str) -> None:
        """What was asked, and what came back."""
        line = Table.grid(padding=(0, 1))
        line.add_column(width=6, style="cyan")
        line.add_column(width=31, style="cyan", no_wrap=True, overflow="ellipsis")
        line.add_column(width=3, style="green" if status < 400 else "yellow")
        line.add_column(ratio=1)
        line.add_row(method, Text(shortened(path.removeprefix("/v1"))), str(status), Text(answer))
        self.console.print(line)

    def note(self, text: str) -> None:
        """Why it matters."""
        self.console.print(Padding(Text(shortened(text), style="dim italic"), (0, 0, 0, 7)))

    def pasted(self, command: str) -> None:
        """A command in one piece, however long."""
        self.console.print(Text(command, style="cyan"), soft_wrap=True)

    def waiting(self, text: str) -> Status:
        return self.console.status(text, spinner="dots")

    def refusal(self, problem: Problem) -> None:
        """The rules that were broken and how to satisfy them: the first ones in full, the others by name."""
        rows = Table.grid(padding=(0, 1))
        rows.add_column(style="yellow", no_wrap=True)
        rows.add_column(ratio=1)
        for error in problem.errors[:_TOLD_IN_FULL]:
            rows.add_row("rule", Text(error.rule or ""))
            rows.add_row("why", Text(error.message))
            rows.add_row("how", Text(error.how or "", style="bold"))
        if others := dict.fromkeys(error.rule or "" for error in problem.errors[_TOLD_IN_FULL:]):
            rows.add_row("and", Text(", ".join(others)))
        self._framed(rows, f"refused: {problem.title}", "yellow")

    def checks(self, found: Sequence[Check]) -> None:
        """Only what failed; silence means that all passed."""
        failed = [check for check in found if check.passed is False]
        passed = sum(check.passed is True for check in found)
        self.note(f"{_many(passed, 'check')} passed" + ("" if failed else ", none failed"))
        for check in failed:
            self.note(f"{check.name} failed: {check.detail}")

    def verdict(self, found: Verdict, moral: str | None) -> None:
        label = f", {_LABELS.get(found.label, found.label)}" if found.label else ""
        rows = Table.grid(padding=(0, 1))
        rows.add_column(ratio=1)
        rows.add_row(Text(found.sentence))
        if found.reasons:
            rows.add_row(Text("reasons: " + ", ".join(reason.code for reason in found.reasons), style="dim"))
        if moral:
            rows.add_row(Text(moral, style="italic"))
        self._framed(rows, f"{found.state}{label}", _COLOURS.get(found.state, "white"))

    def _framed(self, body: Table, title: str, colour: str) -> None:
        panel = Panel(
            body, title=f"[bold {colour}]{title}[/]", title_align="left", border_style=colour, box=box.ROUNDED
        )
        self.console.print(panel)

    def levers(self, found: Sequence[Lever]) -> None:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        for name, width in (
            ("CPI → KPI", None),
            ("verdict", 13),
            ("slope, interval", 18),
            ("evidence, owner", 15),
        ):
            table.add_column(name, width=width)
        for lever in found:
            table.add_row(*_row(lever))
        self.console.print(table)


def _row(lever: Lever) -> tuple[Text | str, ...]:
    state = Text(lever.state, style=f"bold {_COLOURS.get(lever.state, 'white')}")
    both = Text.assemble((lever.cpi.name, "bold"), f"\n→ {lever.kpi.name}")
    if lever.provisional:
        both.append("\nprovisional CPI", style="dim italic")
    if lever.verdict is None:
        return both, state, "", lever.owner
    if lever.verdict.label:
        state.append(f"\n{_LABELS.get(lever.verdict.label, lever.verdict.label)}", style="not bold dim")
    told = Text(slope(lever.verdict.slope)).append(f"\nfor {lever.increment}", style="dim")
    behind = (
        f"{_many(lever.verdict.experiments, 'experiment')}\n{_many(lever.verdict.mechanisms, 'mechanism')}"
    )
    return both, state, told, f"{behind}\n{lever.owner}"


def _many(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def slope(found: Slope) -> str:
    """An estimate and its interval; an open end is an infinite one."""
    if found.interval is None:
        return "not estimable"
    low, high = found.interval
    lower, upper = "-∞" if low is None else f"{low:+.2g}", "∞" if high is None else f"{high:+.2g}"
    middle = "" if found.estimate is None else f"{found.estimate:+.3g}\n"
    return f"{middle}[{lower}, {upper}]"


def shortened(text: str) -> str:
    """Ids by their last letters: the whole of one fills half a line."""
    return _ID.sub(r"\1_…\2", text)
