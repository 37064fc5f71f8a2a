"""How is one run or duty computed in a process of its own, that can be killed at any moment?"""

import faulthandler
import os
import signal
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.process import parent_process
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from service.kit.database import Database
from service.runs.origins import ORIGINS, Need
from service.runs.task import Failure, Outcome, Performed, ReportStage, Unanswerable
from service.settings import Settings

LONGEST_MESSAGE = 2_000
LONGEST_TRACE = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far the child has come."""

    name: str
    progress: float


type Answer = Outcome | Performed
type Message = Stage | Answer | Failure
type Work[Given] = Callable[[Settings, Database, Given, ReportStage], Answer]


def run_child[Given](
    pipe: Connection, log: Path, compute: Work[Given], settings: Settings, given: Given
) -> None:
    """Compute in the child and answer through the pipe; the only place where a run's code runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides
    Thread(target=_die_with_parent, daemon=True).start()
    _send_output_to(log)
    try:
        database = Database.open(settings.url)
        answer: Message = compute(
            settings, database, given, lambda name, progress: pipe.send(Stage(name=name, progress=progress))
        )
    except Exception as error:  # noqa: BLE001 - whatever went wrong is the run's answer
        answer = _failure(error)
    pipe.send(answer)
    pipe.close()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _send_output_to(log: Path) -> None:
    """Libraries that print must reach neither the terminal nor the service's structured log."""
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    log.unlink()  # the parent holds it open; even one that is killed leaves no file behind
    faulthandler.enable(file=2)


def _failure(error: Exception) -> Failure:
    return Failure(
        type=type(error).__name__,
        message=str(error)[:LONGEST_MESSAGE],
        trace="".join(traceback.format_exception(error))[-LONGEST_TRACE:],
        final=isinstance(error, Unanswerable),
    )


class Child:
    """One computing process, seen from its parent; leaving the ``with`` block kills it."""

    def __init__[Given](
        self,
        compute: Work[Given],
        settings: Settings,
        given: Given,
        *,
        name: str,
        need: Need = Need.ORDINARY,
    ) -> None:
        self._origin = ORIGINS[need]
        self._log = tempfile.NamedTemporaryFile(prefix="leverboard-run-", delete=False)  # noqa: SIM115
        self._pipe, theirs = Pipe(duplex=False)
        self._process = self._origin.child(
            run_child, (theirs, Path(self._log.name), compute, settings, given), name
        )
        try:
            self._process.start()
        except BaseException:
            self._close()
            raise
        finally:
            theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self._close()

    def _close(self) -> None:
        self._origin.gone()
        self._pipe.close()
        self._log.close()
        Path(self._log.name).unlink(missing_ok=True)

    def message(self, patience: float) -> Message | None:
        """The next message, waiting at most ``patience`` seconds; a child that died is a failure."""
        if not self._pipe.poll(patience):
            return None
        try:
            received: Message = self._pipe.recv()
        except (OSError, EOFError):  # it died before a message, or in the middle of one
            return self._death()
        return received

    def _death(self) -> Failure:
        self._process.join()
        code = self._process.exitcode or 0
        said = self._log.read().decode(errors="replace")[-LONGEST_TRACE:]
        return Failure(type="child_died", message=f"The computing process {_how(code)}.", trace=said or None)


def _how(code: int) -> str:
    if code >= 0:
        return f"stopped without an answer, exit status {code}"
    return f"was killed by signal {signal.Signals(-code).name}"
