"""The front door: how light it is, and how it says what went wrong."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "transformers", "sklearn", "nltk", "scipy")
Cli = Callable[..., Any]


def imported(*arguments: str) -> set[str]:
    """What a command has imported when it is done."""
    script = (
        "import json, sys\n"
        "from crsbench.cli import main\n"
        f"main({list(arguments)!r})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert not imported(*arguments) & {*HEAVY, "pydantic", "numpy", "rich"}


@pytest.mark.parametrize(
    "arguments",
    [["plugins"], ["plugins", "--json"], ["plugins", "show", "ppo-iuf"], ["run", "--help"], ["run"]],
)
def test_listing_plugins_imports_nothing_heavy(arguments: list[str]) -> None:
    assert not imported(*arguments) & set(HEAVY)


def test_help_takes_less_than_0_3_seconds_of_cpu() -> None:
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "crsbench", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The least of a few: what else runs on the machine only ever adds to it.
    assert min(seconds() for _ in range(4)) < 0.3


def test_help_lists_what_works_first(cli: Cli) -> None:
    answer = cli()
    assert answer.code == 0
    commands = answer.out.partition("Commands:")[2].split()
    assert commands[0] == "run"
    assert answer.out == cli("--help").out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rn"], "error: No such command 'rn'. Did you mean 'run'? (crsbench --help says more)"),
        (["data"], "error: Missing command. (crsbench data --help says more)"),
        (["run", "--sed", "1"], "error: No such option: --sed"),
        (["run", "--seed", "x"], "error: Invalid value for '--seed'"),
        (["run", "--plugin"], "error: Option '--plugin' requires an argument."),
        (["plugins", "show"], "error: Missing argument 'NAME'."),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments: list[str], line: str, cli: Cli) -> None:
    answer = cli(*arguments)
    assert answer.code == 2
    assert answer.line.startswith(line)
    assert answer.out == ""


def test_with_json_an_error_is_an_object_too(cli: Cli) -> None:
    answer = cli("plugins", "show", "sfft", "--json")
    assert answer.code == 2
    assert "did you mean 'sft'?" in answer.line
    assert answer.json == {
        "schema": 1,
        "status": "failed",
        "error": {"type": "UsageError", "message": "unknown plugin 'sfft'", "plugin": None},
    }


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def discover(*_: object) -> None:
        raise error

    monkeypatch.setattr("crsbench.plugins.Host.discover", discover)


def test_what_nobody_expected_is_an_internal_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, RuntimeError("two\nlines"))
    answer = cli("plugins")
    assert answer.code == 1
    assert answer.line == "internal error: RuntimeError: two (the traceback: crsbench --debug …)"
    traced = cli("--debug", "plugins")
    assert traced.code == 1
    assert "Traceback (most recent call last)" in traced.err


def test_an_interrupt_anywhere_is_130_and_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    answer = cli("plugins")
    assert (answer.code, answer.line) == (130, "interrupted")


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    command = f"{sys.executable} -m crsbench plugins --json | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=dict(os.environ), cwd=tmp_path
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
