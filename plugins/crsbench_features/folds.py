"""What is left out of memory when a row of a remembered dialogue is read: a fold, and the row with it.

Where splits keep dialogues whole, that is the fold of the dialogue. A split by row (`Split.by_row`) leaves
other rows of a dialogue behind in train when it takes one away, some of which say what was recommended there.
So it is with the rows that will be asked for, and so it has to be with those that are learnt from: there each
row has a fold of its own, those of one dialogue in turn, and a dialogue without that fold is one whose rows
of that fold were never in the split.

A table of what is seen is bool [N, FOLDS + 1]: whether the n-th stays where fold f is left out, and, in the
last column, where none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crsbench.types import FOLDS, Dialogue, State
from crsbench_features.examples import Example, recommendations

Seen = NDArray[np.bool_]


def left_out(state: State, fold: int | None, by_row: bool) -> int | None:
    """The fold that a state of a dialogue of this fold leaves out (None: of no remembered dialogue)."""
    return (fold + len(state.history)) % FOLDS if by_row and fold is not None else fold


def stays(seen: Seen, fold: int | None) -> NDArray[np.bool_]:
    """[N]: what stays where this fold is left out."""
    return seen[:, FOLDS if fold is None else fold]


def seen_rows(rows: Sequence[Example], by_row: bool) -> Seen:
    """Which rows stay; one of no fold always does."""
    own = [left_out(row.state, row.fold, by_row) for row in rows]
    return np.array([[fold != f for f in range(FOLDS)] + [True] for fold in own], bool).reshape(-1, FOLDS + 1)


def seen_dialogues(known: Sequence[Dialogue], by_row: bool) -> tuple[list[Dialogue], Seen]:
    """The dialogues, by row each with those that are left of it without a fold, and which of them stay."""
    made: list[Dialogue] = []
    seen: list[list[bool]] = []
    for dialogue in known:
        remains = {f: _without(dialogue, f, by_row) for f in range(FOLDS)}
        made.append(dialogue)
        seen.append([remains[f] is dialogue for f in range(FOLDS)] + [True])
        for f, rest in remains.items():
            if rest is not None and rest is not dialogue:
                made.append(rest)
                seen.append([f == other for other in range(FOLDS)] + [False])
    return made, np.array(seen, bool).reshape(-1, FOLDS + 1)


def _without(dialogue: Dialogue, fold: int, by_row: bool) -> Dialogue | None:
    """What a split without the fold would hold: the labels of the other rows, and no turn after the last."""
    if not by_row:
        return None if dialogue.fold == fold else dialogue
    labelled = [t for t, turn in enumerate(dialogue.turns) if turn.recommended]
    kept = [t for t in labelled if fold not in _folds(dialogue, t)]
    if len(kept) == len(labelled):
        return dialogue
    if not kept:
        return None
    turns = [turn if t in kept else replace(turn, recommended=()) for t, turn in enumerate(dialogue.turns)]
    return replace(dialogue, turns=tuple(turns[: kept[-1] + 1]))


def _folds(dialogue: Dialogue, turn: int) -> set[int | None]:
    """Of the rows of one turn."""
    made = recommendations(dialogue.turns[:turn], dialogue.turns[turn])
    return {left_out(state, dialogue.fold, True) for state, _ in made}
