"""What beliefs are held against: predictors that know nothing of satisfaction, and the truth itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from crsbench.evidence.cases import NOWHERE, Cases
from crsbench.types import Corpus, Row, Transition

Floats = NDArray[np.float64]
CONSTANT = "constant"
REPLY_WORDS = "reply length"
SYSTEM_WORDS = "turn length"
POPULARITY = "popularity"
UTILITY = "true utility"


def baselines(corpus: Corpus, steps: Sequence[Transition], cases: Cases) -> Mapping[str, Floats]:
    """Name → float64 [N]; nan where a case has no system turn or no reply.

    Lengths are in words, of the reply and of the system turn; popularity counts how often train dialogues
    recommend the item. The constant is the share of liked labels itself: the best of all constants, which no
    method knows.
    """
    replies = [np.nan if step.reply is None else len(step.reply.text.split()) for step in steps]
    turns = [len((step.action.text or "").split()) for step in steps]
    shown = Counter(item for one in corpus.train.dialogues for turn in one.turns for item in turn.recommended)
    share = float(cases.liked.mean()) if len(cases) else np.nan
    return {
        CONSTANT: np.full(len(cases), share),
        REPLY_WORDS: cases.of(np.array(replies, dtype=np.float64)),
        SYSTEM_WORDS: cases.of(np.array(turns, dtype=np.float64)),
        POPULARITY: np.array([shown[item] for item in cases.items.tolist()], dtype=np.float64),
    }


def utilities(
    corpus: Corpus, rows: Sequence[Row], steps: Sequence[Transition], cases: Cases
) -> Floats | None:
    """The true probability that each judged item satisfied, float64 [N]: its AUC is the most that anyone who
    knew the user's mind before the answer could reach. None where there is no truth.

    `rows` are those of the whole test split, in which the truth of a turn is looked up.
    """
    named = {(row.dialogue, len(row.state.history)): row.id for row in rows}
    found = np.full(len(cases), np.nan)
    for case, (at, item) in enumerate(zip(cases.at, cases.items, strict=True)):
        step = steps[int(at)]
        name = named.get((step.dialogue, len(step.state.history)))
        truth = None if name is None or at == NOWHERE else corpus.sealed.truth.get(name)
        if truth is not None and truth.utilities is not None:
            found[case] = truth.utilities[item]
    return None if np.isnan(found).all() else found
