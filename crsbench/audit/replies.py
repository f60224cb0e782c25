"""What implicit signals and explicit labels can be measured on: reply times, labels and their spread."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from crsbench.audit.finding import Finding, finding
from crsbench.types import Corpus


def findings(corpus: Corpus) -> Iterator[Finding]:
    """Replies without time, time that runs backwards, recommendations without label, uneven labels."""
    dialogues = [*corpus.train.dialogues, *corpus.valid.dialogues]
    pairs = [(one.id, a, b) for one in dialogues for a, b in pairwise(one.turns)]
    replies = [(name, a, b) for name, a, b in pairs if a.speaker == "system" and b.speaker == "user"]
    yield finding(
        "replies_without_time",
        (f"{name}: {b.text}" for name, a, b in replies if a.seconds is None or b.seconds is None),
        len(replies),
        "the signal dwell: it is not observed here, and reported as missing",
    )
    timed = [(name, a.seconds, b.seconds) for name, a, b in pairs if a.seconds is not None is not b.seconds]
    yield finding(
        "times_out_of_order",
        (f"{name}: {b} s after {a} s" for name, a, b in timed if not _in_order(a, b)),
        len(timed),
        "the signal dwell: a negative or infinite wait measures nothing",
    )
    recommended = [
        (one.id, item)
        for one in (*dialogues, *corpus.test.dialogues)
        for turn in one.turns
        for item in turn.recommended
    ]
    feedback = corpus.sealed.feedback
    if feedback:
        yield finding(
            "recommendations_without_label",
            (
                f"{name}: {corpus.catalog.items[item].title}"
                for name, item in recommended
                if name not in feedback or item not in feedback[name].liked
            ),
            len(recommended),
            "the subset liked and the audit of signals: these are in neither",
        )
    else:
        yield Finding(
            "recommendations_without_label",
            len(recommended),
            len(recommended),
            ("the data has no explicit labels",) if recommended else (),
            "the subset liked and the audit of signals: they cannot be measured here",
        )
    yield _imbalance(corpus)


def _in_order(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and math.isfinite(a) and math.isfinite(b) and a <= b


def _imbalance(corpus: Corpus) -> Finding:
    """How many labels the more frequent value has beyond the other."""
    liked = Counter(value for one in corpus.sealed.feedback.values() for value in one.liked.values())
    total = liked.total()
    examples = (f"{liked[True] / total:.1%} of the labels say liked",) if total else ()
    return Finding(
        "label_imbalance",
        abs(liked[True] - liked[False]),
        total,
        examples,
        "accuracy of signals and labels: the more frequent answer alone is that often right; read the auc",
    )
