"""The observer that sends runs to trackio: only where it is asked to, and never at a run's expense."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import crsbench
from crsbench.errors import PluginError

SMALL = {"dataset.items": 12, "dataset.dialogues": 20, "dataset.valid": 2, "dataset.test": 4}


class Tracked:
    """What trackio would give for a run."""

    def __init__(self, **given: Any) -> None:
        self.given, self.logged, self.finished = given, [], False

    def log(self, values: dict[str, float], step: int | None = None) -> None:
        self.logged.append((step, values))

    def alert(self, title: str, text: str) -> None:
        self.logged.append((title, text))

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tracked]]:
    """A trackio that keeps what it is told."""
    runs: list[Tracked] = []

    def init(**given: Any) -> Tracked:
        runs.append(Tracked(**given))
        return runs[-1]

    trackio = types.ModuleType("trackio")
    trackio.init = init  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "trackio", trackio)
    monkeypatch.delitem(sys.modules, "crsbench_observers.tracker", raising=False)
    monkeypatch.setenv("CRSBENCH_TRACKIO", "films")
    yield runs
    sys.modules.pop("crsbench_observers.tracker", None)


def run(out: Path, plugin: str = "popularity", **given: Any) -> Any:
    return crsbench.run(plugin, options=SMALL, out=out, simulator="none", metrics=("recall@10",), **given)


def test_a_run_is_told_with_its_scores(tracked: list[Tracked], tmp_path: Path) -> None:
    done = run(tmp_path)
    (one,) = tracked
    assert (one.given["project"], one.given["name"]) == ("films", done.id)
    assert one.given["config"]["plugin"] == "crsbench/popularity"
    assert one.logged == [(None, {"final/recall@10": done.score("recall@10", unit="row").value})]
    assert one.finished
    assert done.record["observer_failures"] == []


def test_a_failed_run_is_told(tracked: list[Tracked], tmp_path: Path, plugin_file: Any) -> None:
    source = """
        from crsbench import Spec, hookimpl
        from crsbench.testing.parts import Counts

        class Policy(Counts):
            def fit(self, train, ctx):
                ctx.step(1, {"loss": 0.5})
                raise RuntimeError("no idea")

        @hookimpl
        def crsbench_policies():
            return [Spec("failing", Policy)]
    """
    with pytest.raises(PluginError, match="no idea"):
        run(tmp_path, "failing", plugins_dir=plugin_file("failing_policy", source))
    (one,) = tracked
    said = "failing_policy/failing failed: RuntimeError: no idea"
    assert one.logged == [(1, {"loss": 0.5}), ("the run failed", said)]
    assert one.finished


def test_nobody_is_told_unless_a_project_is_named(
    tracked: list[Tracked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRSBENCH_TRACKIO")
    run(tmp_path)
    assert tracked == []


def test_without_trackio_the_run_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRSBENCH_TRACKIO", "films")
    monkeypatch.setitem(sys.modules, "trackio", None)
    monkeypatch.delitem(sys.modules, "crsbench_observers.tracker", raising=False)
    (failure,) = run(tmp_path).record["observer_failures"]
    assert failure.startswith("crsbench/observers: crsbench_run_started: ModuleNotFoundError")
