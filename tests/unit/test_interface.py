"""Versions of the plugin interface."""

from __future__ import annotations

from typing import Any

import pytest

from crsbench.errors import UsageError
from crsbench.hookspecs import INTERFACE
from crsbench.interface import misfit
from crsbench.plugins import Host

POLICY = """
    from crsbench import Spec, hookimpl

    @hookimpl
    def crsbench_policies():
        return [Spec("mine", int)]
"""


@pytest.mark.parametrize("stated", [(), ("1.0",), ("1.2",), ("0.4", "1.1"), ("1.1", "2.0")])
def test_what_fits(stated: tuple[str, ...]) -> None:
    assert misfit(stated, "1.2") is None


@pytest.mark.parametrize(
    ("stated", "newest"), [(("0.9",), "0.9"), (("0.2", "0.10"), "0.10"), (("0.2", "1.3"), "1.3")]
)
def test_what_warns(stated: tuple[str, ...], newest: str) -> None:
    said = f"was written for plugin interface {newest}, and this crsbench has 1.2: it may not work"
    assert misfit(stated, "1.2") == said


@pytest.mark.parametrize("stated", [("1.3",), ("2.0",), ("1.3", "2.0")])
def test_what_is_refused(stated: tuple[str, ...]) -> None:
    with pytest.raises(
        UsageError, match=f"it needs plugin interface {stated[-1]}, and this crsbench has 1.2"
    ):
        misfit(stated, "1.2")


@pytest.mark.parametrize("stated", ["1", "1.x", "", ">=1.0"])
def test_what_is_no_version(stated: str) -> None:
    with pytest.raises(UsageError, match="is no version such as"):
        misfit((stated,))


def test_a_plugin_that_needs_a_newer_one_is_not_imported(site: Any) -> None:
    points = "[crsbench]\nmine = mine\n[crsbench.interface]\n99.0 = mine\n"
    site.install("mine", "raise RuntimeError('was imported')", points=points)
    (broken,) = [b for b in Host.discover().broken if b.origin.distribution == "mine"]
    assert (
        broken.error == f"it needs plugin interface 99.0, and this crsbench has {INTERFACE}: upgrade crsbench"
    )


def test_a_plugin_that_states_ours_loads_without_a_word(site: Any) -> None:
    site.install(
        "mine", POLICY, points=f"[crsbench]\nmine = mine\n[crsbench.interface]\n{INTERFACE} = mine\n"
    )
    host = Host.discover()
    assert host.find("policy", "mine").full == "mine/mine"
    assert host.warnings == []
