"""Stages and files that are whole or not there at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest
from filelock import FileLock

from crsbench.errors import UsageError
from crsbench.identity import canonical, derive, identity
from crsbench.store import (
    Stage,
    Store,
    append_line,
    checkpoints,
    link,
    remove,
    stage_id,
    write_json,
    write_lines,
    write_text,
)

INPUTS = {"options": {"a": 1}, "seed": 0}


def built(
    store: Store, text: str = "made", replace: bool = False, inputs: dict[str, object] = INPUTS
) -> Stage:
    def build(folder: Path) -> int:
        (folder / "files" / "x.txt").write_text(text)
        return 3

    return store.stage("sft", inputs, build, replace)


def test_identity_is_of_the_value() -> None:
    assert identity({"a": 1, "b": [1.5, None]}) == identity({"b": (1.5, None), "a": 1})
    assert identity({"a": 1}) != identity({"a": 1.5})
    assert len(identity("x")) == 16
    assert canonical({"é": "ü"}) == '{"é":"ü"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))
    with pytest.raises(TypeError):
        canonical(Path("x"))


def test_derived_seeds_differ_by_seed_and_purpose() -> None:
    seeds = {derive(seed, *names) for seed in (0, 1) for names in (("a",), ("b",), ("a", "b"), ("ab",))}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive(0, "a") == derive(0, "a")


def test_a_stage_is_built_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = built(store), built(Store(tmp_path), "again")
    assert (first.reused, second.reused) == (False, True)
    assert first.path == tmp_path / "stages" / first.id / "files"
    assert (second.path / "x.txt").read_text() == "made"
    assert second.seconds == first.seconds
    assert second.steps == 3
    facts = json.loads((first.path.parent / "stage.json").read_text())
    assert facts == {
        "schema": 1,
        "name": "sft",
        "id": stage_id("sft", INPUTS),
        "seconds": first.seconds,
        "steps": 3,
        "inputs": INPUTS,
    }


def test_other_inputs_or_another_name_are_another_stage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert built(store).id != built(store, inputs={**INPUTS, "seed": 1}).id
    assert stage_id("a", INPUTS) != stage_id("b", INPUTS)


def test_finished_files_are_read_only_and_can_be_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = built(store)
    for path in first.path.parent.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o444
    again = built(store, "new", replace=True)
    assert (again.id, again.reused) == (first.id, False)
    assert (again.path / "x.txt").read_text() == "new"
    remove(tmp_path / "stages")
    assert not (tmp_path / "stages").exists()


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def build(folder: Path) -> int:
        (folder / "files" / "half.txt").write_text("half")
        raise error

    store = Store(tmp_path)
    with pytest.raises(type(error)):
        store.stage("sft", INPUTS, build)
    assert list((tmp_path / "stages").iterdir()) == []
    assert not built(store).reused  # and the lock is free


def test_a_failed_replacement_leaves_the_old_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = built(store)

    def fail(folder: Path) -> int:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.stage("sft", INPUTS, fail, replace=True)
    assert (first.path / "x.txt").read_text() == "made"


def test_leftovers_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    dead, alive = store.stages / "dead.building", store.stages / "alive.building"
    for folder in (dead, alive):
        (folder / "files").mkdir(parents=True)
    with FileLock(tmp_path / ".locks" / "alive.lock"):
        Store(tmp_path)
        assert not dead.exists()
        assert alive.exists()


def test_checkpoints_outlive_a_failure_and_no_more(tmp_path: Path) -> None:
    def build(folder: Path) -> int:
        kept = checkpoints(folder)
        if not kept.exists():
            kept.mkdir()
            (kept / "half.txt").write_text("half")
            raise KeyboardInterrupt
        (folder / "files" / "x.txt").write_text((kept / "half.txt").read_text() + " and half")
        return 1

    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path).stage("sft", INPUTS, build)
    stage = Store(tmp_path).stage("sft", INPUTS, build)
    assert (stage.path / "x.txt").read_text() == "half and half"
    assert [one.name for one in (tmp_path / "stages").iterdir()] == [stage.id]
    with pytest.raises(KeyboardInterrupt):  # what is to be replaced begins anew
        Store(tmp_path).stage("sft", INPUTS, build, replace=True)
    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path).stage("sft", INPUTS, build, replace=True)
    assert (tmp_path / "stages" / f"{stage.id}.checkpoints").exists()
    Store(tmp_path)  # of a stage that is finished nothing else is kept
    assert [one.name for one in (tmp_path / "stages").iterdir()] == [stage.id]


def _build_slowly(out: Path, started: Path) -> None:
    def build(folder: Path) -> int:
        started.touch()
        time.sleep(0.5)
        (folder / "files" / "x.txt").write_text(str(os.getpid()))
        return 0

    Store(out).stage("sft", INPUTS, build)


def test_a_second_process_waits_and_reuses(tmp_path: Path) -> None:
    started = tmp_path / "started"
    process = multiprocessing.get_context("fork").Process(target=_build_slowly, args=(tmp_path, started))
    process.start()
    while not started.exists():
        time.sleep(0.01)
    told: list[str] = []

    def fail(folder: Path) -> int:
        raise AssertionError

    stage = Store(tmp_path).stage("sft", INPUTS, fail, waiting=told.append)
    process.join()
    assert stage.reused
    assert (stage.path / "x.txt").read_text() == str(process.pid)
    assert len(told) == 1


def test_files_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "x.json"
    write_json(path, {"a": [1, None, "é"]})
    assert json.loads(path.read_text("utf-8")) == {"a": [1, None, "é"]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, float("nan"))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "half")
    assert json.loads(path.read_text("utf-8")) == {"a": [1, None, "é"]}
    assert [file.name for file in path.parent.iterdir()] == ["x.json"]


def test_lines(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [{"x": 1}, [2]])
    append_line(tmp_path / "a.jsonl", {"y": "é"})
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()] == [
        {"x": 1},
        [2],
        {"y": "é"},
    ]


def test_removing_one_name_of_a_file_keeps_the_other_read_only(tmp_path: Path) -> None:
    stage = built(Store(tmp_path))
    link(stage.path, tmp_path / "reward")
    remove(tmp_path / "reward")
    assert stat.S_IMODE((stage.path / "x.txt").stat().st_mode) == 0o444


def test_memo(tmp_path: Path) -> None:
    store = Store(tmp_path)
    memo = store.memo({"k": 1})
    assert memo.get() is None
    memo.put({"v": 2})
    assert store.memo({"k": 1}).get() == {"v": 2}
    assert store.memo({"k": 2}).get() is None
    memo.forget()
    assert memo.get() is None


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot write") as caught:
        Store(tmp_path / "file" / "out")
    assert caught.value.exit_code == 2
    assert "--out" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="cannot write"):
        Store(Path("/proc/crsbench"))
