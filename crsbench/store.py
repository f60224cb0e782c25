"""What is kept on disk: stages and atomic files.

Everything is named by a digest of what it was made from. A stage is built in a folder of its own under a
lock and moved into place whole, so that no one ever meets half of one: neither after Ctrl-C or a power cut,
nor in a second process that asks for the same stage and waits for the first.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout

from crsbench.errors import UsageError
from crsbench.identity import identity
from crsbench.team import ALONE, Team

_BUILDING = ".building"  # the suffix of a stage's folder until it is finished
_CHECKPOINTS = ".checkpoints"  # of the folder that outlives an interruption of its building


def write_text(path: Path, text: str) -> None:
    """Write a file as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, and survives a power cut."""
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: object) -> None:
    """Write one JSON value, indented, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, rows: Iterable[object]) -> None:
    """Write one JSON value a line, atomically."""
    text = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    write_text(path, "".join(text))


def append_line(path: Path, row: object) -> None:
    """Add one JSON line in a single write, so that two processes do not mix theirs."""
    with _writing(path), path.open("ab", buffering=0) as file:
        file.write((json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode())


def remove(folder: Path) -> None:
    """Delete a folder, read-only files and all."""
    if not folder.exists():
        return
    with _writing(folder):
        for path in folder.rglob("*"):
            # elsewhere a file's own mode does not keep it, and may be shared with another name of it
            if (path.is_dir() or os.name == "nt") and not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
        shutil.rmtree(folder)


def make_folder(folder: Path) -> None:
    """Make a folder that may be there already."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def link(source: Path, target: Path) -> None:
    """Give a finished folder a second name, file by file; copy where the file system cannot."""

    def one(path: str, other: str) -> None:
        try:
            os.link(path, other)
        except OSError:
            shutil.copy2(path, other)

    with _writing(target):
        shutil.copytree(source, target, copy_function=one)


@dataclass(frozen=True, slots=True)
class Stage:
    """A finished stage: `path` is the folder with what was built, `seconds` what building took."""

    name: str
    id: str
    path: Path
    seconds: float
    steps: int
    reused: bool

    @property
    def curves(self) -> Path:
        """One line a reported training step; the file is absent where there were none."""
        return self.path.parent / "curves.jsonl"


def checkpoints(folder: Path) -> Path:
    """Where the stage in `folder`, built or being built, keeps what lets its building go on."""
    return folder.with_suffix(_CHECKPOINTS)


def stage_id(name: str, inputs: Mapping[str, object]) -> str:
    """The identity of a stage."""
    return identity({"stage": name, **inputs})


class Store:
    """An output folder: runs in OUT/<id>, stages in OUT/stages/<id>, what is known of both in OUT/.memo.

    Raises UsageError where the folder cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out.absolute()
        self.stages = self.out / "stages"
        self._locks = self.out / ".locks"
        with _writing(self.out):
            for folder in (self.stages, self._locks):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.out):
                pass
        self._sweep()

    def run(self, run_id: str) -> Path:
        """The folder of a run."""
        return self.out / run_id

    @contextlib.contextmanager
    def lock(self, name: str, waiting: Callable[[str], None] | None = None) -> Generator[None]:
        """Hold the lock of a run or stage; `waiting` is told, once, that another process has it."""
        lock = FileLock(self._locks / f"{name}.lock")
        with _writing(self._locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if waiting is not None:
                    waiting(f"another process is at {name}; waiting for it")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def stage(
        self,
        name: str,
        inputs: Mapping[str, object],
        build: Callable[[Path], int],
        replace: bool = False,
        waiting: Callable[[str], None] | None = None,
        team: Team = ALONE,
        together: bool = False,
    ) -> Stage:
        """The stage made from `inputs` (JSON), built if it is not there or is to be replaced.

        `build` gets the stage's folder, puts what it makes into the folder `files` in it and returns the
        number of training steps. Files are read-only once the stage is finished. Whatever stands in
        `checkpoints(folder)` outlives a failure or an interruption, and is gone with the finished stage.

        The main process of the `team` makes it, and the others wait; with `together` they build, too, each in
        a folder that is thrown away.
        """
        named = stage_id(name, inputs)
        folder = self.stages / named
        with self.lock(named, waiting) if team.main else contextlib.nullcontext():
            missing = replace or not (folder / "stage.json").exists()
            if together:
                missing = team.tell(missing)
            if missing and team.main:
                if replace:
                    remove(checkpoints(folder))
                self._build(folder, {"name": name, "id": named}, inputs, build)
            elif missing and together:
                with self._scratch(folder, team.rank) as scratch:
                    build(scratch)
            reused = not team.tell(missing)
            facts = cast(dict[str, Any], json.loads((folder / "stage.json").read_text("utf-8")))
        return Stage(name, named, folder / "files", facts["seconds"], facts["steps"], reused)

    @contextlib.contextmanager
    def _scratch(self, folder: Path, rank: int) -> Generator[Path]:
        """Where a process that follows builds: `checkpoints` of it are those of the stage."""
        scratch = folder.with_suffix(f"{_BUILDING}{rank}")
        remove(scratch)
        try:
            make_folder(scratch / "files")
            yield scratch
        finally:
            remove(scratch)

    def _build(
        self,
        folder: Path,
        named: Mapping[str, object],
        inputs: Mapping[str, object],
        build: Callable[[Path], int],
    ) -> None:
        building = folder.with_suffix(_BUILDING)
        remove(building)  # of a process that was killed: a living one would hold the lock
        try:
            with _writing(building):
                (building / "files").mkdir(parents=True)
            started = time.monotonic()
            steps = build(building)
            facts = {**named, "seconds": round(time.monotonic() - started, 3), "steps": steps}
            _seal(building)
            write_json(building / "stage.json", {"schema": 1, **facts, "inputs": inputs})
            _seal(building)
            remove(folder)
            with _writing(folder):
                os.replace(building, folder)
            remove(checkpoints(folder))
        except BaseException:
            remove(building)
            raise

    def memo(self, key: object) -> Memo:
        """A value that depends on `key` (JSON) alone, remembered from one run to the next."""
        return Memo(self.out / ".memo" / f"{identity(key)}.json")

    def _sweep(self) -> None:
        """Remove what killed processes have left half-built."""
        for building in self.stages.glob(f"*{_BUILDING}*"):
            lock = FileLock(self._locks / f"{building.stem}.lock")
            with contextlib.suppress(Timeout), lock.acquire(timeout=0):
                remove(building)
        for kept in self.stages.glob(f"*{_CHECKPOINTS}"):
            if (kept.with_suffix("") / "stage.json").exists():
                remove(kept)


@dataclass(frozen=True, slots=True)
class Memo:
    """A remembered JSON value in a file of its own."""

    path: Path

    def get(self) -> Any:
        """The value, or None where it is not known."""
        try:
            return json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def put(self, value: object) -> None:
        write_json(self.path, value)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _seal(folder: Path) -> None:
    """Flush every file to the disk and make it read-only."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)


@contextlib.contextmanager
def _writing(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write {path}: {reason}", "another folder is named by --out") from error
