"""From which process are the children forked? From one that has loaded, or compiled, what their work needs.

Loading EconML takes longer than most runs, compiling a sampler longer than sampling, and neither can be kept
on disk; a fork inherits both. So there is a forkserver for each kind of need. All runs and duties come from
the first, which starts with the worker. The others start when a run first needs them, fork a child for each,
which is killed like any other, and end when none has needed them for a while: then their memory returns.

Never preload deltalake or duckdb: their threads do not survive a fork.
"""

import io
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from multiprocessing import popen_forkserver, process, reduction, spawn, util
from multiprocessing.context import ForkServerProcess, set_spawning_popen
from multiprocessing.forkserver import ForkServer, read_signed
from threading import Lock, Thread

PRELOAD = (
    "analyses.verdict",
    "ibis",
    "ibis.backends.sql.compilers.duckdb",  # ibis' own SQL writer; it loads no duckdb
    "pyarrow.compute",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.special",
    "scipy.stats",
    "service.worker",
)
CAUSAL_PRELOAD = (
    "dowhy.causal_identifier.auto_identifier",
    "econml.dml",
    "econml.dr",
    "econml.iv.dr",
    "sklearn.dummy",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "statsmodels.api",
)
SAMPLERS_PRELOAD = ("analyses.posterior.warm",)  # importing it compiles


class Need(StrEnum):
    """What the work of a child wants to find in memory."""

    ORDINARY = "ordinary"
    CAUSAL = "causal"  # EconML, DoWhy, scikit-learn
    SAMPLERS = "samplers"  # PyMC's model, compiled


class Origin:
    """A process of which children are forked; it starts by itself with the first of them."""

    def __init__(self, need: Need, *preload: str) -> None:
        self.need = need
        self.server = ForkServer()
        self.server.set_forkserver_preload(list(preload))
        self._lock = Lock()
        self._starter: Thread | None = None
        self._children = 0
        self._used = time.monotonic()

    def warm_up(self) -> Thread:
        """Start it, if that has not been done; the thread ends when it has loaded what it is to load."""
        with self._lock:
            if self._starter is None:
                self._used = time.monotonic()
                self._starter = Thread(target=_start, args=(self,), name=f"origin {self.need}", daemon=True)
                self._starter.start()
            return self._starter

    def ready(self, patience: float) -> bool:
        """Whether a child could be forked at once, waiting so many seconds for it."""
        starter = self.warm_up()
        starter.join(patience)
        return not starter.is_alive()

    def child(self, target: Callable[..., None], args: tuple[object, ...], name: str) -> "_Process":
        """A process that is not started yet; whoever asked for it says when it is ``gone``."""
        with self._lock:
            self._children += 1
        return _Process(self.need, target, args, name)

    def gone(self) -> None:
        """One child less."""
        with self._lock:
            self._children -= 1
            self._used = time.monotonic()

    def end_unused(self, after: timedelta) -> None:
        """End the process, and return its memory, where no child has needed it for so long."""
        with self._lock:
            warming = self._starter is not None and self._starter.is_alive()
            unused = time.monotonic() - self._used >= after.total_seconds()
            if self.pid is not None and not warming and self._children == 0 and unused:
                self._starter = None
                self.server._stop()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way

    @property
    def pid(self) -> int | None:
        """Of the process, where it runs."""
        found: int | None = self.server._forkserver_pid  # type: ignore[attr-defined]  # noqa: SLF001
        return found


class _Popen(popen_forkserver.Popen):
    """As the standard library's, from a server of our own: its own can be only one in a process."""

    _fds: list[int]

    def _launch(self, process_obj: process.BaseProcess) -> None:
        if not isinstance(process_obj, _Process):
            raise TypeError(f"expected a process with an origin, got {type(process_obj).__name__}")
        prepared, buffer = spawn.get_preparation_data(process_obj.name), io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump(prepared, buffer)
            reduction.dump(process_obj, buffer)
        finally:
            set_spawning_popen(None)
        server = ORIGINS[process_obj.need].server
        self.sentinel, writer = server.connect_to_new_process(self._fds)
        ours = os.dup(writer)  # by its end the child learns that its parent has died
        self.finalizer = util.Finalize(self, _close, (ours, self.sentinel))
        with os.fdopen(writer, "wb") as file:
            file.write(buffer.getbuffer())
        self.pid = read_signed(self.sentinel)


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


class _Process(ForkServerProcess):
    """A child of one of our origins."""

    def __init__(self, need: Need, target: Callable[..., None], args: tuple[object, ...], name: str) -> None:
        super().__init__(target=target, args=args, name=name)
        self.need = need

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> _Popen:  # noqa: N802 - the hook's own name
        return _Popen(process_obj)


def _start(origin: Origin) -> None:
    """Its first child comes when all is loaded, and has nothing to do; if it dies, the next one tells."""
    starter = _Process(origin.need, _nothing, (), f"start of {origin.need}")
    with suppress(OSError, EOFError):
        starter.start()
        starter.join()
    starter.close()


def _nothing() -> None:
    return None


ORIGINS: Mapping[Need, Origin] = {
    Need.ORDINARY: Origin(Need.ORDINARY, *PRELOAD),
    Need.CAUSAL: Origin(Need.CAUSAL, *PRELOAD, *CAUSAL_PRELOAD),
    Need.SAMPLERS: Origin(Need.SAMPLERS, *PRELOAD, *SAMPLERS_PRELOAD),
}


def end_unused(after: timedelta, *, kept: Need | None = None) -> None:
    """End those that load more than any run needs, where it has been so long; ``kept`` stays."""
    for origin in ORIGINS.values():
        if origin.need not in (Need.ORDINARY, kept):
            origin.end_unused(after)
