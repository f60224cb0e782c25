"""`crsbench run --ablate`: every signal is taken out of the reward once, in one command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
QUICK = ["-o", "dataset.dialogues=60", "-o", "dataset.test=30", "-o", "dataset.valid=10"]
QUICK += ["--simulator", "none", "--metrics", "recall@10"]
PLUGIN = """
    import numpy as np
    from crsbench import Spec, hookimpl
    from crsbench.types import Action, Signal

    class One:
        def __init__(self, options):
            pass

        def measure(self, transitions):
            return Signal(type(self).__name__.lower(), np.zeros(len(transitions)), "none", "derived")

    class Two(One):
        pass

    class Mine:
        "Its list starts where its signals tell it to."
        needs = frozenset({"signals"})

        def __init__(self, options):
            pass

        def fit(self, train, ctx):
            self.first = sum({"one": 40, "two": 100}[signal.name] for signal in ctx.signals)
            return self

        def act(self, states, want="ranking", k=50, mask=None, rng=None):
            return [Action(items=tuple(range(self.first, self.first + k))) for _ in states]

        def stages(self):
            return {"final": self}

        def save(self, directory):
            pass

    @hookimpl
    def crsbench_signals():
        return [Spec("one", One), Spec("two", Two)]

    @hookimpl
    def crsbench_policies():
        return [Spec("mine", Mine)]
"""


@pytest.fixture
def run(cli: Cli, tmp_path: Path, plugin_file: Callable[..., Path]) -> Cli:
    folder = plugin_file("mine", PLUGIN)

    def call(*arguments: object) -> Any:
        return cli("run", *arguments, *QUICK, "--out", tmp_path / "runs", "--plugins-dir", folder, "--ablate")

    return call


def test_a_run_and_the_same_without_each_signal(run: Cli) -> None:
    answer = run("--plugin", "mine", "--signals", "one,two", "--json")
    assert answer.code == 0, answer.err
    left = [
        [part["name"].rpartition("/")[2] for part in record["run"]["plugins"] if part["kind"] == "signal"]
        for record in answer.json
    ]
    assert left == [["one", "two"], ["two"], ["one"]]
    assert len({record["run"]["id"] for record in answer.json}) == 3
    recalls = [record["scores"][0]["value"] for record in answer.json]
    assert len(set(recalls)) > 1


def test_they_are_compared_in_one_table(run: Cli) -> None:
    answer = run("--plugin", "mine", "--signals", "one,two")
    assert answer.code == 0, answer.err
    assert [line for line in answer.err.splitlines() if line.startswith("without")] == [
        "without one",
        "without two",
    ]
    sides = [line for line in answer.out.splitlines() if line[1:4] == " = "]
    assert len(sides) == 3
    assert "reward.one=0" in sides[1]
    assert "reward.two=0" in sides[2]
    assert max(map(len, answer.out[answer.out.index("metric") :].splitlines())) <= 80


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--plugin", "popularity"], "--ablate: popularity learns from no signals"),
        (["--plugin", "mine", "--signals", "one"], "--ablate: mine learns from the signal one alone"),
        (["--plugin", "popularty"], "popularty"),
    ],
)
def test_what_has_nothing_to_leave_out_is_refused(flags: list[str], line: str, run: Cli) -> None:
    answer = run(*flags)
    assert answer.code == 2
    assert line in answer.err
