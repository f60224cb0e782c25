"""What is sent in is refused with the reason, or put where it belongs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.leaderboard.build import build, check
from crsbench.leaderboard.records import spelled, store_record
from crsbench.leaderboard.submit import submit
from crsbench.plugins import Host
from crsbench.record import Run

Make = Callable[..., Run]


@pytest.fixture(scope="module")
def host() -> Host:
    return Host.discover(None)


@pytest.fixture
def folder(small_run: Make, tmp_path: Path) -> Path:
    home = tmp_path / "leaderboards"
    store_record(small_run("popularity"), home / "records")
    build(home)
    return home


@pytest.fixture
def altered(small_run: Make, tmp_path: Path) -> Callable[..., Path]:
    """The record of a run, with something in its `result.json` changed."""

    def make(change: Callable[[dict[str, Any]], None], policy: str = "text-knn") -> Path:
        record = store_record(small_run(policy), tmp_path / "sent")
        result = json.loads((record / "result.json").read_text())
        change(result)
        (record / "result.json").write_text(spelled(result))
        return record

    return make


def test_a_good_run_is_taken(small_run: Make, folder: Path, host: Host) -> None:
    run = small_run("text-knn")
    verdict = submit(run.path, folder, host)
    assert verdict.reasons == ()
    assert verdict.folder == folder / "records/synthetic/logged/text-knn" / run.id
    build(folder)
    assert list(check(folder)) == []
    again = submit(run.path, folder, host)
    assert again.folder is None
    assert "is there already" in again.reasons[0]


def test_a_record_is_taken_as_a_run_is(small_run: Make, folder: Path, host: Host, tmp_path: Path) -> None:
    record = store_record(small_run("text-knn"), tmp_path / "sent")
    assert submit(record, folder, host).reasons == ()


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def make(result: dict[str, Any]) -> None:
        *parents, name = path.split(".")
        inside = result
        for parent in parents:
            inside = inside[int(parent)] if isinstance(inside, list) else inside[parent]
        inside[name] = value

    return make


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("scores.0.value", 0.9, "value is 0.9, and its rows and values give"),
        ("scores.0.higher_is_better", False, "higher_is_better is False"),
        ("counts.rows", 7, "counts.rows is 7"),
        ("run.protocol", "official", "config: protocol is 'logged', and the run's is 'official'"),
        ("run.dataset_fingerprint", "0" * 16, "its data has the fingerprint 0000000000000000"),
        ("run.limit", 5, "config: limit"),
        ("run.options.rollout", "simulator", "simulator_in_training is not declared"),
        ("run.privileged", True, "is handed no truth"),
        ("run.privileged", None, "run.privileged"),
        ("run.note", "buy here", "run.note: Extra inputs are not permitted"),
        ("run.id", "../../etc", "run.id: String should match"),
        ("scores.0.metric", "<b>", "scores.0.metric: String should match"),
        ("provenance.seconds", -1.0, "provenance.seconds"),
        ("status", "failed", "status"),
    ],
)
def test_what_does_not_add_up(
    path: str, value: object, reason: str, altered: Callable[..., Path], folder: Path, host: Host
) -> None:
    verdict = submit(altered(change(path, value)), folder, host)
    assert verdict.folder is None
    assert any(reason in one for one in verdict.reasons), verdict.reasons
    assert len(list((folder / "records").glob("*/*/*/*"))) == 1


def test_a_bound_that_does_not_say_so(altered: Callable[..., Path], folder: Path, host: Host) -> None:
    verdict = submit(altered(change("run.privileged", False), policy="oracle"), folder, host)
    assert verdict.reasons == (
        "crsbench/oracle is handed the scenario's truth, and the record says that it is not privileged",
    )


def test_a_subset_that_is_hidden(altered: Callable[..., Path], folder: Path, host: Host) -> None:
    def hide(result: dict[str, Any]) -> None:
        result["scores"] = [row for row in result["scores"] if row["subset"] != "new"]

    reasons = submit(altered(hide), folder, host).reasons
    assert any(
        "its rows give recall@10 (final, subset new, by label), and it does not tell" in r for r in reasons
    )


def test_an_altered_protocol(small_run: Make, folder: Path, host: Host, tmp_path: Path) -> None:
    """Rows that are easier: the same fingerprint, and every target new."""
    copy = tmp_path / "copy"
    shutil.copytree(small_run("text-knn").path, copy)
    rows = [json.loads(line) for line in (copy / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        row["dialogue"] = f"{row['dialogue']}-again"
    (copy / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    values = (copy / "values.jsonl").read_text().splitlines()
    changed = [json.loads(line) for line in values]
    for line in changed:
        if "units" in line and not line["ids"][0].startswith(("greedy", "sampled")):
            line["groups"] = [f"{name}-again" for name in line["groups"]]
            if line["ids"][0] + "-again" == line["groups"][0]:
                line["ids"] = line["groups"]
    (copy / "values.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
    verdict = submit(copy, folder, host)
    assert verdict.reasons == (
        "it was scored on other rows than those of crsbench/synthetic, protocol logged",
    )


def test_other_users(small_run: Make, folder: Path, host: Host) -> None:
    verdict = submit(small_run("text-knn", **{"simulator.episodes": 6}).path, folder, host)
    assert verdict.reasons == (
        "the simulator crsbench/synthetic has other options than the one that judges everybody",
    )


def test_other_data(small_run: Make, folder: Path, host: Host) -> None:
    (reason,) = submit(small_run("text-knn", **{"dataset.items": 100}).path, folder, host).reasons
    assert "its data has the fingerprint" in reason
