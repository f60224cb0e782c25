"""Strangers' plugins, one of each kind: they hold the suite, and each changes a run from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.plugins import Kind
from crsbench.testing.bench import Bench, Target
from crsbench.testing.suite import NotAskedError, rules

Run = Callable[..., Any]
Install = Callable[..., Any]
LINES = """\
U: I liked [Alien], what else?
S: Have you seen [Solaris]?
U: no, thank you

U: something funny
S: [Playtime] is very funny, and so is [The General]
U: great!
"""
TINY = {"width": 16, "layers": 1, "heads": 2, "vocabulary": 300}
PPO: dict[str, Any] = {
    **{f"sft.tiny.{name}": n for name, n in TINY.items()},
    **{"sft.epochs": 1, "sft.max_words": 6, "iterations": 2, "dialogues": 8, "minibatch": 4, "epochs": 1},
    # steps that are large enough for so short a training to be seen
    **{"value_warmup": 0, "learning_rate": 0.01, "head_learning_rate": 0.1, "kl_stop": 1000},
}
EVERYTHING = {"labels", "reward", "ppo"}
REWARD = {f"reward.tiny.{name}": n for name, n in TINY.items()} | {"reward.epochs": 1, "reward.max_words": 6}
DATA = {"dataset.items": 20, "dataset.dialogues": 30, "dataset.valid": 4, "dataset.test": 6}
USERS = {"simulator.episodes": 4}


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A folder with the public format of crs-lines."""
    folder = tmp_path / "data" / "lines"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text(LINES, "utf-8")
    (folder / "test.txt").write_text(LINES.replace("liked", "loved"), "utf-8")
    return folder.parent


@pytest.mark.parametrize(
    ("distribution", "kind", "name"),
    [
        ("crs-bm25", "policy", "bm25"),
        ("crs-questions", "signal", "questions"),
        ("crs-questions", "metric", "asks"),
        ("crs-labels", "labels", "best-signal"),
        ("crs-reward", "reward", "novel"),
        ("crs-users", "simulator", "curt"),
        ("crs-lines", "dataset", "lines"),
    ],
)
def test_they_hold_the_suite(
    distribution: str, kind: Kind, name: str, install: Install, lines: Path, tmp_path: Path
) -> None:
    install(distribution)
    bench = Bench(Target(kind, name, data_dir=str(lines)), tmp_path / "bench")
    for rule in rules(kind):
        try:
            rule.ask(bench)
        except NotAskedError as reason:
            pytest.fail(f"{rule.name} was not asked: {reason}")


def test_a_policy_runs_and_is_compared(install: Install, run: Run, run_cli: Run, tmp_path: Path) -> None:
    install("crs-bm25")
    mine, floor = run("bm25", "-o", "k1=2"), run("popularity")
    assert mine.code == floor.code == 0
    described = mine.json["run"]
    assert described["plugin"] == "crs-bm25/bm25"
    assert described["options"]["k1"] == 2
    assert {"name": "crs-bm25/bm25", "version": "1.0"}.items() <= described["plugins"][0].items()
    ids = [tmp_path / "runs" / answer.json["run"]["id"] for answer in (mine, floor)]
    compared = run_cli("compare", *ids, "--json")
    assert compared.code == 0
    sides = {(row["a"], row["b"]) for row in compared.json["rows"]}
    assert any("bm25" in "".join(pair) and "popularity" in "".join(pair) for pair in sides)


def test_a_dataset_is_read_from_files(install: Install, run: Run, lines: Path) -> None:
    install("crs-lines")
    answer = run("popularity", "--dataset", "lines", "--data-dir", lines, "--simulator", "none", options={})
    assert answer.code == 0
    counts = answer.json["counts"]
    assert (counts["rows"], counts["targets"], counts["catalog"], counts["train_dialogues"]) == (2, 3, 4, 2)
    gone = run("popularity", "--dataset", "lines", "--data-dir", lines.parent, options={})
    assert (gone.code, gone.json["error"]["type"]) == (4, "DataError")
    assert "train.txt cannot be read" in gone.line


@pytest.mark.parametrize(
    ("distribution", "arguments", "options", "changed"),
    [
        ("crs-questions", ("--signals", "questions"), REWARD, EVERYTHING),
        (
            "crs-labels",
            ("--labels", "best-signal"),
            REWARD | {"labels.trust": 0.9},
            {"labels", "reward", "ppo"},
        ),
        ("crs-reward", ("--reward", "novel"), {}, {"reward", "ppo"}),
        ("crs-questions", ("--metrics", "asks"), REWARD, set()),
        ("crs-users", ("--simulator", "curt", "--metrics", "satisfaction"), REWARD, set()),
    ],
    ids=["signal", "labels", "reward", "metric", "simulator"],
)
def test_it_changes_a_run_of_ppo(
    distribution: str,
    arguments: tuple[str, ...],
    options: dict[str, Any],
    changed: set[str],
    install: Install,
    run: Run,
    plain: dict[str, Any],
) -> None:
    """Only the stages that it takes part in are other ones; what is measured is what it says."""
    install(distribution)
    users = USERS if "simulator" not in arguments else {"simulator.episodes": 4, "simulator.every": 2}
    answer = run("ppo-iuf", *arguments, options=PPO | DATA | users | options)
    assert answer.code == 0, answer.err
    record = answer.json
    named = [part["name"] for part in record["run"]["plugins"]]
    assert any(name.startswith(f"{distribution}/") for name in named)
    stages = {stage["name"]: stage["id"] for stage in record["stages"]}
    before = {stage["name"]: stage["id"] for stage in plain["stages"]}
    assert {name for name in before if stages[name] != before[name]} == changed
    assert record["run"]["id"] != plain["run"]["id"]
    measured = {score["metric"] for score in record["scores"]}
    if "--metrics" in arguments:
        assert measured == {arguments[-1]}
    if changed:
        assert scores(record) != scores(plain)
    if "--simulator" in arguments:
        assert {score["simulator"] for score in record["scores"]} == {"crs-users/curt"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of a run in which nothing is a stranger's."""
    import crsbench

    folder = tmp_path_factory.mktemp("plain")
    done = crsbench.run("ppo-iuf", options=PPO | DATA | USERS | REWARD, out=folder)
    assert not isinstance(done, list)
    return dict(done.record)


def scores(record: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [(score["metric"], score["stage"], score["value"]) for score in record["scores"]]
