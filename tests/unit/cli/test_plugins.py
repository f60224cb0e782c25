"""`crsbench plugins` and `plugins show`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench.plugins import Host

Cli = Callable[..., Any]
POLICY = """
    from pydantic import Field
    from crsbench import Options, Spec, hookimpl

    class Mine(Options):
        depth: int = Field(3, ge=1, le=9, description="how deep")

    print("printed on import")

    @hookimpl
    def crsbench_policies():
        return [Spec("mine", "in_a_file:Class", Mine, summary="a stranger's", privileged=True)]
"""


def test_the_listing_for_machines(cli: Cli, plugin_file: Callable[..., Path]) -> None:
    folder = plugin_file("in_a_file", POLICY)
    plugin_file("faulty", "import nothing_of_this_name")
    answer = cli("plugins", "--json", "--plugins-dir", folder)
    assert answer.code == 0
    rows = {(row["kind"], row["full"]): row for row in answer.json["plugins"]}
    mine = rows["policy", "in_a_file/mine"]
    assert mine["origin"] == {"distribution": "in_a_file", "version": "0", "module": "in_a_file"}
    assert (mine["name"], mine["status"], mine["error"], mine["privileged"]) == ("mine", "ok", None, True)
    assert mine["options"] == {
        "depth": {"default": 3, "allowed": "an integer from 1 to 9", "description": "how deep"}
    }
    faulty = rows[None, "faulty/faulty"]
    assert faulty["status"] == "broken"
    assert faulty["error"] == "ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert rows["policy", "crsbench/ppo-iuf"]["options"]["sft.epochs"]["allowed"].startswith("an integer")
    assert "warning: in_a_file/in_a_file printed on loading: printed on import" in answer.err


def test_the_listing_for_people(cli: Cli, plugin_file: Callable[..., Path]) -> None:
    folder = plugin_file("in_a_file", POLICY)
    plugin_file("faulty", "import nothing_of_this_name")
    answer = cli("plugins", "--plugins-dir", folder)
    assert answer.code == 0
    lines = answer.out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ")]
    whole = " ".join(answer.out.split())
    assert all(" ".join(offer.spec.summary.split()) in whole for offer in Host.discover().offers)
    assert {"popularity", "sft", "ppo-iuf", "synthetic", "mine", "recall@10"} <= set(names)
    assert "  mine †" in answer.out
    broken = "broken: faulty/faulty: ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert broken in lines
    assert max(len(line) for line in lines if not line.startswith("broken")) <= 80


def test_a_plugin_whose_options_cannot_be_imported_is_broken(
    cli: Cli, plugin_file: Callable[..., Path]
) -> None:
    folder = plugin_file("in_a_file", POLICY.replace("Mine,", '"in_a_file:Nothing",'))
    rows = cli("plugins", "--json", "--plugins-dir", folder).json["plugins"]
    mine = next(row for row in rows if row["name"] == "mine")
    assert mine["status"] == "broken"
    assert "in_a_file/mine failed: AttributeError" in mine["error"]


@pytest.mark.parametrize("name", ["mine", "in_a_file/mine"])
def test_show(name: str, cli: Cli, plugin_file: Callable[..., Path]) -> None:
    folder = plugin_file("in_a_file", POLICY)
    answer = cli("plugins", "show", name, "--plugins-dir", folder)
    assert answer.code == 0
    assert "in_a_file/mine  policy" in answer.out
    assert "from in_a_file 0, module in_a_file" in answer.out
    assert "depth" in answer.out
    assert "an integer from 1 to 9" in answer.out
    assert (
        cli("plugins", "--json", "--plugins-dir", folder, "show", name).json["plugins"][0]["name"] == "mine"
    )


def test_brackets_are_shown_as_they_are(cli: Cli, plugin_file: Callable[..., Path]) -> None:
    source = POLICY.replace("depth: int = Field(3, ge=1, le=9", 'tags: list[str] = Field(["red"]')
    folder = plugin_file("in_a_file", source.replace("how deep", "[/x] [a, b]"))
    answer = cli("plugins", "show", "mine", "--plugins-dir", folder)
    assert answer.code == 0
    assert "['red']" in answer.out
    assert "[/x] [a, b]" in answer.out


def test_show_tells_every_kind_of_a_name(cli: Cli) -> None:
    answer = cli("plugins", "show", "synthetic", "--json")
    assert {"dataset", "simulator"} <= {row["kind"] for row in answer.json["plugins"]}


def test_show_a_broken_plugin(cli: Cli, plugin_file: Callable[..., Path]) -> None:
    answer = cli("plugins", "show", "faulty", "--plugins-dir", plugin_file("faulty", "1 / 0"))
    assert answer.code == 0
    assert "broken: ZeroDivisionError: division by zero" in answer.out


def test_an_unknown_plugin(cli: Cli) -> None:
    answer = cli("plugins", "show", "sfft")
    assert (answer.code, answer.line) == (2, "error: unknown plugin 'sfft' (did you mean 'sft'?)")


def test_installed_strangers_are_seen_by_a_new_process(cli_process: Cli, site: Any) -> None:
    site.install("stranger", POLICY.replace("in_a_file", "stranger"))
    site.install("faulty", "import nothing_of_this_name")
    answer = cli_process("plugins", "--json", path=site.path)
    assert answer.code == 0
    rows = {row["full"]: row["status"] for row in answer.json["plugins"]}
    assert rows["stranger/mine"] == "ok"
    assert rows["faulty/faulty"] == "broken"
    only = cli_process("plugins", "--json", path=site.path, env={"CRSBENCH_PLUGINS": "stranger"})
    assert [row["full"] for row in only.json["plugins"]] == ["stranger/mine"]
