"""What speaks for a measure of coherence: it knows what people said next from what they did not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from crsbench_corpora.redial import ReDial
from numpy.typing import NDArray

from crsbench.errors import UsageError
from crsbench.evidence.scores import discrimination
from crsbench.intervals import Interval, bootstrap
from crsbench.types import Absent, Action, Corpus, Evidence, RankedRow, Row, State, Values
from crsbench_metrics.coherence_learnt import first

DATA = "ReDial, next turns in test dialogues"
ROWS = 800  # by the hash of their ids
GENERIC = "I think you might like this movie, it is very good."
SHARES = (0.25, 0.5, 1.0)  # of the words that are replaced
REPLACED = "of the words replaced"


class TextMetric(Protocol):
    """A metric of texts that has one value a row."""

    name: Any

    def measure(self, judged: Sequence[RankedRow], corpus: Corpus) -> list[Values | Absent]: ...


@dataclass(frozen=True, slots=True)
class Cases:
    """Turns of the system with what was said before, and for each the false ones by what they are."""

    rows: tuple[Row, ...]
    true: tuple[str, ...]
    false: Mapping[str, tuple[str, ...]]


def redial(metric: TextMetric, data_dir: Path) -> list[Evidence]:
    """Raises DataError where ReDial is missing."""
    return evidence(metric, ReDial().load("mentions", data_dir, 0))


def evidence(metric: TextMetric, corpus: Corpus) -> list[Evidence]:
    """AUC of the true turn against each kind of false one; how often it scores higher than the one beside it;
    how far the mean falls as words are replaced. Raises UsageError where the metric is absent."""
    found = _cases(corpus)
    groups = [row.dialogue for row in found.rows]
    rows: list[Evidence] = []

    def add(measure: str, interval: Interval) -> None:
        rows.append(Evidence(metric.name, DATA, measure, *astuple(interval)))

    said = _measured(metric, corpus, found.rows, found.true)
    before = said
    for kind, texts in found.false.items():
        false = _measured(metric, corpus, found.rows, texts)
        if kind.endswith(REPLACED):
            fall = bootstrap((before - false).tolist(), groups)
            add(f"{kind}: fall of the mean since the share before", fall)
            before = false
            continue
        labels = np.repeat([True, False], len(said))
        auc, _ = discrimination(np.concatenate([said, false]), labels, [*groups, *groups])
        add(f"AUC against {kind}", auc.interval())
        higher = (said > false) + (said == false) / 2
        add(f"share of rows above {kind}", bootstrap(higher.tolist(), groups))
    return rows


def _measured(
    metric: TextMetric, corpus: Corpus, rows: Sequence[Row], texts: Sequence[str]
) -> NDArray[np.float64]:
    """The metric of each text, as a policy's answer to the row."""
    judged = [
        RankedRow(row, Action((), text=text), (), (), (), (), clean=True)
        for row, text in zip(rows, texts, strict=True)
    ]
    (found,) = metric.measure(judged, corpus)
    if isinstance(found, Absent):
        raise UsageError(found.reason)
    values = dict(zip(found.ids, found.values, strict=True))
    return np.array([values[row.id] for row in rows])


def _cases(corpus: Corpus) -> Cases:
    """The system's turns that answer the user, in dialogues where the system has another turn."""
    rng = np.random.default_rng(0)
    spoken = [
        (Row(f"{one.id}/{i}", one.id, State(one.turns[:i]), ()), one.turns, i)
        for one in corpus.test.dialogues
        for i, turn in enumerate(one.turns)
        if i and turn.speaker == "system" and sum(other.speaker == "system" for other in one.turns) > 1
    ]
    kept = {row.id for row in first([row for row, _, _ in spoken], ROWS)}
    spoken = [case for case in spoken if case[0].id in kept]
    true = [turns[i].text for _, turns, i in spoken]
    titles = [item.title for item in corpus.catalog.items]
    others = [
        [t.text for j, t in enumerate(turns) if j != i and t.speaker == "system"] for _, turns, i in spoken
    ]
    false = {
        "a random turn": [true[i] for i in rng.permutation(len(true))],
        "another turn of the dialogue": [str(rng.choice(some)) for some in others],
        "an echo of the user": [turns[i - 1].text for _, turns, i in spoken],
        "a list of titles": [", ".join(rng.choice(titles, 3)) for _ in spoken],
        "one generic reply": [GENERIC] * len(spoken),
    }
    words = [word for text in true for word in text.split()]
    false |= {
        f"{share:.0%} {REPLACED}": [_replaced(text, share, words, rng) for text in true] for share in SHARES
    }
    rows = tuple(row for row, _, _ in spoken)
    return Cases(rows, tuple(true), {kind: tuple(texts) for kind, texts in false.items()})


def _replaced(text: str, share: float, words: Sequence[str], rng: np.random.Generator) -> str:
    own = text.split()
    for at in rng.permutation(len(own))[: math.ceil(share * len(own))]:
        own[at] = words[rng.integers(len(words))]
    return " ".join(own)
