"""Users who like every n-th item, say yes or no, and leave soon."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from crsbench import Options
from crsbench.types import Action, State, Truth, Turn


class CurtOptions(Options):
    every: int = Field(default=3, ge=2, description="a user likes one item in so many")
    episodes: int = Field(default=6, ge=1, description="conversations of an evaluation")


class Curt:
    def __init__(self, options: CurtOptions) -> None:
        self.options = options
        self.episodes = options.episodes

    def start(self, seeds: Sequence[int]) -> list[State]:
        return [State((Turn("user", f"number {seed % 7}, hello"),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        return [
            (Turn("user", "yes" if self._likes(state, action.items[0]) else "no"), len(state.history) > 2)
            for state, action in zip(states, actions, strict=True)
        ]

    def _likes(self, state: State, item: int) -> bool:
        return (item + (state.session or 0)) % self.options.every == 0

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        shown = [[item for turn in s.history for item in turn.recommended] for s in states]
        return [
            Truth(None, tuple(self._likes(s, i) for i in some)) for s, some in zip(states, shown, strict=True)
        ]
