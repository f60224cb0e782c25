"""Corpora that were read from large files, kept in a form that is quick to read again.

An entry is found by a digest of the files' contents and of this package's own sources: data or a reader
that has changed makes another one, and there is nothing to invalidate. It lies under CRSBENCH_CACHE, else
the user's cache folder, is JSON, is written atomically, and carries a checksum; an entry that is damaged,
or a folder that cannot be written, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
from pydantic_core import from_json, to_json

from crsbench.types import Corpus
from crsbench_corpora.compact import pack, unpack

KEPT = 4  # entries a name, the newest


def folder() -> Path:
    """Where entries are kept."""
    given = os.environ.get("CRSBENCH_CACHE")
    return (Path(given) if given else platformdirs.user_cache_path("crsbench")) / "corpora"


def remembered(name: str, digest: str, read: Callable[[], Corpus]) -> Corpus:
    """The corpus that `read` gives, from the cache where it is. `name` says which, with its protocol."""
    path = folder() / f"{name}.{digest}.{readers()}.json"
    with _collector_paused():
        with contextlib.suppress(OSError, ValueError):
            checksum, _, content = path.read_bytes().partition(b"\n")
            if checksum.decode() == hashlib.sha256(content).hexdigest():
                return unpack(from_json(content))
        corpus = read()
        _keep(path, corpus, name)
    return corpus


def _keep(path: Path, corpus: Corpus, name: str) -> None:
    """Write an entry, whole or not at all, and let the oldest ones go."""
    content = to_json(pack(corpus))
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n")
                file.write(content)
                file.flush()
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        entries = sorted(path.parent.glob(f"{name}.*.json"), key=lambda one: one.stat().st_mtime_ns)
        for old in entries[:-KEPT]:
            old.unlink(missing_ok=True)


@functools.cache
def readers() -> str:
    """A digest of the readers: an edited one must not meet what its elder has read."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Hundreds of thousands of new objects and no cycle among them: looking for one takes half the time.

    Freezing and unfreezing moves them among the old objects, so that the search is not just put off.
    """
    collecting, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()
    try:
        yield
    finally:
        if not frozen:
            gc.freeze()
            gc.unfreeze()
        if collecting:
            gc.enable()
