"""Digests of sources: what changes one, and what does not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from crsbench.errors import CrsbenchError
from crsbench.sources import source_digest


@pytest.fixture
def packages(site: Any) -> Path:
    """rewarding (a plugin) → leaning (a plugin) → plain (no plugin); other (a plugin)."""
    site.install("plain", "x = 1", points="")
    site.install("leaning", "def f():\n    import plain\n")
    site.install("other", "import json")
    site.install("rewarding", "from leaning import f\nimport numpy\n")
    package = site.path / "packed"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("from .deep import thing")
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "thing.py").write_text("from leaning import f")
    (package / "notes.txt").write_text("not code")
    return site.path


def append(path: Path) -> None:
    path.write_text(path.read_text() + "\n# another line\n")


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("rewarding.py", {"rewarding"}),
        ("leaning.py", {"rewarding", "leaning", "packed"}),
        ("other.py", {"other"}),
        ("plain.py", set()),  # a library, whose version says enough
        ("packed/deep/thing.py", {"packed"}),
        ("packed/notes.txt", set()),
    ],
)
def test_an_edit_changes_the_plugin_and_those_that_lean_on_it(
    edited: str, changes: set[str], packages: Path
) -> None:
    names = ("rewarding", "leaning", "other", "packed")
    before = {name: source_digest(name) for name in names}
    append(packages / edited)
    assert {name for name in names if source_digest(name) != before[name]} == changes


def test_a_new_file_changes_a_package(packages: Path) -> None:
    before = source_digest("packed")
    (packages / "packed" / "deep" / "more.py").write_text("")
    assert source_digest("packed.deep.thing") != before


def test_nothing_is_imported(packages: Path) -> None:
    source_digest("rewarding")
    assert not {"rewarding", "leaning", "other"} & set(sys.modules)


def test_cycles_end(site: Any) -> None:
    site.install("one", "import two")
    site.install("two", "import one")
    assert source_digest("one") == source_digest("two")


def test_the_core_counts_but_not_what_only_shows_scores() -> None:
    import crsbench.sources as sources

    names = [name for name, _ in sources._files("crsbench")]
    assert "crsbench/plugins.py" in names
    assert not [name for name in names if name.startswith(("crsbench/cli/", "crsbench/leaderboard/"))]


def test_a_reference_plugin_leans_on_the_core(packages: Path) -> None:
    (packages / "crsbench_mine.py").write_text("from crsbench import Spec")
    (packages / "crsbench_lonely.py").write_text("import json")
    import crsbench.sources as sources

    assert "crsbench" in sources._scan(packages / "crsbench_mine.py")[1]
    assert source_digest("crsbench_mine") != source_digest("crsbench_lonely")


def test_code_without_source_is_refused() -> None:
    with pytest.raises(CrsbenchError, match="the source of math cannot be found"):
        source_digest("math")
