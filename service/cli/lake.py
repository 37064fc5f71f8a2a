"""`leverboard lake`: what is in the lake, is it all there, and what keeps it in order?"""

import json
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich import box
from rich.console import Console
from rich.table import Table

from service import facts
from service.cli.store import opened
from service.facts.inbox import forget
from service.facts.lake import tombstones
from service.facts.lake.compaction import compact
from service.facts.lake.condition import Condition, condition
from service.facts.lake.erasure import erase
from service.facts.lake.retiring import retire
from service.facts.lake.vacuum import vacuum
from service.facts.lake.verification import Proof, TableProof, verify
from service.facts.tables import FactKind
from service.settings import Settings

command = typer.Typer(no_args_is_help=True, help="Look after the tables that facts are kept in.")
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@command.command("status")
def status(as_json: AsJson = False) -> None:
    """What waits to be folded, who is at work, and how many files hold how many rows."""
    settings = Settings.from_environment()
    with opened(settings) as database:
        found = condition(settings, database)
    if as_json:
        print(json.dumps(TypeAdapter(Condition).dump_python(found, mode="json")))
    else:
        _show_status(found, Console())


def _show_status(found: Condition, console: Console) -> None:
    waiting = found.inbox
    since = (
        "" if waiting.oldest_for is None else f", the oldest for {waiting.oldest_for.total_seconds():,.0f} s"
    )
    console.print(f"Inbox: {waiting.rows:,} rows in {waiting.batches:,} batches wait{since}.")
    if found.at_work is not None:
        until = found.at_work.lease_until.isoformat(timespec="seconds")
        console.print(f"At work: {found.at_work.work} {found.at_work.number}, lease until {until}.")
    names = ("files", "parts", "most", "bytes", "replaced", "spent")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("table", "version", "rows", *names):  # folded where there is no room: half a number is none
        told = name == "table"
        table.add_column(name, overflow="fold", no_wrap=told, justify="left" if told else "right")
    for one in found.tables:
        numbers = (one.files, one.partitions, one.most_files, one.size, one.superseded_size, one.spent)
        rows = "unknown" if one.rows is None else f"{one.rows:,}"
        table.add_row(one.kind, str(one.version), rows, *(f"{number:,}" for number in numbers))
    console.print(table)
    console.print(
        "most: files of one part; replaced: bytes that wait for vacuum; spent: ids of rows that are gone."
    )


@command.command("fold")
def fold(as_json: AsJson = False) -> None:
    """Carry every acknowledged batch into the lake now."""
    settings = Settings.from_environment()
    with opened(settings) as database:
        before = condition(settings, database).inbox
        snapshot = facts.fold(settings, database)
    told = {"batches": before.batches, "rows": before.rows, "fold": snapshot.fold}
    done = f"{before.rows:,} rows of {before.batches:,} batches are in the lake (fold {snapshot.fold})."
    print(json.dumps(told) if as_json else done)


@command.command("compact")
def compaction(as_json: AsJson = False) -> None:
    """Remove erased units, then write every part that lies in too many files again, sorted, as few."""
    settings = Settings.from_environment()
    with opened(settings) as database:
        erased = erase(settings, database)
        parts = compact(settings, database)
    files, rows = sum(len(part.files) for part in parts), sum(part.rows for part in parts)
    told = {"parts": len(parts), "files": files, "rows": rows, "erased": erased.units}
    done = f"{len(parts):,} parts were rewritten: {rows:,} rows that lay in {files:,} files."
    if erased.units:
        done = f"{erased.units:,} erased units were removed. {done}"
    print(json.dumps(told) if as_json else done)


@command.command("linked")
def linked(unit: str, as_json: AsJson = False) -> None:
    """How many other ids would be erased with this unit, since links lead to them."""
    settings = Settings.from_environment()
    with opened(settings) as database:
        files = facts.fold(settings, database).files(FactKind.IDENTITIES)
        asked = tombstones.digest(unit)
        others = len(tombstones.linked_to(settings, files, [asked])[asked]) - 1
    done = f"{others:,} ids are linked to it, and would be erased with it."
    print(json.dumps({"linked": others}) if as_json else done)


@command.command("vacuum")
def vacuuming(as_json: AsJson = False) -> None:
    """Delete what its time is over for.

    Facts older than LEVERBOARD_OUTCOMES_KEPT and its like, files that were replaced longer ago than
    LEVERBOARD_SNAPSHOTS_KEPT, and the inbox's copies of rows folded longer ago than LEVERBOARD_INBOX_KEPT.
    """
    settings = Settings.from_environment()
    with opened(settings) as database:
        retired = retire(settings, database)
        gone, batches = vacuum(settings, database), forget(settings, database)
    told = {"files": gone.files, "bytes": gone.size, "batches": batches, "retired": retired.rows}
    done = f"{gone.files:,} files of {gone.size:,} bytes were deleted; the inbox forgot {batches:,} batches."
    if retired.rows:
        done = f"{retired.rows:,} rows were out of date. {done}"
    print(json.dumps(told) if as_json else done)


@command.command("verify")
def verification(as_json: AsJson = False) -> None:
    """Prove that inbox and lake hold what was acknowledged, once each; exits with 1 where they do not."""
    settings = Settings.from_environment()
    with opened(settings) as database:
        proof = verify(settings, database)
    if as_json:
        told = TypeAdapter(Proof).dump_python(proof, mode="json")
        print(json.dumps({**told, "differences": proof.differences}))
    else:
        for line in (*map(_proved, proof.tables), *proof.differences):
            print(line)
    if proof.differences:
        raise typer.Exit(1)


def _proved(table: TableProof) -> str:
    return (
        f"{table.kind}: {table.acknowledged:,} rows acknowledged, {table.pending:,} wait in the inbox; "
        f"{table.compared:,} folded rows were compared by id ({table.distinct:,} different), "
        f"{table.counted:,} by number; the lake has {table.in_lake:,}."
    )
