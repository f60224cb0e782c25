"""Which dialogues are remembered: those of train and, of many items, those of valid as well.

Once valid has chosen, it is as good to know as train. Whoever reads a row of a remembered dialogue, to learn
from it or to choose by it, leaves out its fold, and so the row itself (folds.py).
"""

from __future__ import annotations

from dataclasses import replace

from crsbench.types import Dialogue, Split, State, Turn
from crsbench_features.folds import left_out

FEW = 300  # items, of which every one is a candidate (candidates.py): there the network makes up for the rest


def is_large(items: int) -> bool:
    """Whether a catalogue of so many items is worth all that can be counted of it."""
    return items > FEW


class Remembered:
    """`dialogues`, each id once: one that stands in train and in valid, with other labels, is but one.

    `by_row`: whether a row leaves out rows alone, as `Split.by_row` says of train.
    """

    def __init__(self, train: Split, valid: Split, items: int) -> None:
        self.by_row = train.by_row
        known: dict[str, Dialogue] = {}
        for dialogue in (*train.dialogues, *(valid.dialogues if is_large(items) else ())):
            twin = known.get(dialogue.id)
            known[dialogue.id] = dialogue if twin is None else _joined(twin, dialogue)
        self.dialogues = tuple(known.values())
        self._folds = {name: dialogue.fold for name, dialogue in known.items()}

    def fold(self, dialogue: str) -> int | None:
        """The fold of this dialogue; None where it is not remembered."""
        return self._folds.get(dialogue)

    def left_out(self, state: State, dialogue: str) -> int | None:
        """The fold that a row of this dialogue leaves out (folds.py)."""
        return left_out(state.history, self.fold(dialogue), self.by_row)


def _joined(one: Dialogue, other: Dialogue) -> Dialogue:
    """The same dialogue as far as either goes, with what both recommend and name."""
    turns = [_turn(a, b) for a, b in zip(one.turns, other.turns, strict=False)]
    rest = one.turns[len(turns) :] or other.turns[len(turns) :]
    return replace(one, turns=(*turns, *rest))


def _turn(one: Turn, other: Turn) -> Turn:
    named = {mention.name for mention in one.mentions}
    more = [mention for mention in other.mentions if mention.name not in named]
    labels = dict.fromkeys((*one.recommended, *other.recommended))
    return replace(one, mentions=(*one.mentions, *more), recommended=tuple(labels))
