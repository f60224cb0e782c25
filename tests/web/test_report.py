"""The page of a run: as recorded, with a hostile corpus, in a browser."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from crsbench import run
from crsbench.cli import main

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Any = run("naive-copy", limit=40, out=tmp_path_factory.mktemp("runs"))
    assert main(["report", str(made.path)]) == 0
    return made.path


@pytest.fixture
def hostile(finished: Path, tmp_path: Path) -> Path:
    """The page of a run with markup in everything that a stranger could have written."""
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    record = json.loads((folder / "result.json").read_text("utf-8"))
    record["run"] |= {
        "plugin": EVIL,
        "dataset": EVIL,
        "options_passed": {EVIL: EVIL},
        "options": {EVIL: EVIL},
    }
    record["absent"] = [{"metric": EVIL, "stage": "final", "reason": EVIL}]
    record["observer_failures"] = [EVIL]
    record["scores"][0]["metric"] = EVIL
    (folder / "result.json").write_text(json.dumps(record))
    turns = [{"speaker": speaker, "text": EVIL, "items": []} for speaker in ("user", "system")]
    talk = {"id": EVIL, "stage": "final", "decoding": "greedy", "values": {EVIL: 1.0}, "turns": turns}
    (folder / "episodes.jsonl").write_text(json.dumps(talk))
    curves = [json.dumps({f"{EVIL}/loss": 1.0 * step, "step": step}) for step in (1, 2)]
    (folder / "curves.jsonl").write_text("\n".join(curves))
    assert main(["report", str(folder)]) == 0
    return folder / "report.html"


def test_text_from_anywhere_is_shown_as_text(hostile: Path, browser: Any) -> None:
    assert "<script" not in hostile.read_text("utf-8")
    page = browser.open(hostile)
    assert page.locator("h1").inner_text().startswith("<script>")
    assert page.locator("script, img:not([src^='data:'])").count() == 0


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_it_is_accessible_and_fits(
    finished: Path, width: int, dark: bool, browser: Any, serious_faults: Any
) -> None:
    page = browser.open(finished / "report.html", width=width, dark=dark)
    for fold in page.locator("summary").all():
        fold.click()
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
