"""Everything that a plugin may do wrong ends as the guide says, and harms nobody else.

Whatever is installed beside it, a run that does not name it leaves the same record and files, bit for bit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.hookspecs import INTERFACE
from tests.third_party.conftest import SMALL, content

HAS = f"crsbench has {INTERFACE}"

BAD = (
    "bad-import",
    "bad-return",
    "bad-answer",
    "bad-twin-one",
    "bad-hook",
    "bad-fit",
    "bad-observer",
    "bad-hang",
    "bad-print",
    "bad-random",
    "bad-name",
    "bad-interface",
    "bad-old",
)
Install = Callable[..., Any]
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves where nothing of a stranger's is installed."""
    import crsbench

    typed = {key: str(value) for key, value in SMALL.items()}  # as the command line passes them
    done = crsbench.run("popularity", options=typed, out=tmp_path_factory.mktemp("alone"))
    assert not isinstance(done, list)
    return content(done.path)


@pytest.mark.parametrize("name", BAD)
def test_an_unrelated_run_is_the_same(
    name: str, alone: dict[str, Any], install: Install, run: Run, tmp_path: Path
) -> None:
    install(name)
    answer = run("popularity")
    assert answer.code == 0
    found = content(tmp_path / "runs" / answer.json["run"]["id"])
    assert found.keys() == alone.keys()
    for part, expected in alone.items():
        assert found[part] == expected, part
    failures = answer.json["observer_failures"]
    if name == "bad-observer":
        assert failures == [
            "bad-observer/bad-observer: crsbench_run_started: RuntimeError: the tracker is not there",
            "bad-observer/bad-observer: crsbench_run_finished: RuntimeError: the tracker is still not there",
        ]
    else:
        assert failures == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bad-import", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("bad-return", "crsbench_policies returned dict, not a list of Spec"),
        ("bad-hook", "unknown hook 'crsbench_polices'; did you mean 'crsbench_policies'?"),
        ("bad-interface", f"it needs plugin interface 1.99, and this {HAS}: upgrade crsbench"),
    ],
)
def test_what_does_not_load_is_listed_with_its_cause(
    name: str, reason: str, install: Install, run_cli: Run, run: Run
) -> None:
    install(name)
    rows = run_cli("plugins", "--json").json["plugins"]
    (row,) = [row for row in rows if row["origin"]["distribution"] == name]
    assert (row["status"], row["error"]) == ("broken", reason)
    asked = run(name)
    assert asked.code == 3
    assert asked.line == f"error: plugin {name}/{name} is broken: {reason}"
    checked = run_cli("check", name)
    assert (checked.code, checked.line) == (3, asked.line)


def test_what_was_written_for_an_older_interface_loads_with_a_warning(install: Install, run_cli: Run) -> None:
    install("bad-old")
    answer = run_cli("plugins", "--json")
    said = f"bad-old/bad-old was written for plugin interface 0.3, and this {HAS}: it may not work"
    assert answer.line == f"warning: {said}"
    assert "bad-old/old" in [row["full"] for row in answer.json["plugins"] if row["status"] == "ok"]


def test_a_name_that_two_strangers_offer_is_refused(install: Install, run: Run) -> None:
    install("bad-twin-one", "bad-twin-two")
    answer = run("twin")
    assert answer.code == 2
    several = "policy 'twin' is offered by several plugins: bad-twin-one/twin, bad-twin-two/twin"
    assert answer.line == f"error: {several} (say which, as in bad-twin-one/twin)"
    named = run("bad-twin-two/twin", "--metrics", "recall@10", "--simulator", "none", options=DATA)
    assert (named.code, named.json["run"]["plugin"]) == (0, "bad-twin-two/twin")


def test_a_name_of_the_suite_means_the_suites_own(install: Install, run: Run) -> None:
    install("bad-name")
    answer = run("popularity", "--metrics", "recall@10", "--simulator", "none", options=DATA)
    assert answer.json["run"]["plugin"] == "crsbench/popularity"
    said = "policy 'popularity' is crsbench/popularity; the same name is offered as bad-name/popularity"
    assert answer.line == f"warning: {said}"
    other = run("bad-name/popularity", "--metrics", "recall@10", "--simulator", "none", options=DATA)
    assert other.json["run"]["plugin"] == "bad-name/popularity"


def test_what_raises_in_fit_ends_the_run_in_one_line(install: Install, run: Run, tmp_path: Path) -> None:
    install("bad-fit")
    answer = run("fit", "--simulator", "none", options=DATA)
    assert answer.code == 3
    assert answer.line == "error: bad-fit/fit failed: RuntimeError: no idea"
    assert answer.json["error"]["plugin"] == "bad-fit/fit"
    (record,) = (tmp_path / "runs").glob("*/result.json")
    assert '"status": "failed"' in record.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "act returned NoneType, not a list of Action"),
        (("popularity", "--metrics", "nothing"), "measure returned NoneType, not a list of Values"),
        (("popularity", "--dataset", "nothing"), "load returned NoneType, not Corpus"),
        (("popularity", "--simulator", "nothing"), "start returned NoneType, not a list of State"),
        (("ppo-iuf", "--signals", "nothing"), "measure returned NoneType, not Signal"),
        (
            ("ppo-iuf", "--labels", "nothing", "--signals", "engagement"),
            "predict returned NoneType, not WeakLabel",
        ),
    ],
    ids=["policy", "metric", "dataset", "simulator", "signal", "labels"],
)
def test_a_wrong_return_type_names_the_plugin_and_the_call(
    arguments: tuple[str, ...], said: str, install: Install, run: Run
) -> None:
    install("bad-answer")
    options = {} if "--dataset" in arguments else DATA | PPO if arguments[0] == "ppo-iuf" else DATA
    answer = run(*arguments, options=options)
    assert (answer.code, answer.line) == (3, f"error: bad-answer/nothing: {said}")


def test_what_is_printed_stays_out_of_the_answer(install: Install, run: Run, tmp_path: Path) -> None:
    install("bad-print")
    answer = run("print", "--metrics", "recall@10", "--simulator", "none", options=DATA)
    assert answer.line == "warning: bad-print/bad-print printed on loading: loaded"
    log = (tmp_path / "runs" / answer.json["run"]["id"] / "log.txt").read_text("utf-8")
    assert log.startswith("fitting\nacting\n")


def test_random_state_is_kept(install: Install, run: Run) -> None:
    import random

    import numpy as np

    def state() -> str:
        return repr((random.getstate(), np.random.get_state()))

    install("bad-random")
    before = state()
    assert run("random", "--metrics", "recall@10", "--simulator", "none", options=DATA).code == 0
    assert state() == before


def test_what_hangs_is_named_by_an_interrupt(install: Install, tmp_path: Path) -> None:
    sites = install("bad-hang")
    path = os.pathsep.join([*map(str, sites), os.environ.get("PYTHONPATH", "")])
    given = [word for key, value in DATA.items() for word in ("-o", f"{key}={value}")]
    child = subprocess.Popen(
        [sys.executable, "-m", "crsbench", "run", "--plugin", "hang", "--quiet", "--out", tmp_path, *given],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert child.stderr is not None
    with child.stderr as said:
        assert said.readline() == "asleep\n"
        child.send_signal(signal.SIGINT)
        last = said.read()
    hint = "the same command goes on from the last finished stage"
    assert (child.wait(60), last) == (130, f"interrupted in bad-hang/hang ({hint})\n")


def test_what_hangs_is_named_by_the_time_limit_of_check(install: Install, run_cli: Run) -> None:
    install("bad-hang")
    answer = run_cli("check", "hang", "--seconds", "15", "--json")
    assert answer.code == 3
    rows = {row["check"]: (row["outcome"], row["detail"]) for row in answer.json["checks"]}
    assert rows["options_round_trip"] == ("passed", None)
    assert rows["fits_in_time"] == ("failed", "no end within 15 s")
    assert rows["saves_and_loads"] == ("skipped", "not asked after fits_in_time, which ended the process")


DATA = {"dataset.items": 20, "dataset.dialogues": 30, "dataset.valid": 4, "dataset.test": 6}
PPO = {"sft.tiny.width": 16, "sft.tiny.layers": 1, "sft.tiny.heads": 2, "sft.tiny.vocabulary": 300}
PPO |= {"sft.epochs": 1}
