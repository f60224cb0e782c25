"""The scenario's users, live. They come from a stream of their own: nobody in the log is met again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import ClassVar

from crsbench.types import Action, Catalog, State, Truth, Turn
from crsbench_synthetic import replies, scenarios, users
from crsbench_synthetic.options import SimulatorOptions
from crsbench_synthetic.scenario import Scenario
from crsbench_synthetic.truths import truth_of
from crsbench_synthetic.world import EPISODE, World, make_world


class SyntheticSimulator:
    """Users answer the first item of an action; an action without one, or with an unknown one, fails them.

    A policy is taken to answer `replies.PAUSE` seconds after the user; dwell counts the words of its text.
    """

    scenario: ClassVar[Scenario] = scenarios.SYNTHETIC

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
        return make_world(self.options.items, self.options.seed, self.scenario)

    def start(self, seeds: Sequence[int]) -> list[State]:
        """One user a seed, the opening turn said. Seeds are not negative."""
        return [
            State((replies.open_dialogue(self._world, self._user(seed)),), session=seed) for seed in seeds
        ]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        """Each user's next turn, and whether the conversation is over: they leave, or had their last turn."""
        found: list[tuple[Turn | None, bool]] = []
        for state, action in zip(states, actions, strict=True):
            item = action.items[0] if action.items and 0 <= action.items[0] < len(self.catalog) else None
            words = len((action.text or "").split())
            reply = replies.answer(self._world, self._user(state.session), state, item, words)
            found.append((reply.turn, reply.over))
        return found

    def truth(self, states: Sequence[State]) -> list[Truth]:
        """Utilities in each state (0 for what was recommended before) and z of its system turns."""
        return [truth_of(self._world, self._user(state.session), state) for state in states]

    def _user(self, session: int | None) -> users.User:
        if session is None:
            raise ValueError("the state has no session: it did not come from this simulator's start()")
        return self._met(session)

    @functools.cached_property
    def _met(self) -> Callable[[int], users.User]:
        """Users are drawn once, as long as there are not too many of them."""
        world = self._world
        return functools.lru_cache(maxsize=4096)(lambda session: users.draw_user(world, EPISODE, session))


class NoisySimulator(SyntheticSimulator):
    scenario = scenarios.NOISY


class PoliteSimulator(SyntheticSimulator):
    scenario = scenarios.POLITE


class DistractedSimulator(SyntheticSimulator):
    scenario = scenarios.DISTRACTED


class ClickbaitSimulator(SyntheticSimulator):
    scenario = scenarios.CLICKBAIT


class ColdSimulator(SyntheticSimulator):
    scenario = scenarios.COLD


class DriftSimulator(SyntheticSimulator):
    scenario = scenarios.DRIFT
