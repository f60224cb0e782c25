"""A conversation with a policy: what was said, what it answers, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.chat.typed import Linker
from crsbench.episode import system_turn
from crsbench.protocols import Explained
from crsbench.reopened import Reopened
from crsbench.types import Action, Mention, Reason, State, Turn

TOP = 10


@dataclass(frozen=True)
class Answer:
    """What the policy said to `asked`: `ranking` holds its best items, `reward` is what R_φ makes of it."""

    asked: State
    turn: Turn
    ranking: Action
    reward: float | None


class Session:
    """Turns are said one after the other; `undo` takes the last question and its answer back."""

    def __init__(self, opened: Reopened) -> None:
        self.opened = opened
        self.catalog = opened.corpus.catalog
        self._linker = Linker(self.catalog)
        self.answers: list[Answer] = []

    @property
    def state(self) -> State:
        return self.answers[-1].asked.then(self.answers[-1].turn) if self.answers else State(())

    def say(self, text: str) -> tuple[tuple[Mention, ...], Answer]:
        """Say something: what of it was understood as names, and the answer."""
        mentions = self._linker.find(text)
        asked = self.state.then(Turn("user", text, mentions))
        mask = self._fresh(asked)
        policy = self.opened.policy
        said: Action
        ranking: Action
        with self.opened.asking():
            (said,) = policy.act([asked], "turn", k=1, mask=mask)
            (ranking,) = policy.act([asked], "ranking", k=TOP, mask=mask)
        if said.text is None:
            title = self.catalog.items[said.items[0]].title
            said = Action(said.items, text=f"I recommend {title}.")
        self.answers.append(
            Answer(asked, system_turn(said, self.catalog), ranking, self._reward(asked, said))
        )
        return mentions, self.answers[-1]

    def undo(self) -> bool:
        """Whether there was something to take back."""
        return bool(self.answers) and bool(self.answers.pop())

    def why(self, answer: Answer, items: Sequence[int]) -> list[list[Reason]] | None:
        """The reasons for items, or None where the policy gives none."""
        policy = self.opened.policy
        if not isinstance(policy, Explained):
            return None
        with self.opened.asking():
            return policy.explain([answer.asked] * len(items), list(items))

    def _fresh(self, state: State) -> NDArray[np.bool_]:
        """As in an evaluation, what was recommended is not recommended again."""
        mask = np.ones((1, len(self.catalog)), np.bool_)
        shown = {item for turn in state.history for item in turn.recommended}
        if len(shown) < len(self.catalog):
            mask[0, sorted(shown)] = False
        return mask

    def _reward(self, state: State, action: Action) -> float | None:
        if self.opened.reward is None:
            return None
        with self.opened.asking("reward"):
            (reward,) = self.opened.reward.score([state], [Action(action.items[:1], text=action.text)])
        return float(reward.total)
