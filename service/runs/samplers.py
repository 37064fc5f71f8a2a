"""From which process are the children forked that sample? From one that has compiled their samplers.

Compiling a sampler takes longer than sampling, cannot be kept on disk, and is inherited by a fork. So there
is a second forkserver beside the one of all other runs: it starts when it is first needed, compiles, and then
forks a child for each run, which is killed like any other.
"""

import io
import os
from multiprocessing import popen_forkserver, process, reduction, spawn, util
from multiprocessing.context import ForkServerContext, ForkServerProcess, set_spawning_popen
from multiprocessing.forkserver import ForkServer, read_signed
from threading import Thread

from service.runs.child import PRELOAD

COMPILING = "analyses.posterior.warm"  # importing it compiles
SERVER = ForkServer()
SERVER.set_forkserver_preload([*PRELOAD, COMPILING])


class _Popen(popen_forkserver.Popen):
    """As the standard library's, from a server of our own: its own can be only one in a process."""

    _fds: list[int]

    def _launch(self, process_obj: process.BaseProcess) -> None:
        prepared, buffer = spawn.get_preparation_data(process_obj.name), io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump(prepared, buffer)
            reduction.dump(process_obj, buffer)
        finally:
            set_spawning_popen(None)
        self.sentinel, writer = SERVER.connect_to_new_process(self._fds)
        ours = os.dup(writer)  # by its end the child learns that its parent has died
        self.finalizer = util.Finalize(self, _close, (ours, self.sentinel))
        with os.fdopen(writer, "wb") as file:
            file.write(buffer.getbuffer())
        self.pid = read_signed(self.sentinel)


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


class _Process(ForkServerProcess):
    """A child of the process that has compiled."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> _Popen:  # noqa: N802 - the hook's own name
        return _Popen(process_obj)


class _Context(ForkServerContext):
    """Processes and pipes, from that server."""

    Process = _Process


SAMPLERS = _Context()


def compile_ahead() -> None:
    """Start it now and do not wait: nothing else of the worker needs it."""
    Thread(target=_start, name="samplers", daemon=True).start()


def _start() -> None:
    starter = SAMPLERS.Process(target=_nothing)
    starter.start()
    starter.join()
    starter.close()


def _nothing() -> None:
    return None
