"""From nothing to a row of one's own, as the guide tells it, in an environment of its own.

What crsbench depends on is lent to that environment by the one that runs the tests, so that nothing is
fetched; `tests/bench/test_walk.py` walks it with everything installed from the index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SMALL = (
    "-o",
    "dataset.dialogues=30",
    "-o",
    "dataset.test=6",
    "-o",
    "dataset.valid=4",
    "-o",
    "dataset.items=20",
)
Walk = Callable[..., str]


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """`walk("crsbench", "plugins")`: a command of a fresh environment; it has to succeed."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CRSBENCH_PLUGINS")
    }

    def call(program: str, *arguments: object) -> str:
        command = [home / "bin" / program, *arguments]
        if program == "pip":
            offline = (
                ("--no-deps", "--no-build-isolation", "--no-index") if arguments[0] == "install" else ("-y",)
            )
            command = [sys.executable, "-m", "pip", "--python", python, *arguments, *offline, "-q"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=tmp_path, env=kept)
        assert done.returncode == 0, f"{program} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    return call


def test_the_whole_walk(walk: Walk, tmp_path: Path) -> None:
    def strangers() -> list[str]:
        rows = json.loads(walk("crsbench", "plugins", "--json"))["plugins"]
        assert "crsbench/popularity" in [row["full"] for row in rows]
        assert [row["error"] for row in rows if row["error"]] == []
        return [row["full"] for row in rows if row["origin"]["distribution"] != "crsbench"]

    def run(plugin: str) -> Any:
        answer = walk("crsbench", "run", "--plugin", plugin, *SMALL, "--quiet", "--json")
        return json.loads(answer)

    walk("pip", "install", ROOT)
    assert strangers() == []
    walk("crsbench", "new", "my-crs")
    assert strangers() == []
    walk("pip", "install", "./my-crs")
    assert strangers() == ["my-crs/my-crs"]
    assert "17 passed" in walk("crsbench", "check", "my-crs")
    mine, floor = run("my-crs"), run("popularity")
    assert mine["run"]["plugin"] == "my-crs/my-crs"
    assert mine["scores"]
    assert strangers() == ["my-crs/my-crs"]
    ids = [f"runs/{record['run']['id']}" for record in (mine, floor)]
    compared = json.loads(walk("crsbench", "compare", *ids, "--json"))
    assert {(row["a"], row["b"]) for row in compared["rows"]} != set()
    walk("pip", "uninstall", "my-crs")
    assert strangers() == []
    assert (tmp_path / "runs" / mine["run"]["id"] / "result.json").exists()
