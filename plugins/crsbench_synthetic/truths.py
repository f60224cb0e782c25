"""The truth of rows, worked out when it is asked for: utilities of a million items are too many to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from crsbench.types import State, Truth
from crsbench_synthetic import users
from crsbench_synthetic.log import Logged
from crsbench_synthetic.users import User
from crsbench_synthetic.world import World


@dataclass(frozen=True, slots=True)
class _Moment:
    """A turn of a logged dialogue: its user, and what came before it."""

    index: int
    shown: tuple[int, ...]
    satisfied: tuple[bool, ...]


class Truths(Mapping[str, Truth]):
    """Row id → `Truth` of the rows of one stream. Equal at every look, and kept nowhere."""

    def __init__(self, world: World, source: int) -> None:
        self._world = world
        self._source = source
        self._moments: dict[str, _Moment] = {}

    def add(self, logged: Logged) -> None:
        """The rows of one more dialogue."""
        for number, row in enumerate(logged.rows()):
            moment = _Moment(logged.index, logged.shown[:number], logged.satisfied[:number])
            self._moments[row.id] = moment

    def __getitem__(self, row: str) -> Truth:
        moment = self._moments[row]
        user = users.draw_user(self._world, self._source, moment.index)
        return truth(self._world, user, moment.shown, moment.satisfied)

    def __contains__(self, row: object) -> bool:
        return row in self._moments

    def __iter__(self) -> Iterator[str]:
        return iter(self._moments)

    def __len__(self) -> int:
        return len(self._moments)


def truth(world: World, user: User, shown: tuple[int, ...], satisfied: tuple[bool, ...]) -> Truth:
    """After `satisfied` system turns which recommended `shown` (some may have recommended nothing)."""
    values = users.utilities(world, user, len(satisfied), shown)
    return Truth(values.astype(np.float32), satisfied)


def truth_of(world: World, user: User, state: State) -> Truth:
    """In a state of a live conversation."""
    return truth(world, user, users.shown(state), users.satisfied_so_far(world, user, state))
