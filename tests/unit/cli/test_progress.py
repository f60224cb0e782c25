"""What a run says while it works."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from crsbench.cli import progress
from crsbench.cli.progress import LinesUi, LiveUi, bars, clock, progress_ui
from crsbench.hookspecs import StageInfo
from crsbench.ui import SilentUi

BUILT = StageInfo("sft", "abc", 75.0, 800, reused=False)
REUSED = StageInfo("sft", "abc", 75.0, 800, reused=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.4, "9.4 s"), (42, "42 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_lines_are_sparse_and_tell_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(now)))
    ui = LinesUi()
    ui.stage_started("sft")
    assert list(ui.progress(range(9), 9, "sft")) == list(range(9))
    ui.stage_finished(BUILT)
    ui.stage_finished(REUSED)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "sft …",
        "sft: 2 of 9, 1 min 45 s left",
        "sft: 5 of 9, 48 s left",
        "sft: 8 of 9, 11 s left",
        "sft: 1 min 15 s, 800 steps",
        "sft: reused (abc)",
    ]


def live() -> tuple[LiveUi, io.StringIO]:
    written = io.StringIO()
    shown = bars(Console(file=written, force_terminal=True, width=80, highlight=False))
    shown.start()
    return LiveUi(shown), written


def test_bars_pass_on_what_they_count_and_go_away() -> None:
    ui, written = live()
    ui.stage_started("sft")
    assert list(ui.progress(iter("abc"), 3, "sft")) == ["a", "b", "c"]
    ui.stage_finished(BUILT)
    ui.message("[not markup]")
    assert "1 min 15 s, 800 steps" in written.getvalue()
    assert "[not markup]" in written.getvalue()
    assert ui._bars.tasks == []
    ui._bars.stop()


def test_a_loop_that_is_left_early_leaves_no_bar() -> None:
    ui, _ = live()
    loop = ui.progress(range(9), 9, "sft")
    assert isinstance(loop, Iterator)
    next(loop)
    assert len(ui._bars.tasks) == 1
    loop.close()  # pyright: ignore
    assert ui._bars.tasks == []
    ui._bars.stop()


def test_which_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress_ui(quiet=True) as ui:
        assert isinstance(ui, SilentUi)
    with progress_ui(quiet=False) as ui:
        assert isinstance(ui, LinesUi)
