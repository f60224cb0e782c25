"""reward_per_length: what a user thinks of what is recommended, by the turns it takes to recommend it.

After Kostric & Balog (SIGIR 2026), who give 1.0 for an item that the user liked and 0.5 for one that was only
seen. In a scenario the reward of an item is its true utility, the probability that it satisfies this user.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import ClassVar, Literal, cast

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Sealed, Values

LIKED, SEEN = 1.0, 0.5


class RewardPerLength:
    """Σ reward of the first item of each scored turn / scored turns. Unit dialogue; subsets all and new.

    `new`: an item that was mentioned before earns nothing. Items that the user's form does not name are
    neither liked nor seen. Dialogues without labels are left out; absent where none has any.
    """

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "rankings"
    name: ClassVar[str] = "reward_per_length"

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        everything: dict[str, list[float]] = {}
        new: dict[str, list[float]] = {}
        for row in cast("Sequence[RankedRow]", judged):
            item = row.action.items[0] if row.action.items else None
            reward = _reward(row, item, corpus.sealed)
            if reward is not None:
                everything.setdefault(row.row.dialogue, []).append(reward)
                known = item in row.row.state.mentioned()
                new.setdefault(row.row.dialogue, []).append(0.0 if known else reward)
        if not everything:
            return [Absent(self.name, "no user said what was liked or seen")]
        return [self._values("all", everything), self._values("new", new)]

    def _values(self, subset: str, rewards: dict[str, list[float]]) -> Values:
        names = tuple(rewards)
        return Values(self.name, subset, "dialogue", names, names, tuple(map(fmean, rewards.values())))


def _reward(row: RankedRow, item: int | None, sealed: Sealed) -> float | None:
    """None where nobody knows what this user thinks."""
    truth, feedback = sealed.truth.get(row.row.id), sealed.feedback.get(row.row.dialogue)
    if truth is not None and truth.utilities is not None:
        return 0.0 if item is None else float(truth.utilities[item])
    if feedback is None or not (feedback.liked or feedback.seen):
        return None
    if item is None:
        return 0.0
    return LIKED if feedback.liked.get(item) else SEEN if feedback.seen.get(item) else 0.0
