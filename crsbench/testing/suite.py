"""What a check is, and which checks each kind of plugin has to pass."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crsbench.errors import CrsbenchError
from crsbench.plugins import Kind

if TYPE_CHECKING:
    from crsbench.testing.bench import Bench

Ask = Callable[["Bench"], None]
_HOMES: dict[Kind, str] = {
    "policy": "policies",
    "signal": "signals",
    "labels": "labels",
    "reward": "rewards",
    "metric": "metrics",
    "dataset": "datasets",
    "simulator": "simulators",
}


class ConformanceError(CrsbenchError):
    """A plugin that does not do what its kind promises: one line that says what it did instead."""

    exit_code = 3


class NotAskedError(Exception):
    """A check that cannot be asked here, and why: it counts neither as passed nor as failed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One check: `asks` says what holds where it passes."""

    name: str
    asks: str
    ask: Ask


def demand(holds: bool, otherwise: str) -> None:
    """Raise ConformanceError, saying what is wrong, unless it holds."""
    if not holds:
        raise ConformanceError(otherwise)


def rules(kind: Kind) -> tuple[Rule, ...]:
    """The checks of a kind, in the order in which they are asked."""
    asks: list[Ask] = []
    for home in ("common", _HOMES[kind]):
        listed: Sequence[Ask] = importlib.import_module(f"crsbench.testing.{home}").CHECKS
        asks += listed
    return tuple(Rule(ask.__name__, _first_line(ask), ask) for ask in asks)


def _first_line(ask: Ask) -> str:
    return (ask.__doc__ or "").strip().splitlines()[0].rstrip(".")
