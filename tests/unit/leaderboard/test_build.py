"""Pages from records, and that nothing in them can be changed unnoticed."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.errors import DataError, UsageError
from crsbench.leaderboard.build import build, check, render
from crsbench.leaderboard.records import load_record, store_record
from crsbench.record import Run

Make = Callable[..., Run]
Invent = Callable[..., Path]
PUBLISHED = """
[[sources]]
dataset = "crsbench/synthetic"
protocol = "their own"
how = "as they say"
unit = "label"
title = "A Paper"
citation = "Somebody, 2020"
doi = "10.1000/1"
rows = [{ name = "THEIRS", all = { "recall@10" = 0.999 } }]
"""


@pytest.fixture
def folder(small_run: Make, tmp_path: Path) -> Path:
    """A leaderboard of three policies, built."""
    home = tmp_path / "leaderboards"
    for policy in ("popularity", "text-knn", "oracle"):
        store_record(small_run(policy), home / "records")
    (home / "published.toml").write_text(PUBLISHED)
    build(home)
    return home


def test_what_was_built_holds(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.md",
        "datasets.toml",
        "index.html",
        "leaderboard.json",
        "published.toml",
        "records",
        "synthetic.md",
    ]
    assert list(check(folder)) == []
    assert build(folder) == []


def test_two_places_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "some" / "where" / "else"
    shutil.copytree(folder / "records", other / "records")
    shutil.copy(folder / "published.toml", other)
    build(other)
    for file in folder.iterdir():
        if file.is_file():
            assert file.read_bytes() == (other / file.name).read_bytes()
            assert str(tmp_path) not in file.read_text("utf-8")


def test_reported_rows_are_marked_and_do_not_rank(folder: Path) -> None:
    line = next(row for row in (folder / "synthetic.md").read_text().splitlines() if "| THEIRS" in row)
    assert line.startswith("|  | THEIRS, *reported*, their own |")
    assert ".999" in line
    assert "doi.org/10.1000/1" in (folder / "synthetic.md").read_text()
    (board,) = json.loads((folder / "leaderboard.json").read_text())["boards"]
    assert [line["policy"] for line in board["lines"]].count("THEIRS") == 0
    assert board["reported"][0]["rows"][0]["all"] == {"recall@10": 0.999}


def test_a_bound_is_marked(folder: Path) -> None:
    assert "|  | oracle †<br>" in (folder / "synthetic.md").read_text()
    assert "| oracle † <code>" in (folder / "README.md").read_text()


@pytest.mark.parametrize("field", ["value", "low", "high", "n"])
def test_one_digit_of_a_score(field: str, folder: Path) -> None:
    record = next((folder / "records").glob("*/*/text-knn/*"))
    lines = (record / "result.json").read_text().splitlines()
    i = next(i for i, line in enumerate(lines) if '"recall@10"' in line and '"subset":"all"' in line)
    before = json.loads(lines[i].rstrip(","))[field]
    wrong = re.sub(rf'("{field}":[0-9.]*)([0-9])', lambda m: m[1] + str((int(m[2]) + 1) % 10), lines[i])
    assert json.loads(wrong.rstrip(","))[field] != before
    (record / "result.json").write_text("\n".join([*lines[:i], wrong, *lines[i + 1 :]]) + "\n")
    (fault,) = check(folder)
    assert fault.startswith(f"records/synthetic/logged/text-knn/{record.name}: recall@10 (final, subset all")
    assert f"{field} is " in fault


def test_one_digit_of_anything_else(folder: Path) -> None:
    record = next((folder / "records").glob("*/*/text-knn/*"))
    text = (record / "result.json").read_text()
    seconds = load_record(record).record["provenance"]["seconds"]
    (record / "result.json").write_text(text.replace(f'"seconds":{seconds}', f'"seconds":{seconds + 1}'))
    (fault,) = check(folder)
    assert fault == (
        f"records/synthetic/logged/text-knn/{record.name}: it is not the record that leaderboard.json was "
        "built from"
    )


def test_a_page_that_was_typed_into(folder: Path) -> None:
    page = folder / "synthetic.md"
    page.write_text(page.read_text().replace("| 1 |", "| 2 |", 1))
    (folder / "index.html").unlink()
    shutil.copy(page, folder / "other.md")
    (folder / "notes.md").write_text("# written by hand")
    assert sorted(check(folder)) == [
        "index.html: it is missing",
        "other.md: no record gives it",
        "synthetic.md: it is not what the records give",
    ]
    build(folder)
    assert not (folder / "other.md").exists()
    assert (folder / "notes.md").exists()
    assert list(check(folder)) == []


def test_a_record_in_the_wrong_place(folder: Path) -> None:
    record = next((folder / "records").glob("*/*/text-knn/*"))
    record.rename(record.parents[1] / "popularity" / record.name)
    (fault,) = check(folder)
    assert "it belongs into synthetic/logged/text-knn" in fault


def test_records_of_one_board_stand_on_the_same_rows(invent: Invent, tmp_path: Path) -> None:
    invent(tmp_path / "records", "crsbench/a")
    invent(tmp_path / "records", "crsbench/b", rows=42)
    with pytest.raises(DataError, match="other rows"):
        build(tmp_path)


def test_nothing_to_build_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no records"):
        build(tmp_path)


HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "a|b *c* `d` [e](javascript:alert(4)) <!-- \\ {{ 7*7 }} &lt; $x$",
    "line\nbreak\u2028\u202e",
]


class Tags(html.parser.HTMLParser):
    """The tags of a page, and the text of each script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handler: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.handler += [name for name, _ in attrs if name.startswith("on")]


def test_markup_is_shown_as_text(invent: Invent, tmp_path: Path) -> None:
    for i, text in enumerate(HOSTILE):
        told = {"dataset": f"stranger/{text}", "protocol": text, "model": text}
        options = {text: text}
        invent(tmp_path / "records", f"evil/{text}", seed=i, options_passed=options, **told)
    files = render(tmp_path)
    parser = Tags()
    parser.feed(files["index.html"])
    assert parser.tags.count("script") == 2
    assert "img" not in parser.tags
    assert parser.handler == []
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', files["index.html"], re.S)
    assert data is not None
    titles = [line["title"] for board in json.loads(data[1])["boards"] for line in board["lines"]]
    assert sorted(titles) == sorted(f"evil/{text} {text}={text}".strip() for text in HOSTILE)
    for name, content in files.items():
        if name.endswith(".md"):
            assert not re.search(r"<(?!/?code>|br>|/?sup>)", content), name
            assert not re.search(r"(?<!\\)\]\(javascript:", content), name
            assert "\u202e" not in content, name
            tables = [line for line in content.splitlines() if line.startswith("|")]
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
            assert len(widths) <= 3
