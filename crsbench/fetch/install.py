"""From pinned sources to files in the data folder: what is there already, what is missing, and getting it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crsbench.errors import DataError, UsageError
from crsbench.fetch.pins import Pinned, PinnedFile, blob_id
from crsbench.fetch.transfer import Report, download
from crsbench.fetch.unpack import stale, unpack

PUBLIC = "https://raw.githubusercontent.com"
LOCK = ".crsbench-get.lock"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file that a dataset needs, and where it belongs."""

    source: Pinned
    file: PinnedFile
    target: Path

    @property
    def part(self) -> Path:
        """What has arrived so far. Its name carries the blob id: another pin begins anew."""
        return self.target.with_name(f".{self.target.name}.{self.file.blob[:12]}.part")

    def complete(self) -> bool:
        """Whether the file, and what is unpacked from it, is there as pinned. Raises DataError."""
        if not (self.target.is_file() and blob_id(self.target) == self.file.blob):
            return False
        return not self.file.members or not stale(self.target, self.file.members, self.target.parent)


def wanted(sources: Iterable[Pinned], data_dir: Path) -> list[Wanted]:
    """Every file of the sources."""
    return [Wanted(source, file, source.place(data_dir, file)) for source in sources for file in source.files]


def install(one: Wanted, base: str, replace: bool, report: Report) -> None:
    """Download, verify and unpack one file; nothing is at its place before it is complete and verified.

    A file that is there and is another one is kept, with a UsageError, unless `replace`. Raises DataError
    where the server does not give the pinned content.
    """
    target, file = one.target, one.file
    with _writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and blob_id(target) == file.blob):
            _keep([target], replace)
            _verified(one, one.source.url(base, file), report)
            os.replace(one.part, target)
        if file.members:
            old = stale(target, file.members, target.parent)
            _keep(old, replace)
            if old:
                unpack(target, file.members, target.parent)


def _verified(one: Wanted, url: str, report: Report) -> None:
    """Bring `one.part` to the pinned content. A part that an earlier call left may be what is wrong: it gets
    a second chance from the first byte on."""
    resumed = one.part.exists()
    while True:
        download(url, one.part, one.file.size, report)
        found = blob_id(one.part)
        if found == one.file.blob:
            break
        one.part.unlink()
        if not resumed:
            raise DataError(
                f"{url}: the content is not the pinned one (git blob {found}, expected {one.file.blob})",
                "nothing was kept of it",
            )
        resumed = False
    with one.part.open("rb+") as file:
        os.fsync(file.fileno())


def _keep(paths: Iterable[Path], replace: bool) -> None:
    for path in paths:
        if path.exists() and not replace:
            raise UsageError(
                f"{path} is there and is not the pinned file",
                "move it away, or overwrite it with --replace",
            )


@contextmanager
def _writing(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror or error}") from error


@contextmanager
def alone(data_dir: Path) -> Generator[None]:
    """Keep a second download out of the same folder. Raises UsageError where one is at work."""
    import filelock

    with _writing(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(data_dir / LOCK, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise UsageError(f"a download into {data_dir} is at work", "wait until it is done") from error
    try:
        yield
    finally:
        lock.release()
