"""`crsbench new`: whole or not at all, and nothing that was there is touched."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench import scaffold
from crsbench.hookspecs import INTERFACE
from crsbench.plugins import KINDS

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written(kind: str, cli: Cli, tmp_path: Path) -> None:
    answer = cli("new", "my-crs", "--kind", kind)
    assert answer.code == 0
    assert answer.out.splitlines()[-1] == "next: pip install ./my-crs && crsbench check my-crs"
    home = tmp_path / "my-crs"
    project = tomllib.loads((home / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "my-crs"
    assert project["entry-points"] == {
        "crsbench": {"my-crs": "my_crs"},
        "crsbench.interface": {INTERFACE: "my_crs"},
    }
    assert f'@checks("{kind}", "my-crs")' in (home / "tests" / "test_conformance.py").read_text("utf-8")
    assert code_lines(home / "src" / "my_crs") < 30
    assert "$" not in "".join(path.read_text("utf-8") for path in home.rglob("*.py"))
    assert [path.name for path in tmp_path.iterdir()] == ["my-crs"]


def code_lines(package: Path) -> int:
    """Lines of code: neither blank, nor an import, nor a docstring."""
    count = 0
    for path in package.glob("*.py"):
        text = path.read_text("utf-8")
        taken: set[int] = set()
        for node in ast.walk(ast.parse(text)):
            said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if said or isinstance(node, ast.Import | ast.ImportFrom):
                taken |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        lines = enumerate(text.splitlines(), 1)
        count += sum(
            bool(line.strip()) and n not in taken and not line.lstrip().startswith("#") for n, line in lines
        )
    return count


def test_what_is_written_keeps_to_its_own_style(tmp_path: Path) -> None:
    """Sorted, formatted and typed as its author's tools would have it."""
    for kind in KINDS:
        scaffold.write("my-crs", kind, tmp_path / kind)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--select", "E,F,I,UP,RUF"], ["format", "--check"]):
        done = subprocess.run([*ruff, *command, tmp_path], capture_output=True, text=True)
        if "No module named ruff" in done.stderr:
            pytest.skip("ruff is not installed")
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["My.Crs", "my_crs", "crs2"])
def test_names_that_are_taken_as_they_are(name: str, cli: Cli, tmp_path: Path) -> None:
    assert cli("new", name).code == 0
    assert (tmp_path / name / "src" / name.lower().replace(".", "_") / "plugin.py").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("-x",), None),
        (("a b",), "'a b' is no name of a distribution"),
        (("../x",), "'../x' is no name of a distribution"),
        (("my-crs-",), "'my-crs-' is no name of a distribution"),
        (("été",), "'été' is no name of a distribution"),
        (("2crs",), "'2crs' gives a package '2crs', which Python cannot import"),
        (("class",), "'class' gives a package 'class', which Python cannot import"),
        (("json",), "'json' would hide the module json, which is there already"),
        (("numpy",), "'numpy' would hide the module numpy, which is there already"),
        (("crsbench",), "'crsbench' would hide the module crsbench, which is there already"),
        (("ppo-iuf",), "crsbench has a policy 'ppo-iuf' already"),
        (("my-crs", "--kind", "polcy"), "unknown kind 'polcy' (did you mean 'policy'?)"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], line: str | None, cli: Cli, tmp_path: Path) -> None:
    answer = cli("new", *arguments)
    assert answer.code == 2
    assert answer.line.startswith(f"error: {line or ''}")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "my-crs").mkdir()
    (tmp_path / "my-crs" / "mine.txt").write_text("mine")
    answer = cli("new", "my-crs")
    assert (answer.code, answer.line) == (
        2,
        f"error: {tmp_path / 'my-crs'} is there already (nothing was written)",
    )
    assert [path.name for path in (tmp_path / "my-crs").iterdir()] == ["mine.txt"]


def test_half_of_it_is_never_left(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crsbench.scaffold.os.rename", full)
    answer = cli("new", "my-crs")
    assert answer.code == 2
    assert answer.line == f"error: cannot write {tmp_path / 'my-crs'}: No space left on device"
    assert list(tmp_path.iterdir()) == []
