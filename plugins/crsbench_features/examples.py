"""Training rows: every recommendation of a dialogue with what was said before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Dialogue, Mention, State, Turn
from crsbench_features.folds import left_out
from crsbench_features.reading import Rows, bag, flat


@dataclass(frozen=True, slots=True)
class Example:
    """What a dialogue recommended in one place: the state before it and the items, repeats kept."""

    state: State
    targets: tuple[int, ...]
    fold: int | None  # what it leaves out (folds.py); None: of a dialogue that nothing is learnt from
    dialogue: int  # its index among the dialogues


def examples(dialogues: Sequence[Dialogue], by_row: bool = False) -> Iterator[Example]:
    """Each labelled system turn; of a turn of several messages (lines), each message with labels."""
    for d, dialogue in enumerate(dialogues):
        of_dialogue = dialogue.fold
        for at, turn in enumerate(dialogue.turns):
            fold = left_out(dialogue.turns[:at], of_dialogue, by_row) if turn.recommended else None
            for state, targets in recommendations(dialogue.turns[:at], turn):
                yield Example(state, targets, fold, d)


def recommendations(before: tuple[Turn, ...], turn: Turn) -> Iterator[tuple[State, tuple[int, ...]]]:
    """Where a system turn recommends something, and what: message by message.

    The readers join the messages of one speaker into a turn, and score message by message: so what a
    message recommends follows the messages before it, which then are a system turn of their own. A label
    that no line names belongs to the first line.
    """
    if turn.recommended:
        for end, targets in _messages(turn):
            yield State((*before, _until(turn, end)) if end else before), targets


def labels(rows: Sequence[Example], items: int) -> Rows:
    """What each row recommends, [N, I]."""
    return bag([[np.array(row.targets, np.int64)] for row in rows], items)


def labels_of_dialogues(dialogues: Sequence[Dialogue], items: int) -> Rows:
    """What each dialogue recommends, there once, [D, I]."""
    recommended: list[list[NDArray[np.int64]]] = [[] for _ in dialogues]
    for row in examples(dialogues):
        recommended[row.dialogue].append(np.array(row.targets, np.int64))
    return flat(bag(recommended, items))


def _messages(turn: Turn) -> list[tuple[int, tuple[int, ...]]]:
    """The places in the turn's text at which items are recommended, with the items."""
    labelled = set(turn.recommended)
    if "\n" not in turn.text:
        return [(0, turn.recommended)]
    placed: dict[int, list[int]] = {0: []}
    for mention in turn.mentions:
        if mention.item in labelled and mention.span is not None:
            start = turn.text.rfind("\n", 0, mention.span[0]) + 1
            placed.setdefault(start, []).append(mention.item)
    named = {item for items in placed.values() for item in items}
    placed[0] += [item for item in turn.recommended if item not in named]
    return [(start, tuple(dict.fromkeys(items))) for start, items in sorted(placed.items()) if items]


def _until(turn: Turn, end: int) -> Turn:
    """The messages of the turn before the line that starts at `end`."""
    mentions: tuple[Mention, ...] = tuple(m for m in turn.mentions if m.span is not None and m.span[1] <= end)
    return replace(turn, text=turn.text[: max(0, end - 1)], mentions=mentions, recommended=())
