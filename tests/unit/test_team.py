"""What the launcher says of a process, and who builds what of a stage that several processes share."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crsbench.store import Store, checkpoints
from crsbench.team import ALONE, Team, follows, launched


@pytest.mark.parametrize(
    ("environment", "rank", "size"),
    [
        ({}, 0, 1),
        ({"WORLD_SIZE": "4"}, 0, 1),  # without a rank nobody launched this process
        ({"WORLD_SIZE": "1", "RANK": "0"}, 0, 1),
        ({"WORLD_SIZE": "4", "RANK": "0"}, 0, 4),
        ({"WORLD_SIZE": "4", "RANK": "3"}, 3, 4),
    ],
)
def test_the_launcher_speaks_by_the_environment(
    environment: dict[str, str], rank: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    team = Team.launched("cpu")
    assert (team.rank, team.size, team.cpu) == (rank, size, True)
    assert launched() == size
    assert follows() == (rank > 0) != team.main


def test_a_process_alone_hears_itself() -> None:
    assert ALONE.tell("word") == "word"


def test_who_has_joined_leaves_before_the_interpreter_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a thread that listens to the others may abort it, when all is done."""
    joined = SimpleNamespace(destroy_process_group=lambda: None)
    monkeypatch.setitem(sys.modules, "accelerate", SimpleNamespace(PartialState=lambda cpu: cpu and joined))  # pyright: ignore
    monkeypatch.setitem(sys.modules, "torch.distributed", group := SimpleNamespace())  # pyright: ignore
    at_exit: list[Any] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    assert Team(1, 2)._distributed is group
    assert at_exit == [joined.destroy_process_group]


class Second(Team):
    """The second of two processes, to which the main one has said these things."""

    def __init__(self, *said: Any) -> None:
        super().__init__(1, 2)
        self.__dict__["said"]: Iterator[Any] = iter(said)

    def tell(self, value: Any) -> Any:
        del value
        return next(self.__dict__["said"])


def build(folder: Path) -> int:
    (folder / "files" / "made").write_text("it")
    return 1


def test_who_follows_reads_what_the_main_process_made(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.stage("sft", {}, build)

    def never(folder: Path) -> int:
        raise AssertionError(folder)

    found = store.stage("sft", {}, never, team=Second(True))
    assert (found.path, found.reused) == (made.path, False)  # the main process has just built it


def test_who_follows_builds_along_and_keeps_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept = store.stage("ppo", {}, build).path
    seen: list[Path] = []

    def along(folder: Path) -> int:
        seen.append(checkpoints(folder))
        return build(folder)

    found = store.stage("ppo", {}, along, team=Second(True, True), together=True)
    assert found.path == kept
    assert seen == [checkpoints(kept.parent)]  # those of the stage itself
    assert not list(store.stages.glob("*.building*"))
    store.stage("ppo", {}, along, team=Second(False, False), together=True)
    assert len(seen) == 1  # found by the main process: nobody builds
