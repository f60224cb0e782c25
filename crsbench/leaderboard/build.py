"""Build every file of a leaderboard from its records, and check that they are what the records give."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crsbench.errors import CrsbenchError, DataError, UsageError
from crsbench.leaderboard import datasets, markdown
from crsbench.leaderboard.boards import Board, make_boards
from crsbench.leaderboard.document import board_json, document
from crsbench.leaderboard.page import page
from crsbench.leaderboard.published import read_published
from crsbench.leaderboard.records import load_record
from crsbench.leaderboard.verify import faults
from crsbench.record import RESULT
from crsbench.store import write_text

RECORDS = "records"
DOCUMENT = "leaderboard.json"
OVERVIEW = "README.md"
PAGE = "index.html"


def render(folder: Path) -> dict[str, str]:
    """Name → content of every file that follows from the records of a folder.

    Raises UsageError where there is no record, DataError for a damaged one.
    """
    records = [load_record(file.parent) for file in _records(folder)]
    boards = make_boards(records, read_published(folder))
    by_page: dict[str, list[Board]] = {}
    for board in boards:
        by_page.setdefault(markdown.file_name(board), []).append(board)
    tables = [board_json(board, folder) for board in boards]
    return {
        OVERVIEW: markdown.overview(boards),
        **{name: markdown.dataset_page(some) for name, some in by_page.items()},
        DOCUMENT: document(tables),
        PAGE: page(boards, tables),
        datasets.FILE: datasets.to_toml(datasets.public_data(records)),
    }


def build(folder: Path) -> list[Path]:
    """Write what has changed, remove the page of a dataset without records; the files that changed."""
    files = render(folder)
    changed: list[Path] = []
    for name, content in files.items():
        if _content(folder / name) != content:
            write_text(folder / name, content)
            changed.append(folder / name)
    for file in _stray(folder, files):
        file.unlink()
        changed.append(file)
    return changed


def check(folder: Path) -> Iterator[str]:
    """What differs from what the records give, one line each: records first, then files.

    Raises UsageError where there is no record.
    """
    known = _digests(folder)
    sound = True
    for file in _records(folder):
        name = file.parent.relative_to(folder).as_posix()
        try:
            record = load_record(file.parent)
            wrong = faults(record)
            if not wrong and known.get(name) not in (None, record.digest()):
                wrong = [f"it is not the record that {DOCUMENT} was built from"]
        except CrsbenchError as error:
            wrong = [error.message]
        sound = sound and not wrong
        yield from (f"{name}: {fault}" for fault in wrong)
    if not sound:
        return  # the files follow from records that do not hold
    try:
        files = render(folder)
    except CrsbenchError as error:
        yield error.message
        return
    for name, content in files.items():
        there = _content(folder / name)
        if there != content:
            yield f"{name}: {'it is missing' if there is None else 'it is not what the records give'}"
    yield from (f"{file.name}: no record gives it" for file in _stray(folder, files))


def _records(folder: Path) -> list[Path]:
    """Every `result.json`, also where none belongs."""
    found = sorted((folder / RECORDS).glob(f"**/{RESULT}"))
    if not found:
        raise UsageError(f"no records in {folder / RECORDS}", "crsbench leaderboard submit RUN brings one")
    return found


def _content(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def _stray(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Pages of datasets that an earlier build wrote and this one does not; other files are not its own."""
    others = (file for file in sorted(folder.glob("*.md")) if file.name not in files)
    return [file for file in others if markdown.BACK in (_content(file) or "")]


def _digests(folder: Path) -> dict[str, str]:
    """Path → digest of the records that `leaderboard.json` was built from; empty where it cannot be read."""
    try:
        boards: list[dict[str, Any]] = json.loads((folder / DOCUMENT).read_text("utf-8"))["boards"]
        return {
            one["path"]: one["digest"]
            for board in boards
            for line in board["lines"]
            for one in line["records"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
