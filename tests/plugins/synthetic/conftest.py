"""The default scenario as it stands, and a log of each of the seven, drawn once for all tests."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import pytest
from crsbench_synthetic import users
from crsbench_synthetic.dataset import SyntheticDataset
from crsbench_synthetic.log import Logged, write_log
from crsbench_synthetic.scenarios import SCENARIOS
from crsbench_synthetic.world import TRAIN, World, make_world

from crsbench.types import Corpus, State, Turn

DIALOGUES = 1200


@dataclass(frozen=True)
class Shown:
    """A logged recommendation: `number` counts those of its dialogue, `before` were recommended earlier."""

    user: users.User
    number: int
    state: State
    item: int
    turn: Turn
    reply: Turn
    z: bool


@dataclass(frozen=True)
class Log:
    world: World
    logged: list[Logged]
    shown: list[Shown]


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return SyntheticDataset().load("logged", Path("nowhere"), 0)


@functools.cache
def log_of(name: str) -> Log:
    world = make_world(300, 0, SCENARIOS[name])
    logged = list(write_log(world, TRAIN, DIALOGUES))
    shown = []
    for one in logged:
        user, turns = users.draw_user(world, TRAIN, one.index), one.dialogue.turns
        for number, (item, z) in enumerate(zip(one.shown, one.satisfied, strict=True)):
            at = 2 * number + 1
            shown.append(Shown(user, number, State(turns[:at]), item, turns[at], turns[at + 1], z))
    return Log(world, logged, shown)


@pytest.fixture(scope="session", params=SCENARIOS)
def log(request: pytest.FixtureRequest) -> Log:
    """The train log of each scenario in turn."""
    return log_of(request.param)


@pytest.fixture(scope="session")
def logs():
    """`logs(name)`: the train log of one scenario."""
    return log_of
