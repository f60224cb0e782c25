"""`crsbench check`: a process of its own, a time limit, and one line a check."""

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
Files = Callable[..., Path]
POLICY = """
    import os, sys, time
    from pydantic import Field
    from crsbench import Options, Spec, hookimpl
    from crsbench.testing.parts import Counts

    class MyOptions(Options):
        depth: int = Field(default=3, ge=1, le=9, description="how deep")

    class Mine(Counts):
        def fit(self, train, ctx):
            {fit}
            return super().fit(train, ctx)

    @hookimpl
    def crsbench_policies():
        return [Spec("mine", Mine, MyOptions)]
"""


def test_what_passes(cli: Cli, plugin_file: Files) -> None:
    folder = plugin_file("in_a_file", POLICY.format(fit="print('noise'); os.write(1, b'more noise')"))
    answer = cli("check", "mine", "--plugins-dir", folder, "--json", "-o", "depth=4")
    assert answer.code == 0
    rows = answer.json["checks"]
    assert answer.json["passed"]
    assert {row["outcome"] for row in rows} == {"passed"}
    assert rows[0] == {
        "plugin": "in_a_file/mine",
        "kind": "policy",
        "check": "constructor_does_nothing",
        "asks": "The constructor stores the options and does nothing else",
        "outcome": "passed",
        "detail": None,
        "seconds": rows[0]["seconds"],
    }


def test_what_fails_is_named(cli: Cli, plugin_file: Files) -> None:
    folder = plugin_file("in_a_file", POLICY.format(fit="raise ValueError('no idea')"))
    answer = cli("check", "mine", "--plugins-dir", folder)
    assert answer.code == 3
    assert answer.line.startswith("error: mine does not hold: fits_in_time, same_seed_same_actions, ")
    assert "       in_a_file/mine failed: ValueError: no idea" in answer.out.splitlines()
    assert "  ok   options_round_trip: " in answer.out
    assert answer.out.splitlines()[-1] == "2 passed, 15 failed"


def test_what_ends_the_process_is_named(cli: Cli, plugin_file: Files) -> None:
    folder = plugin_file("in_a_file", POLICY.format(fit="os.kill(os.getpid(), 9)"))
    answer = cli("check", "mine", "--plugins-dir", folder, "--json")
    rows = {row["check"]: (row["outcome"], row["detail"]) for row in answer.json["checks"]}
    assert answer.code == 3
    assert rows["fits_in_time"] == ("failed", "the process ended with SIGKILL")
    assert rows["runs_whole"][0] == "skipped"


def test_an_interrupt_names_the_check(plugin_file: Files) -> None:
    folder = plugin_file("in_a_file", POLICY.format(fit="time.sleep(600)"))
    child = subprocess.Popen(
        [sys.executable, "-m", "crsbench", "check", "mine", "--plugins-dir", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if "options_round_trip" in line:
            break
    time.sleep(0.3)  # the next check has begun
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (130, "interrupted in the check fits_in_time of in_a_file/mine\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("sfft",), "unknown plugin 'sfft' (did you mean 'sft'?)"),
        (("popularity", "--kind", "polcy"), "unknown kind 'polcy' (did you mean 'policy'?)"),
        (("popularity", "--kind", "metric"), "unknown plugin 'popularity' (did you mean 'popularity'?)"),
        (("popularity", "-o", "depth=3"), "unknown option 'depth'"),
    ],
)
def test_a_wrong_call(arguments: tuple[str, ...], line: str, cli: Cli) -> None:
    answer = cli("check", *arguments)
    assert (answer.code, answer.line) == (2, f"error: {line}")


def test_a_name_of_several_kinds(cli: Cli) -> None:
    answer = cli("check", "synthetic", "--kind", "simulator", "-o", "items=12", "--json")
    assert answer.code == 0
    assert {row["kind"] for row in answer.json["checks"]} == {"simulator"}


def test_tracebacks_for_those_who_ask(plugin_file: Files) -> None:
    folder = plugin_file("in_a_file", POLICY.format(fit="raise ValueError('no idea')"))
    command = [
        sys.executable,
        "-m",
        "crsbench",
        "check",
        "mine",
        "--plugins-dir",
        folder,
        "--json",
        "--debug",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert json.loads(done.stdout)["passed"] is False
    assert "Traceback" in done.stderr
