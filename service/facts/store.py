"""Where do the lake's files lie, and how are they listed, read and removed: in a folder or in a bucket?

A folder's files are read in place. A bucket's are fetched whole before a query and kept in a bounded cache:
no file changes under its name, and DuckDB reads Parquet on disk several times faster than through a file
system in Python. Credentials come from the environment alone (AWS_ACCESS_KEY_ID and the like, or the
machine's role); deltalake reads them.
"""

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from pyarrow.fs import FileSelector, FileSystem, FileType, PyFileSystem

from service.facts.tables import FactKind
from service.settings import Settings

# Two writers of one version: the second is refused by the store itself. Said here, so that nothing in the
# environment can turn it off.
OPTIONS = {"aws_conditional_put": "etag", "aws_s3_allow_unsafe_rename": "false"}
_AT_ONCE = 8  # downloads
_PIECE = 4 * 1024 * 1024  # bytes
_UNFINISHED = ".unfinished-"
_LONGEST = 3600  # seconds that a file takes to be whole: what is older was left by somebody who was killed
ARROW = ".arrow"


class FilesGone(Exception):
    """Files that a snapshot names are no longer there."""

    def __init__(self, count: int, first: str) -> None:
        super().__init__(f"{count} files are gone, such as {first}")
        self.count, self.first = count, first


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One data file as it lies there."""

    size: int  # bytes
    written: datetime


def address(settings: Settings, kind: FactKind) -> str:
    """The table's place, as deltalake takes it."""
    if settings.lake_url is None:
        return str(settings.lake_dir / kind)
    return f"{settings.lake_url}/{kind}"


def options(settings: Settings) -> dict[str, str] | None:
    return None if settings.lake_url is None else OPTIONS


def data_files(settings: Settings, folder: str) -> dict[str, StoredFile]:
    """Every data file of a table or folder, named or not, by its path within the lake."""
    if settings.lake_url is None:
        return _in_folder(settings, folder)
    return _in_bucket(settings, settings.lake_url, folder)


def _in_folder(settings: Settings, folder: str) -> dict[str, StoredFile]:
    found: dict[str, StoredFile] = {}
    for path in (settings.lake_dir / folder).rglob("*"):
        name = path.relative_to(settings.lake_dir).as_posix()
        with suppress(FileNotFoundError):  # a vacuum was quicker
            if _is_data(name):
                status = path.stat()
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                found[name] = StoredFile(size=status.st_size, written=written)
    return found


def _in_bucket(settings: Settings, url: str, folder: str) -> dict[str, StoredFile]:
    listed = _bucket(settings, url).get_file_info(FileSelector(folder, recursive=True, allow_not_found=True))
    return {
        info.path: StoredFile(size=info.size, written=info.mtime)
        for info in listed
        if info.type == FileType.File and _is_data(info.path)
    }


def _is_data(name: str) -> bool:
    return name.endswith((".parquet", ARROW)) and "/_delta_log/" not in name


def _bucket(settings: Settings, url: str) -> FileSystem:
    from deltalake.fs import DeltaStorageHandler

    return PyFileSystem(DeltaStorageHandler(url, options(settings)))


def put(settings: Settings, name: str, data: bytes) -> None:
    """Add a file that is there whole or not at all, and outlives a loss of power."""
    if settings.lake_url is not None:
        _upload(_bucket(settings, settings.lake_url), name, data)
        return
    path = settings.lake_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    with NamedTemporaryFile(dir=path.parent, prefix=_UNFINISHED, delete_on_close=False) as whole:
        whole.write(data)
        whole.flush()
        os.fsync(whole.fileno())
        whole.close()
        Path(whole.name).replace(path)
    for folder in path.parents[: len(Path(name).parents) + 1]:  # up to the one that holds the lake
        fsync(folder)


def _upload(bucket: FileSystem, name: str, data: bytes) -> None:
    # In pieces that the stream has to buffer: only what it buffered reaches deltalake as the bytes it wants.
    stream = bucket.open_output_stream(name, buffer_size=2 * _PIECE)
    for start in range(0, len(data), _PIECE):
        stream.write(data[start : start + _PIECE])
    stream.close()  # not by leaving a block: what a failed write has sent so far must not become a file


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(FileNotFoundError):
            if not _being_written(path):
                path.unlink()


def fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(settings: Settings, files: Iterable[str]) -> None:
    """Delete data files, and copies of them in this machine's cache; those that are gone are gone."""
    bucket = None if settings.lake_url is None else _bucket(settings, settings.lake_url)
    for file in files:
        (settings.lake_cache_dir / file).unlink(missing_ok=True)
        if bucket is None:
            (settings.lake_dir / file).unlink(missing_ok=True)
        else:
            with suppress(FileNotFoundError):
                bucket.delete_file(file)


def readable(settings: Settings, files: Sequence[str], folder: Path) -> list[str]:
    """Paths on this machine that hold these files, as long as `folder` is there.

    Raises FilesGone if some were vacuumed, before any is read.
    """
    if settings.lake_url is None:
        paths = {file: settings.lake_dir / file for file in files}
        _see_to_all(file for file, path in paths.items() if not path.exists())
        return [str(path) for path in paths.values()]
    present: dict[str, StoredFile] = {}
    for top in {file.partition("/")[0] for file in files}:
        found = _in_bucket(settings, settings.lake_url, top)
        _forget(settings, top, found)
        present |= found
    _see_to_all(file for file in files if file not in present)
    fetched = _fetched(settings, settings.lake_url, files, folder)
    _bound(settings)
    return fetched


def base_of(settings: Settings, kind: FactKind, paths: Sequence[str]) -> str:
    """The table's folder that these readable paths lie in: what follows names their partitions."""
    if settings.lake_url is None:
        return str(settings.lake_dir / kind)
    return str(Path(paths[0]).parents[1])


def _see_to_all(gone: Iterable[str]) -> None:
    missing = list(gone)
    if missing:
        raise FilesGone(len(missing), missing[0])


def _fetched(settings: Settings, url: str, files: Sequence[str], folder: Path) -> list[str]:
    bucket = _bucket(settings, url)

    def fetch(file: str) -> str:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        while not path.exists():
            _cache(settings, bucket, file)
            with suppress(FileNotFoundError):  # another process made room in the cache
                os.link(settings.lake_cache_dir / file, path)  # readable however short the cache keeps it
        return str(path)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(fetch, files))


def _cache(settings: Settings, bucket: FileSystem, file: str) -> None:
    kept = settings.lake_cache_dir / file
    if kept.exists():
        os.utime(kept)  # the last to be forgotten
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            bucket.open_input_stream(file) as source,
            NamedTemporaryFile(dir=kept.parent, prefix=_UNFINISHED, delete_on_close=False) as copy,
        ):
            shutil.copyfileobj(source, copy, _PIECE)
            copy.close()
            Path(copy.name).replace(kept)
    except FileNotFoundError as error:
        raise FilesGone(1, file) from error


def _forget(settings: Settings, top: str, present: Mapping[str, StoredFile]) -> None:
    """Drop from this machine's cache what the lake no longer has, and what killed downloads left."""
    for path in (settings.lake_cache_dir / top).rglob("*"):
        name = path.relative_to(settings.lake_cache_dir).as_posix()
        with suppress(FileNotFoundError):
            if path.is_file() and name not in present and not _being_written(path):
                path.unlink()


def _being_written(path: Path) -> bool:
    return path.name.startswith(_UNFINISHED) and time.time() - path.stat().st_mtime < _LONGEST


def _bound(settings: Settings) -> None:
    """Forget what was unused the longest, beyond what the cache may hold."""
    left: list[tuple[float, int, Path]] = []
    for path in settings.lake_cache_dir.rglob("*"):
        with suppress(FileNotFoundError):
            status = path.stat()
            if _is_data(path.name):
                left.append((status.st_mtime, status.st_size, path))
    size = sum(one for _, one, _ in left)
    for _, one, path in sorted(left):
        if size <= settings.lake_cache:
            return
        path.unlink(missing_ok=True)
        size -= one
