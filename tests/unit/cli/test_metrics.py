"""`crsbench metrics check`: a stranger's evidence, the JSON contract, the page, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
METRICS = """
    from crsbench import Spec, hookimpl
    from crsbench.errors import DataError
    from crsbench.types import Absent, Evidence

    class Plain:
        reads = "rankings"

        def __init__(self, options):
            pass

        def measure(self, judged, corpus):
            return []

    class Judged(Plain):
        def evidence(self, data_dir):
            print("plugins may print")
            nan = float("nan")
            return [
                Evidence("judged", "<b>people</b>", "Spearman", 0.5, 0.4, 0.6, 20),
                Evidence("judged", "<b>people</b>", "tau", 1.0, nan, nan, 3),
                Absent("judged", "others were not asked"),
            ]

    class Missing(Plain):
        def evidence(self, data_dir):
            raise DataError(f"{data_dir.name} is empty", "fill it")

    class Misnamed(Plain):
        def evidence(self, data_dir):
            return [Evidence("recall", "people", "Spearman", 0.5, 0.4, 0.6, 20)]

    class Broken(Plain):
        def evidence(self, data_dir):
            return [1 / 0]

    @hookimpl
    def crsbench_metrics():
        parts = {"plain": Plain, "judged": Judged, "missing": Missing, "misnamed": Misnamed, "broken": Broken}
        return [Spec(name, part) for name, part in parts.items()]
"""


@pytest.fixture
def check(cli: Cli, plugin_file: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    folder = plugin_file("some_metrics", METRICS)

    def call(wanted: str, *more: object) -> Any:
        where = ["--plugins-dir", folder, "--data-dir", tmp_path / "nothing"]
        return cli("metrics", "check", "--metrics", wanted, *where, *more)

    return call


def test_json_is_the_contract(check: Callable[..., Any]) -> None:
    done = check("plain,judged,missing", "--json")
    assert done.code == 0
    first, second = json.loads(done.out)["rows"]
    names = ["metric", "data", "measure", "value", "low", "high", "n"]
    assert list(first) == names
    assert list(first.values()) == ["judged", "<b>people</b>", "Spearman", 0.5, 0.4, 0.6, 20]
    assert (second["low"], second["high"]) == (None, None)
    assert "missing: not measured: nothing is empty (fill it)" in done.err
    assert "judged: not measured: others were not asked" in done.err


def test_the_table_and_the_page(check: Callable[..., Any], tmp_path: Path) -> None:
    done = check("plain,judged,missing", "--quiet", "--report", tmp_path / "page.html")
    assert done.code == 0
    assert ".500 [.400, .600]" in done.out
    assert "without evidence: plain" in done.out
    page = (tmp_path / "page.html").read_text()
    assert "&lt;b&gt;people&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "[0.400, 0.600]" in page
    assert "nan" not in page
    assert "nothing is empty (fill it)" in page


@pytest.mark.parametrize(
    ("wanted", "code", "said"),
    [
        ("missing,plain", 4, "missing: nothing is empty"),
        ("plain", 4, "none that was asked offers any"),
        ("misnamed", 3, "gave evidence of 'recall', which is not its name"),
        ("broken", 3, "ZeroDivisionError"),
        ("judgd", 2, "did you mean 'judged'?"),
    ],
)
def test_what_goes_wrong_is_one_line(check: Callable[..., Any], wanted: str, code: int, said: str) -> None:
    done = check(wanted, "--quiet")
    assert done.code == code
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
