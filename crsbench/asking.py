"""Ask a policy or a simulator, and check the answer: what is scored is what the protocol says, or nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from crsbench.errors import PluginError, UsageError
from crsbench.guard import listed
from crsbench.protocols import GroundedSimulator, Simulator, Want
from crsbench.types import Action, Catalog, Dialogue, State, Truth, Turn

T = TypeVar("T")
BATCH = 256  # states asked at once
Guard = Callable[[], AbstractContextManager[None]]  # around each call, see `plugins.guarded`


@dataclass(frozen=True, slots=True)
class Actor:
    """One stage of a policy, with the full name of its plugin and the size of the catalogue."""

    stage: str
    policy: Any
    plugin: str
    items: int
    privileged: bool = False
    guard: Guard = nullcontext

    def act(
        self,
        states: Sequence[State],
        want: Want,
        k: int,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
        truths: Sequence[Truth] | None = None,
    ) -> list[Action]:
        """One checked answer a state. The policy sees histories alone; a privileged one also the `truths`.

        Raises PluginError, naming the plugin, where an answer breaks the protocol. A ranking may be shorter
        than `k` (what is not ranked is not found); a turn recommends at least one item.
        """
        blank = [state.blank() for state in states]
        # its own copy of the mask: what a policy writes into it changes nothing here
        given = {"want": want, "k": k, "mask": None if mask is None else mask.copy(), "rng": rng}
        with self.guard():
            actions = self.policy.act(blank, **given, **({"truths": truths} if self.privileged else {}))
        actions = listed(actions, Action, self.plugin, "act")
        if len(actions) != len(states):
            raise self._broken(f"answered {len(actions)} of {len(states)} states")
        for i, action in enumerate(actions):
            fault = self._fault(action, want, k, None if mask is None else mask[i])
            if fault:
                raise self._broken(fault)
        return actions

    def _fault(self, action: Action, want: Want, k: int, mask: NDArray[np.bool_] | None) -> str | None:
        """What is wrong with an answer, or None."""
        items, scores = action.items, action.scores
        if len(items) > k or (want == "turn" and not items):
            return f"returned {len(items)} items where {k} were asked for"
        if any(not 0 <= item < self.items for item in items):
            return f"returned an item outside the catalogue of {self.items}"
        if len(set(items)) < len(items):
            return "returned an item twice"
        if mask is not None and not mask[list(items)].all():
            return "returned an item that the mask excludes"
        if scores and len(scores) != len(items):
            return f"returned {len(scores)} scores for {len(items)} items"
        if any(math.isnan(score) for score in scores):
            return "returned a score that is not a number"
        if any(b > a for a, b in itertools.pairwise(scores)):
            return "returned scores that do not descend"
        return None

    def _broken(self, fault: str) -> PluginError:
        return PluginError(f"{self.plugin}: act {fault}", self.plugin)


@dataclass(frozen=True, slots=True)
class Users:
    """The users of a simulator, with the full name of its plugin."""

    simulator: Simulator
    plugin: str
    guard: Guard = nullcontext

    def ground(self, catalog: Catalog, dialogues: Sequence[Dialogue]) -> Users:
        """These users, those of real dialogues having met whom they play.

        Raises UsageError where there are no dialogues for them.
        """
        if isinstance(self.simulator, GroundedSimulator):
            if not dialogues:
                text = f"{self.plugin} plays the users of real dialogues, and this data has none"
                raise UsageError(text, "take a dataset with test dialogues")
            with self.guard():
                self.simulator.ground(catalog, dialogues)
        return self

    def start(self, seeds: Sequence[int]) -> list[State]:
        with self.guard():
            states = self.simulator.start(seeds)
        return self._checked("start", states, State, len(seeds))

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        with self.guard():
            replies = self.simulator.reply(states, actions)
        return self._checked("reply", replies, tuple, len(states))

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        with self.guard():
            truths = self.simulator.truth(states)
        return None if truths is None else self._checked("truth", truths, Truth, len(states))

    def _checked(self, call: str, answer: list[T], kind: type[T], expected: int) -> list[T]:
        found = listed(answer, kind, self.plugin, call)
        if len(found) != expected:
            raise PluginError(f"{self.plugin}: {call} gave {len(found)} of {expected}", self.plugin)
        return found
