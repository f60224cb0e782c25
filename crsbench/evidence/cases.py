"""What is judged: the items of test dialogues that their users were asked about afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Corpus, Transition

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Cases:
    """N sealed labels of (dialogue, item), each counted once however often the item was recommended.

    `at` int64 [N] is the first transition that recommends the item, NOWHERE where none does: the form
    calls it suggested, and no system turn names it.
    """

    liked: NDArray[np.bool_]
    dialogues: tuple[str, ...]
    items: NDArray[np.int64]
    at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.liked)

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of transitions as values of cases, float64 [N], nan where there is no transition."""
        return np.append(values, np.nan)[self.at]


def cases(corpus: Corpus, steps: Sequence[Transition]) -> Cases:
    """The labels of the test dialogues whose transitions are `steps`.

    A label is the user's own answer, liked or not. Where forms ask whether an item was suggested or brought
    up by the user, those that were suggested count. On ReDial that is `suggested` = 1 and `liked` 0 or 1 in
    `initiatorQuestions`: 3,713 on the test split, 92.6% liked.
    """
    feedback = corpus.sealed.feedback
    asked = any(form.suggested for form in feedback.values())
    first: dict[tuple[str, int], int] = {}
    for at, step in enumerate(steps):
        for item in step.action.items:
            first.setdefault((step.dialogue, item), at)
    found = [
        (liked, dialogue.id, item, first.get((dialogue.id, item), NOWHERE))
        for dialogue in corpus.test.dialogues
        if (form := feedback.get(dialogue.id)) is not None
        for item, liked in form.liked.items()
        if item not in form.guessed and (not asked or form.suggested.get(item, False))
    ]
    return Cases(
        np.array([liked for liked, _, _, _ in found], dtype=np.bool_),
        tuple(name for _, name, _, _ in found),
        np.array([item for _, _, item, _ in found], dtype=np.int64),
        np.array([at for _, _, _, at in found], dtype=np.int64),
    )
