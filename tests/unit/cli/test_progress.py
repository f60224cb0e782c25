"""What a run says while it works."""

from __future__ import annotations

import io
import sys
import textwrap
from pathlib import Path

import pytest
from rich.console import Console

import crsbench
from crsbench import ui as ui_module
from crsbench.cli import progress
from crsbench.cli.progress import LinesUi, LiveUi, bars, clock, progress_ui
from crsbench.config import RunConfig
from crsbench.hookspecs import StageInfo
from crsbench.plugins import Host
from crsbench.run import execute
from crsbench.ui import SilentUi, Ui

BUILT = StageInfo("sft", "abc", 75.0, 800, reused=False)
TINY = {"dataset.dialogues": 30, "dataset.test": 6, "dataset.valid": 4}
REUSED = StageInfo("sft", "abc", 75.0, 800, reused=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.4, "9.4 s"), (42, "42 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


class Clock:
    """Ten seconds between any two looks at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 10
        return self.now


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(ui_module, "time", clock)


@pytest.mark.usefixtures("ticking")
def test_lines_are_sparse_and_tell_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    ui = LinesUi()
    ui.stage_started("sft")
    assert list(ui.progress(range(9), 9, "sft")) == list(range(9))
    ui.crsbench_stage_finished(BUILT)
    ui.crsbench_stage_finished(REUSED)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "sft …",
        "sft: 2 of 9, 2 min 20 s left",
        "sft: 4 of 9, 1 min 40 s left",
        "sft: 6 of 9, 1 min 00 s left",
        "sft: 8 of 9, 20 s left",
        "sft: 1 min 15 s, 800 steps",
        "sft: reused (abc)",
    ]


def live() -> tuple[LiveUi, io.StringIO]:
    written = io.StringIO()
    shown = bars(Console(file=written, force_terminal=True, width=80, highlight=False))
    shown.start()
    return LiveUi(shown), written


@pytest.mark.usefixtures("ticking")
def test_bars_pass_on_what_they_count_and_go_away() -> None:
    ui, written = live()
    ui.stage_started("sft")
    loop = ui.progress(iter("abc"), 3, "SFT")
    assert [next(loop), next(loop)] == ["a", "b"]
    assert [(task.description, task.completed) for task in ui._bars.tasks] == [("sft", 0), ("SFT", 1)]
    assert list(loop) == ["c"]
    assert [task.description for task in ui._bars.tasks] == ["sft"]
    ui.crsbench_stage_finished(BUILT)
    ui.message("[not markup]")
    assert "1 min 15 s, 800 steps" in written.getvalue()
    assert "[not markup]" in written.getvalue()
    assert ui._bars.tasks == []
    ui._bars.stop()


@pytest.mark.usefixtures("ticking")
def test_a_loop_that_is_left_early_leaves_no_bar_to_the_next_stage() -> None:
    ui, _ = live()
    loop = ui.progress(range(9), 9, "sft")
    next(loop)
    next(loop)
    assert len(ui._bars.tasks) == 1
    ui.stage_started("labels")
    assert [task.description for task in ui._bars.tasks] == ["labels"]
    ui._bars.stop()


STRANGER = """
    import time
    from crsbench import Spec, hookimpl
    from crsbench.types import Action

    began, lines = {}, []

    @hookimpl
    def crsbench_step(run, step, scalars):
        for name, share in scalars.items():
            if name.startswith("progress/"):
                now = time.monotonic()
                then, first = began.setdefault(name, (now, share))
                left = (now - then) / (share - first) * (1 - share) if share > first else None
                lines.append((name.removeprefix("progress/"), step, round(step / share), left))

    class Patient:
        needs = frozenset()

        def __init__(self, options):
            pass

        def fit(self, train, ctx):
            for _ in ctx.progress(range(7), 7, "thinking"):
                time.sleep(0.001)
            return self

        def act(self, states, want="ranking", k=50, mask=None, rng=None):
            return [Action(items=(0,)) for _ in states]

        def stages(self):
            return {"final": self}

        def save(self, directory):
            pass

    @hookimpl
    def crsbench_policies():
        return [Spec("patient", Patient)]
"""


@pytest.mark.parametrize("shown", [SilentUi(), LinesUi()])
def test_a_stranger_builds_the_same_bar_from_the_hooks(
    shown: Ui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "patient.py").write_text(textwrap.dedent(STRANGER))
    monkeypatch.setattr(ui_module, "EVERY", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    given = {"options": TINY, "simulator": "none", "metrics": ["recall@10"], "out": tmp_path / "runs"}
    host = Host.discover(tmp_path)
    run = execute(RunConfig.of({"plugin": "patient", **given}), host, shown)
    assert run.complete
    stranger = sys.modules[host.find("policy", "patient").spec.make.__module__]  # pyright: ignore
    said = capsys.readouterr().err
    thought = [(step, total, left) for loop, step, total, left in stranger.lines if loop == "thinking"]
    assert [(step, total) for step, total, _ in thought] == [(step, 7) for step in range(1, 8)]
    assert thought[0][2] is None
    assert all(left > 0 for _, _, left in thought[1:-1])
    assert thought[-1][2] == 0
    # the display observes the same, and nothing of it is a training curve
    assert ("thinking: 3 of 7" in said) == isinstance(shown, LinesUi)
    assert not (run.path / "curves.jsonl").read_text()


def test_python_shows_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"options": TINY, "simulator": "none", "metrics": ["recall@10"], "out": tmp_path}
    crsbench.run("popularity", quiet=False, **given)  # pyright: ignore
    assert "evaluate …" in capsys.readouterr().err


def test_which_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress_ui(quiet=True) as ui:
        assert isinstance(ui, SilentUi)
    with progress_ui(quiet=False) as ui:
        assert isinstance(ui, LinesUi)
