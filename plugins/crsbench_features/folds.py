"""What is left out of memory when a row of a remembered dialogue is read: a fold, and the row with it.

Where splits keep dialogues whole, that is the fold of the dialogue. A split by row (`Split.by_row`) leaves
other rows of a dialogue behind in train when it takes one away, and some of them show what was recommended
there. So it is with the rows that will be asked for, and so it has to be with those that are learnt from:
there each row has a fold of its own, those of a dialogue in turn, and of a dialogue without a fold remains
what a split that never held its rows of that fold would have. (So a `group` of dialogues protects nothing.)

A table of what is seen is bool [N, FOLDS + 1]: whether the n-th stays where fold f is left out, and, in the
last column, where none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crsbench.types import FOLDS, Dialogue, Turn

if TYPE_CHECKING:
    from crsbench_features.examples import Example

Seen = NDArray[np.bool_]


def left_out(before: Sequence[Turn], fold: int | None, by_row: bool) -> int | None:
    """The fold that a row leaves out; `before` it stand these turns of a dialogue of this fold.

    None for those of a dialogue that is not remembered. All messages of a system turn are of one fold.
    """
    if fold is None or not by_row:
        return fold
    begun = bool(before) and before[-1].speaker == "system"
    return (fold + len(before) - begun) % FOLDS


def stays(seen: Seen, fold: int | None) -> NDArray[np.bool_]:
    """[N]: what stays where this fold is left out."""
    return seen[:, FOLDS if fold is None else fold]


def seen_rows(rows: Sequence[Example]) -> Seen:
    """Which rows stay; one of no fold always does."""
    table = [[*(row.fold != fold for fold in range(FOLDS)), True] for row in rows]
    return np.array(table, bool).reshape(-1, FOLDS + 1)


def seen_dialogues(known: Sequence[Dialogue], by_row: bool) -> tuple[list[Dialogue], Seen]:
    """The dialogues, by row each with what remains of it without a fold, and which of them stay."""
    made: list[Dialogue] = []
    table: list[list[bool]] = []
    for dialogue in known:
        left = [_without(dialogue, fold, by_row) for fold in range(FOLDS)]
        made.append(dialogue)
        table.append([*(rest is dialogue for rest in left), True])
        for fold, rest in enumerate(left):
            if rest is not None and rest is not dialogue:
                made.append(rest)
                table.append([*(fold == other for other in range(FOLDS)), False])
    return made, np.array(table, bool).reshape(-1, FOLDS + 1)


def _without(dialogue: Dialogue, fold: int, by_row: bool) -> Dialogue | None:
    """The labels of the rows of other folds, and no turn after the last of them; None where there is none."""
    if not by_row:
        return None if dialogue.fold == fold else dialogue
    labelled = [t for t, turn in enumerate(dialogue.turns) if turn.recommended]
    kept = [t for t in labelled if left_out(dialogue.turns[:t], dialogue.fold, True) != fold]
    if len(kept) == len(labelled):
        return dialogue
    if not kept:
        return None
    turns = [turn if t in kept else replace(turn, recommended=()) for t, turn in enumerate(dialogue.turns)]
    return replace(dialogue, turns=tuple(turns[: kept[-1] + 1]))
