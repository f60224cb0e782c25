"""What of a corpus takes part in a run: all of it, or the part that `--limit` leaves."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from crsbench.types import Catalog, Corpus, Dialogue, Row, Split

Named = TypeVar("Named", Dialogue, Row)
OUTSIDE = "outside --limit"
MOST_FILES = 20_000


def limited(corpus: Corpus, limit: int | None) -> Corpus:
    """The corpus with `limit` train dialogues, as many of valid with their rows, and as many test rows.

    The first by the hash of their ids stay, in the order they had: a choice that no order of the data and
    no seed changes. Targets of rows that fall out are counted in `dropped`.
    """
    if limit is None:
        return corpus
    train = _part(corpus.train, limit)
    valid = _valid(corpus.valid, limit)
    test = _part(corpus.test, limit)
    lost = sum(len(row.targets) for row in corpus.test.rows) - sum(len(row.targets) for row in test.rows)
    dropped = {**corpus.dropped, OUTSIDE: lost} if lost else corpus.dropped
    return replace(corpus, train=train, valid=valid, test=test, dropped=dropped)


def scored(split: Split) -> Sequence[Dialogue]:
    """The dialogues that rows are of; all, where none is."""
    names = {row.dialogue for row in split.rows}
    return [one for one in split.dialogues if one.id in names] or split.dialogues


def _valid(split: Split, limit: int) -> Split:
    """Some dialogues with all of their rows; those that no row is of come after the others."""
    chosen = _first(scored(split), limit)
    names = {one.id for one in chosen}
    others = [one for one in split.dialogues if one.id not in names]
    names |= {one.id for one in _first(others, limit - len(chosen))}
    dialogues = tuple(one for one in split.dialogues if one.id in names)
    rows = tuple(row for row in split.rows if row.dialogue in names)
    return replace(split, dialogues=dialogues, rows=rows or _first(split.rows, limit))


def _part(split: Split, limit: int) -> Split:
    return replace(split, dialogues=_first(split.dialogues, limit), rows=_first(split.rows, limit))


def _first(named: Sequence[Named], n: int) -> tuple[Named, ...]:
    chosen = sorted(named, key=lambda one: hashlib.sha256(one.id.encode()).digest())[:n]
    kept = {one.id for one in chosen}
    return tuple(one for one in named if one.id in kept)


def learnable(catalog: Catalog, train: Split, valid: Split) -> str:
    """A digest of everything that training may see, for the identity of stages.

    Taken from the data itself and not from a plugin's word: an edited reader that parses the same files
    differently makes other stages, and a protocol that differs in its test rows alone makes none.
    """
    digest = hashlib.sha256(catalog.fingerprint.encode())
    for split in (train, valid):
        digest.update(b"\nby row\n" if split.by_row else b"")
        for part in (split.dialogues, split.rows):
            digest.update(f"\n{len(part)}\n".encode())
            for one in part:
                digest.update(repr(one).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def stamp(folder: Path) -> list[list[object]] | None:
    """Path, size and times of every file under a folder: what changes when one of them does.

    None where there are too many to look at.
    """
    files: list[list[object]] = []
    for root, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for path in sorted(Path(root, name) for name in names):
            stat = path.stat() if path.exists() else path.lstat()
            files.append([str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino])
        if len(files) > MOST_FILES:
            return None
    return files
