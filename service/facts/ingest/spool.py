"""Where does a body wait while it is read, so that memory stays bounded? Mostly in a nameless file."""

import hashlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

import pyarrow as pa

IN_MEMORY = 256 * 1024  # bytes of a body that need no file
PIECE = 1024 * 1024  # bytes that are moved at once


class Spool:
    """Bytes that are written once and read several times. The file has no name: it ends with the process."""

    def __init__(self, folder: Path, in_memory: int = IN_MEMORY) -> None:
        self._folder = folder
        self._in_memory = in_memory
        self._pieces = bytearray()
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    def over(cls, path: Path) -> Self:
        """A file that lies there already; it is only read."""
        spool = cls(path.parent)
        spool._file = path.open("rb")
        spool.size = path.stat().st_size
        return spool

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self._file is None and self.size > self._in_memory:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed with the spool
            self._file.write(self._pieces)
            self._pieces.clear()
        if self._file is None:
            self._pieces += data
        else:
            self._file.write(data)

    def pieces(self, start: int = 0, size: int = PIECE) -> Iterator[bytes]:
        """What was written, from the start, a piece at a time."""
        while piece := self.read(start, size):
            start += len(piece)
            yield piece

    def read(self, start: int, size: int) -> bytes:
        if self._file is None:
            return bytes(self._pieces[start : start + size])
        self._file.seek(start)
        return self._file.read(size)

    def whole(self) -> bytes:
        return self.read(0, self.size)

    def buffer(self) -> pa.Buffer:
        """All of it for Arrow, without a copy: what lies in the file is mapped."""
        if self._file is None:
            return pa.py_buffer(bytes(self._pieces))
        self._file.flush()
        if self._map is None:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.py_buffer(self._map)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def close(self) -> None:
        """The map goes when the last of Arrow's views does."""
        if self._file is not None:
            self._file.close()
