"""`crsbench data audit`: for people in 80 columns, for machines in one object."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]
SMALL = ["-o", "dialogues=30", "-o", "test=8", "-o", "valid=4"]


def test_for_machines(cli: Cli) -> None:
    answer = cli("data", "audit", "synthetic", *SMALL, "--json")
    assert answer.code == 0
    assert set(answer.json) == {"findings"}
    names = [one["name"] for one in answer.json["findings"]]
    assert len(set(names)) == len(names) > 20
    assert all(
        set(one) == {"name", "count", "total", "examples", "affects"} for one in answer.json["findings"]
    )


def test_for_people(cli: Cli) -> None:
    answer = cli("data", "audit", "crsbench/synthetic", *SMALL)
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0].startswith("crsbench/synthetic, protocol logged, fingerprint ")
    assert all(len(line) <= 80 for line in lines)
    assert "looked for and not found: test dialogues in train" in answer.out
    assert re.search(r"the oracle beats the logger by (0\.\d{3}) \[0\.\d{3}, 0\.\d{3}\], 95%", answer.out)
    shown = [
        one for one in cli("data", "audit", "synthetic", *SMALL, "--json").json["findings"] if one["count"]
    ]
    for one in shown:
        line = next(line for line in lines if line.startswith(one["name"].replace("_", " ") + " "))
        assert f" {one['count']} of {one['total']} " in line


def test_opendialkg(cli: Cli, data_dir: Path) -> None:
    flags = ["opendialkg", "--protocol", "ievalm", "--data-dir", data_dir]
    people = cli("data", "audit", *flags)
    assert people.code == 0
    assert all(len(line) <= 80 for line in people.out.splitlines())
    for part in ("558 of 1113  50.1%", "431 of 1261  34.2%", "- the data has no explicit labels"):
        assert part in people.out
    assert "oracle" not in people.out


def test_what_cannot_be(cli: Cli, tmp_path: Path) -> None:
    for arguments, code, line in [
        ([], 2, "error: which dataset?"),
        (["--simulator", "synthetic"], 2, "error: crsbench data audit --simulator is not there yet"),
        (["synthetc"], 2, "error: unknown dataset 'synthetc' (did you mean 'synthetic'?)"),
        (["synthetic", "--protocol", "x"], 2, "error: dataset 'synthetic' has no protocol 'x'"),
        (["opendialkg", "--data-dir", tmp_path], 4, f"error: {tmp_path}"),
    ]:
        answer = cli("data", "audit", *arguments)
        assert answer.code == code
        assert answer.line.startswith(line)
