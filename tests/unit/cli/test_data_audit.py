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


def test_the_users_of_a_simulator(cli: Cli) -> None:
    few = [*SMALL, "-o", "simulator.episodes=20"]
    people = cli("data", "audit", "--simulator", "silent", *few)
    assert (people.code, people.err) == (0, "")
    lines = people.out.splitlines()
    assert lines[0] == "users of crsbench/silent, on"
    assert lines[1].startswith("crsbench/synthetic, protocol logged, fingerprint ")
    assert lines[-1] == "no leak: nothing above chance with 20 users"
    assert all(len(line) <= 80 for line in lines)
    found = cli("data", "audit", "--simulator", "silent", "--dataset", "synthetic", *few, "--json")
    assert set(found.json) == {"findings"}
    assert [one["total"] for one in found.json["findings"]][-1] == 20


def test_a_scenarios_users_share_the_options_of_their_dataset(cli: Cli) -> None:
    """A catalogue of another size would end with an index that is not in it."""
    own = cli("data", "audit", "--simulator", "synthetic-noisy", *SMALL, "-o", "items=40")
    assert own.code == 0
    assert own.out.splitlines()[1].startswith("crsbench/synthetic-noisy, ")


def test_a_leak_is_told(cli: Cli, plugin_file: Callable[..., Path]) -> None:
    """A user who is handed the target and says it: the audit names it, and the measure beside its control."""
    folder = plugin_file(
        "tellers",
        """
        from crsbench import Spec, hookimpl
        from crsbench_synthetic.simulator import SyntheticSimulator
        from crsbench.types import State, Turn

        class Teller(SyntheticSimulator):
            def start(self, seeds):
                begun = super().start(seeds)
                best = [int(truth.utilities.argmax()) for truth in self.truth(begun)]
                titles = [self.catalog.items[item].title.upper() for item in best]
                return [State((Turn("user", f"Is {t} good?"),), s.session) for t, s in zip(titles, begun)]

        @hookimpl
        def crsbench_simulators():
            return [Spec("teller", Teller, "crsbench_synthetic.options:SimulatorOptions")]
        """,
    )
    answer = cli("data", "audit", "--simulator", "teller", *SMALL, "--plugins-dir", folder)
    assert answer.code == 0
    for what in ("targets named by user", "targets found by copying"):
        assert re.search(rf"^leak: {what}, 100\.0%; by chance \d\.\d% \(p = \de-\d+\)$", answer.out, re.M)


def test_what_cannot_be(cli: Cli, tmp_path: Path) -> None:
    for arguments, code, line in [
        ([], 2, "error: which dataset?"),
        (["--simulator", "replai"], 2, "error: unknown simulator 'replai' (did you mean 'replay'?)"),
        (["synthetic", "--dataset", "redial"], 2, "error: 'synthetic' or 'redial'?"),
        (
            ["synthetic", "-o", "simulator.episodes=3"],
            2,
            "error: option 'simulator.episodes':",
        ),
        (
            ["--simulator", "silent", *SMALL, "-o", "simulator.episods=3"],
            2,
            "error: unknown option",
        ),
        (
            ["--simulator", "llm", *SMALL],
            2,
            "error: the simulator llm is not told which language model speaks",
        ),
        (["synthetc"], 2, "error: unknown dataset 'synthetc' (did you mean 'synthetic'?)"),
        (["synthetic", "--protocol", "x"], 2, "error: dataset 'synthetic' has no protocol 'x'"),
        (["opendialkg", "--data-dir", tmp_path], 4, f"error: {tmp_path}"),
    ]:
        answer = cli("data", "audit", *arguments)
        assert answer.code == code
        assert answer.line.startswith(line)
