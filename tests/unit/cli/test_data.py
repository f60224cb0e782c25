"""`crsbench data list` and `data info`, and `crsbench doctor`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]
SMALL = ["-o", "dialogues=20", "-o", "test=5", "-o", "valid=4"]


def test_list(cli: Cli) -> None:
    rows = {row["name"]: row for row in cli("data", "list", "--json").json["datasets"]}
    assert rows["synthetic"]["protocols"] == ["logged"]
    assert rows["synthetic"]["simulator"] == "synthetic"
    assert rows["opendialkg"]["protocols"][0] == "ievalm"
    people = cli("data", "list").out
    assert "synthetic" in people
    assert "ievalm" in people


def test_info(cli: Cli) -> None:
    facts = cli("data", "info", "synthetic", *SMALL, "--json").json
    assert (facts["protocol"], facts["items"]) == ("logged", 300)
    assert {name: split["dialogues"] for name, split in facts["splits"].items()}["train"] == 20
    assert facts["splits"]["test"]["rows"] == facts["targets"]
    assert len(facts["fingerprint"]) == 16
    assert facts["licence"] is None  # nobody's data
    assert facts["example"]["targets"]
    people = cli("data", "info", "synthetic", *SMALL).out
    assert facts["fingerprint"] in people
    assert facts["example"]["targets"][0] in people
    assert cli("data", "info", "crsbench/synthetic", *SMALL, "--json").json == facts


def test_info_of_real_data(cli: Cli, data_dir: Path) -> None:
    facts = cli("data", "info", "opendialkg", "--data-dir", data_dir, "--json").json
    assert facts["splits"]["test"]["rows"] == 1188
    assert (facts["targets"], facts["dropped"]) == (1262, {"not in the catalogue": 1})
    assert facts["licence"] == "CC BY-NC 4.0"
    assert facts["citation"].startswith("Moon, Shah, Kumar, Subba: OpenDialKG")
    assert "CC BY-NC 4.0" in cli("data", "info", "opendialkg", "--data-dir", data_dir).out


def test_info_where_nothing_is_scored(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "uss").mkdir()
    (tmp_path / "uss" / "ReDial.txt").write_text("USER\tHi [b]\t\t3,4\nSYSTEM\tHo\t\t\nUSER\tOVERALL\t\t5\n")
    facts = cli("data", "info", "uss", "--data-dir", tmp_path, "--json").json
    assert facts["splits"]["train"] == {"dialogues": 1, "turns": 2, "rows": 0, "targets": 0}
    ratings = {"overall": 5.0, "turn 0": 3.5}
    example = {"id": "1", "turns": ["user: Hi [b]", "system: Ho"], "targets": [], "ratings": ratings}
    assert facts["example"] == example
    people = cli("data", "info", "uss", "--data-dir", tmp_path).out
    assert "a dialogue (1)\n  user: Hi [b]\n  system: Ho\n  → overall 5.00, turn 0 3.50\n" in people


def test_what_goes_wrong(cli: Cli, tmp_path: Path) -> None:
    for arguments, code, line in [
        (["synthetc"], 2, "error: unknown dataset 'synthetc' (did you mean 'synthetic'?)"),
        (["synthetic", "--protocol", "x"], 2, "error: dataset 'synthetic' has no protocol 'x'"),
        (["synthetic", "-o", "items=3"], 2, "error: option items: '3' is not allowed"),
        (["opendialkg", "--data-dir", tmp_path], 4, f"error: {tmp_path}"),
    ]:
        answer = cli("data", "info", *arguments)
        assert answer.code == code
        assert answer.line.startswith(line)


def test_doctor(cli: Cli, tmp_path: Path) -> None:
    facts = cli("doctor", "--data-dir", tmp_path / "nowhere", "--json").json
    assert {row["name"] for row in facts["libraries"] if row["version"]} >= {"torch", "transformers"}
    assert {row["extra"] for row in facts["extras"]} == {"encoder", "peft"}
    assert facts["data_dir"] == {"path": str(tmp_path / "nowhere"), "exists": False}
    found = {row["name"]: row for row in facts["datasets"]}
    assert found["synthetic"]["status"] == "ok"
    assert found["opendialkg"]["status"] == "missing"
    assert "download" in found["opendialkg"]["hint"]
    people = cli("doctor", "--data-dir", tmp_path / "nowhere").out
    assert "(not there)" in people
    assert "device" in people
