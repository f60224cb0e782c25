"""The scenario's users, live. They come from a stream of their own: nobody in the log is met again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crsbench.types import Action, Catalog, State, Truth, Turn
from crsbench_synthetic import users
from crsbench_synthetic.options import SimulatorOptions
from crsbench_synthetic.world import EPISODE, World, make_world


class SyntheticSimulator:
    """Users answer the first item of an action; an action without one, or with an unknown one, fails them.

    A policy is taken to answer `users.PAUSE` seconds after the user, and dwell counts the words of its text.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()

    @property
    def episodes(self) -> int:
        """How many conversations an evaluation holds."""
        return self.options.episodes

    @property
    def catalog(self) -> Catalog:
        """What these users know: its fingerprint must be that of the dataset's catalogue."""
        return self._world.catalog

    @property
    def _world(self) -> World:
        return make_world(self.options.items, self.options.seed)

    def start(self, seeds: Sequence[int]) -> list[State]:
        """One user a seed, the opening turn said. Seeds are not negative."""
        return [State((users.open_dialogue(self._world, self._user(seed)),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        """Each user's next turn, and whether the conversation is over: they leave, or had their last turn."""
        found: list[tuple[Turn | None, bool]] = []
        for state, action in zip(states, actions, strict=True):
            item = action.items[0] if action.items and 0 <= action.items[0] < len(self.catalog) else None
            words = len((action.text or "").split())
            reply = users.answer(self._world, self._user(state.session), state, item, words)
            found.append((reply.turn, reply.over))
        return found

    def truth(self, states: Sequence[State]) -> list[Truth]:
        """Utilities in each state (0 for what was recommended before) and z of its system turns."""
        world = self._world
        found: list[Truth] = []
        for state in states:
            user = self._user(state.session)
            values = users.utilities(world, user, users.shown(state)).astype(np.float32)
            found.append(Truth(values, users.satisfied_so_far(world, user, state)))
        return found

    def _user(self, session: int | None) -> users.User:
        if session is None:
            raise ValueError("the state has no session: it did not come from this simulator's start()")
        return users.draw_user(self._world, EPISODE, session)
