"""`crsbench run`: the table, the record, and bad input of every kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
SMALL = ["-o", "dataset.dialogues=60", "-o", "dataset.test=30", "-o", "dataset.valid=10"]
QUICK = [*SMALL, "-o", "simulator.episodes=10", "--metrics", "recall@1,recall@10,satisfaction"]
POLICY = """
    import time
    from crsbench import Options, Spec, hookimpl
    from crsbench.types import Action

    class Mine:
        needs = frozenset()

        def __init__(self, options):
            pass

        def fit(self, train, ctx):
            WHAT
            return self

        def act(self, states, want="ranking", k=50, mask=None, rng=None):
            allowed = [range(300) if mask is None else mask[i].nonzero()[0] for i in range(len(states))]
            return [Action(items=tuple(int(item) for item in row[:k])) for row in allowed]

        def stages(self):
            return {STAGES}

        def save(self, directory):
            pass

    @hookimpl
    def crsbench_policies():
        return [Spec("mine", Mine)]
"""


@pytest.fixture
def run(cli: Cli, tmp_path: Path) -> Cli:
    """A small, quick run into a fresh folder."""

    def call(*arguments: object) -> Any:
        return cli("run", *arguments, *QUICK, "--out", tmp_path / "runs")

    return call


@pytest.fixture
def mine(plugin_file: Callable[..., Path]) -> Callable[..., list[object]]:
    """Flags for a run of a one-file policy that does `what` when it is fitted."""

    def flags(what: str = "pass", stages: str = '"final": self') -> list[object]:
        source = POLICY.replace("WHAT", what).replace("STAGES", stages)
        return ["--plugin", "mine", "--plugins-dir", plugin_file("in_a_file", source)]

    return flags


def test_the_closing_table(run: Cli, tmp_path: Path) -> None:
    answer = run("--plugin", "popularity")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert "crsbench/popularity on crsbench/synthetic, protocol logged" in lines
    assert "model tiny, seed 0" in lines
    for row in (" recall@1 ", " recall@10 ", " satisfaction ", "test rows", "episodes, greedy"):
        assert any(line.startswith(row.rstrip()) for line in lines), row
    record = next(line for line in lines if line.startswith("record"))
    assert Path(record.removeprefix("record").strip()).is_file()
    nearby = next(line for line in lines if line.startswith("next"))
    assert "crsbench run --plugin text-knn" in nearby
    assert max(len(line) for line in lines if not line.startswith(("record", "next"))) <= 80
    # With something to compare with, comparing is what comes next.
    again = run("--plugin", "naive-copy").out.splitlines()
    assert next(line for line in again if line.startswith("next")).startswith("next    crsbench compare ")


def test_stages_stand_side_by_side(run: Cli, mine: Callable[..., list[object]]) -> None:
    answer = run(*mine(stages='"sft": self, "final": self'))
    assert answer.code == 0, answer.err
    header = next(line for line in answer.out.splitlines() if line.startswith("metric"))
    assert header.split() == ["metric", "sft", "final", "difference"]
    row = next(line for line in answer.out.splitlines() if line.startswith(" recall@1 "))
    assert row.rstrip().endswith("+.000 [+.000, +.000]")
    assert max(len(line) for line in answer.out.splitlines() if line.startswith(" ")) <= 80


def test_a_privileged_policy_is_marked(run: Cli) -> None:
    answer = run("--plugin", "oracle")
    assert "crsbench/oracle † on crsbench/synthetic" in answer.out
    assert "† privileged: it is handed the scenario's truth" in answer.out


def test_json_is_the_record_and_nothing_else(run: Cli, tmp_path: Path) -> None:
    answer = run("--plugin", "popularity", "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    record = answer.json
    assert record["status"] == "complete"
    on_disk = (tmp_path / "runs" / record["run"]["id"] / "result.json").read_text()
    assert json.loads(on_disk) == record
    loud = run("--plugin", "popularity", "--json")
    assert loud.json == record
    assert "crsbench/popularity on crsbench/synthetic" in loud.err


def test_several_seeds_are_a_list_and_a_table_of_means(run: Cli) -> None:
    answer = run("--plugin", "popularity", "--seed", 3, "--seeds", 2, "--json")
    assert answer.code == 0
    assert [record["run"]["seed"] for record in answer.json] == [3, 4]
    assert "2 seeds: 3, 4" in answer.err
    assert "mean [95% t-interval over 2 seeds]" in answer.err
    assert isinstance(run("--plugin", "popularity", "--seeds", 1, "--json").json, list)


def test_seeds_of_two_stages_are_paired(run: Cli, mine: Callable[..., list[object]]) -> None:
    answer = run(*mine(stages='"sft": self, "final": self'), "--seeds", 2)
    assert answer.code == 0, answer.err
    assert "difference: paired, each unit's mean over seeds [95% interval over dialogues]" in answer.out
    assert "next    crsbench compare" in answer.out


def test_the_configuration_of_a_run_runs_again(run: Cli, cli: Cli, tmp_path: Path) -> None:
    first = run("--plugin", "popularity", "--json", "--quiet").json
    config = tmp_path / "runs" / first["run"]["id"] / "config.toml"
    again = cli("run", "--config", config, "--json")
    assert again.json == first
    assert "is finished already" in again.err


def test_what_a_plugin_prints_does_not_reach_standard_output(
    run: Cli, mine: Callable[..., list[object]], tmp_path: Path
) -> None:
    answer = run(*mine("print('noise')"), "--json")
    assert answer.json["status"] == "complete"
    assert "noise" not in answer.err
    folder = tmp_path / "runs" / answer.json["run"]["id"]
    assert "noise" in (folder / "log.txt").read_text()


def test_a_plugin_that_fails(run: Cli, mine: Callable[..., list[object]]) -> None:
    flags = mine("raise ValueError('no such luck')")
    answer = run(*flags, "--quiet")
    assert answer.code == 3
    assert answer.line == "error: in_a_file/mine failed: ValueError: no such luck"
    traced = run(*flags, "--quiet", "--debug")
    assert "Traceback" in traced.err
    assert "ValueError: no such luck" in traced.err
    told = run(*flags, "--json").json
    assert told["error"] == {
        "type": "PluginError",
        "message": "in_a_file/mine failed: ValueError: no such luck",
        "plugin": "in_a_file/mine",
    }


def test_a_broken_plugin_stops_only_the_run_that_asks_for_it(
    run: Cli, plugin_file: Callable[..., Path]
) -> None:
    folder = plugin_file("faulty", "import nothing_of_this_name")
    asked = run("--plugin", "faulty", "--plugins-dir", folder)
    assert asked.code == 3
    assert asked.line == (
        "error: plugin faulty/faulty is broken: ModuleNotFoundError: No module named 'nothing_of_this_name'"
    )
    assert run("--plugin", "popularity", "--plugins-dir", folder, "--quiet").code == 0


def test_a_shared_name_is_ours_with_a_warning(run: Cli, plugin_file: Callable[..., Path]) -> None:
    source = (
        POLICY.replace("WHAT", "pass").replace("STAGES", '"final": self').replace('"mine"', '"popularity"')
    )
    answer = run("--plugin", "popularity", "--plugins-dir", plugin_file("in_a_file", source), "--json")
    assert answer.json["run"]["plugin"] == "crsbench/popularity"
    warning = "policy 'popularity' is crsbench/popularity; the same name is offered as in_a_file/popularity"
    assert f"warning: {warning}" in answer.err


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--plugin", "populrity"], "unknown policy 'populrity' (did you mean 'popularity'?)"),
        (["--dataset", "synthetc"], "unknown dataset 'synthetc' (did you mean 'synthetic'?)"),
        (["--protocol", "loged"], "dataset 'synthetic' has no protocol 'loged' (did you mean 'logged'?)"),
        (["--signals", "dwel"], "unknown signal 'dwel' (did you mean 'dwell'?)"),
        (["--labels", "latent-clas"], "unknown labels 'latent-clas' (did you mean 'latent-class'?)"),
        (["--reward", "iuf-rewrd"], "unknown reward 'iuf-rewrd' (did you mean 'iuf-reward'?)"),
        (["--metrics", "recall@2"], "unknown metric 'recall@2' (did you mean 'recall@25'?)"),
        (["--simulator", "syntetic"], "unknown simulator 'syntetic' (did you mean 'synthetic'?)"),
        (["-o", "dataset.item=5"], "unknown option 'dataset.item' (did you mean 'dataset.items'?)"),
        (["-o", "dataset.items=x"], "option dataset.items: 'x' is not allowed; it takes an integer from 10"),
        (["-o", "dataset.items=3"], "option dataset.items: '3' is not allowed; it takes an integer from 10"),
        (["-o", "nonsense"], "-o nonsense: not of the form key=value (as in -o sft.epochs=3)"),
        (["--device", "tpu"], "--device: 'tpu' is not allowed; it takes one of auto, cpu, cuda"),
        (["--seed", "-1"], "--seed: -1 is not allowed; it takes an integer of at least 0"),
        (["--limit", "0"], "--limit: 0 is not allowed; it takes an integer of at least 1"),
        (["--plugins-dir", "nowhere"], "--plugins-dir: nowhere is not a folder"),
        (["--config", "no.toml"], "--config: no.toml cannot be read: No such file or directory"),
        (["--model", "./nowhere"], "--model: ./nowhere is no folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(flags: list[str], line: str, cli: Cli, tmp_path: Path) -> None:
    plugin = [] if "--plugin" in flags else ["--plugin", "popularity"]
    answer = cli("run", *plugin, *flags, "--out", tmp_path / "runs", "--quiet")
    assert answer.code == 2
    assert answer.line.startswith(f"error: {line}")


@pytest.mark.parametrize("flags", [["--plugin", "populrity"], ["--plugin", "popularity", "--dataset", "no"]])
def test_a_mistyped_name_leaves_no_folder(flags: list[str], cli: Cli, tmp_path: Path) -> None:
    assert cli("run", *flags, "--out", tmp_path / "runs").code == 2
    assert not (tmp_path / "runs").exists()


def test_no_plugin_is_named(cli: Cli) -> None:
    answer = cli("run")
    assert (answer.code, answer.line) == (
        2,
        "error: which policy? --plugin is missing (crsbench plugins lists what there is)",
    )


def test_an_output_folder_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = cli("run", "--plugin", "popularity", *QUICK, "--out", tmp_path / "file" / "runs")
    assert answer.code == 2
    assert answer.line.startswith(f"error: cannot write {tmp_path / 'file' / 'runs'}")


def test_missing_data_says_what_to_download_to_where(cli: Cli, tmp_path: Path) -> None:
    flags = ["--dataset", "opendialkg", "--data-dir", tmp_path / "nowhere", "--out", tmp_path / "runs"]
    answer = cli("run", "--plugin", "popularity", *flags, "--quiet")
    assert answer.code == 4
    assert "download" in answer.line
    assert str(tmp_path / "nowhere") in answer.line


def test_an_interrupt_is_130_and_the_same_command_goes_on(
    mine: Callable[..., list[object]], tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    what = f"open({str(ready)!r}, 'w').close() or time.sleep(60)"
    command = [sys.executable, "-m", "crsbench", "run", *map(str, mine(what)), *QUICK]
    command += ["--out", str(tmp_path / "runs"), "--quiet"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    hint = "(the same command goes on from the last finished stage)"
    assert err.strip() == f"interrupted in in_a_file/mine {hint}"
    assert out == ""
