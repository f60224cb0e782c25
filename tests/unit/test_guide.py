"""The plugin guide is true: its snippets run as they stand, and its reference is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.plugins import KINDS
from crsbench.scaffold.reference import END, refreshed

GUIDE = Path(__file__).parents[2] / "plugins" / "README.md"
Cli = Callable[..., Any]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def snippets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every Python snippet under the name that its first line gives it."""
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        name = block.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(block, "utf-8")
    return tmp_path


def test_the_reference_is_generated() -> None:
    text = GUIDE.read_text("utf-8")
    assert text == refreshed(text), "python -m crsbench.scaffold.reference plugins/README.md"
    for named in ("crsbench_run_failed", "### Policy", "score_items", "### Spec"):
        assert named in text.split("## The hooks")[1].split(END)[0]


def test_the_snippet_of_a_plugin(snippets: Path, cli: Cli) -> None:
    _, trial = blocks("sh")
    for line in trial.splitlines():
        answer = cli(*line.removeprefix("crsbench ").split())
        assert answer.code == 0, answer.err
    sys.modules.pop("words", None)


def test_the_snippet_of_tests(snippets: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_words.py"],
        cwd=snippets,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_first_walk_is_the_one_that_is_tested() -> None:
    """Its commands run in `tests/third_party/test_walk.py`; here they have to be the same."""
    walk, _ = blocks("sh")
    words = [line.split()[:2] for line in walk.splitlines()]
    run = ["crsbench", "run"]
    asked = [
        ["crsbench", "new"],
        ["pip", "install"],
        ["crsbench", "check"],
        run,
        run,
        ["crsbench", "compare"],
    ]
    assert words == asked


def test_every_kind_is_in_it() -> None:
    text = GUIDE.read_text("utf-8")
    assert all(f"`{kind}`" in text for kind in KINDS)
