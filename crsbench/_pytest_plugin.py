"""Fixtures for authors of plugins, there wherever crsbench and pytest are installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from crsbench.plugins import Host
    from crsbench.types import Corpus


@dataclass(frozen=True)
class Answer:
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line on standard error; more than one is a failure."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@pytest.fixture
def tiny_dataset() -> Corpus:
    """The tiny world of the conformance suite: eight items, 24 train dialogues, sealed labels."""
    from crsbench.testing import tiny_corpus

    return tiny_corpus()


@pytest.fixture
def plugin_host() -> Host:
    """The plugin host with everything that is installed, and the parts of the tiny world."""
    from crsbench.plugins import Host
    from crsbench.testing.parts import PLUGIN

    host = Host.discover()
    host.add(PLUGIN)
    return host


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """`run_cli("plugins", "--json")`: the command line in this process."""
    from crsbench.cli import main

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call
