"""Every file of the folder with real data, by the number that its README says it holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crsbench_corpora import opendialkg_books, redial_movies, redial_raw
from crsbench_corpora.files import Files
from crsbench_corpora.inspired import Inspired
from crsbench_corpora.opendialkg import Record
from crsbench_corpora.uss import read_uss


def rows(kind: Any) -> Callable[[Files, str], int]:
    return lambda files, name: len(files.rows(name, kind))


def document(kind: Any) -> Callable[[Files, str], int]:
    return lambda files, name: len(files.json(name, kind))


def movies(files: Files, name: str) -> int:
    return len(redial_movies.movies(files, ()))


def ratings(files: Files, name: str) -> int:
    return len(read_uss(files.folder / name))


def dialogues(files: Files, name: str) -> int:
    return len(list(redial_raw.dialogues(files, name)))


@pytest.mark.parametrize(
    ("folder", "name", "count", "holds"),
    [
        ("redial", "train_data.jsonl", dialogues, 4109),
        ("redial", "test_data.jsonl", dialogues, 1342),
        ("redial", "movies_with_mentions.csv", movies, 6924),
        ("redial", "items_info.json", document(dict[str, redial_movies.Info]), 6583),
        ("opendialkg/ievalm", "train_data_processed.jsonl", rows(Record), 5547),
        ("opendialkg/ievalm", "valid_data_processed.jsonl", rows(Record), 1188),
        ("opendialkg/ievalm", "test_data_processed.jsonl", rows(Record), 1188),
        ("opendialkg/ievalm", "item_ids.json", document(list[int]), 2965),
        ("opendialkg/ievalm", "dialog_Books.jsonl", rows(list[opendialkg_books.Said]), 1901),
        ("uss", "ReDial.txt", ratings, 1000),
    ],
)
def test_files(
    data_dir: Path, folder: str, name: str, count: Callable[[Files, str], int], holds: int
) -> None:
    if not (data_dir / folder / name).is_file():
        pytest.skip(f"{data_dir} has no {folder}/{name}")
    assert count(Files(data_dir / folder, ""), name) == holds


def test_inspired(data_dir: Path) -> None:
    if not (data_dir / "inspired").is_dir():
        pytest.skip(f"{data_dir} has no folder inspired")
    corpus = Inspired().load("official", data_dir, seed=0)
    splits = corpus.train, corpus.valid, corpus.test
    assert [len(split.dialogues) for split in splits] == [801, 99, 99]
