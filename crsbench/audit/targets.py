"""Test targets that the input gives away, that were lost, or that nothing in train could have taught."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crsbench.audit.finding import Finding, finding, short
from crsbench.types import Corpus, Item, Row

SHORTEST = 3  # characters of a title that is looked for in text


def findings(corpus: Corpus) -> Iterator[Finding]:
    """Repeated, verbatim, dropped and unseen targets, one count a label."""
    items = corpus.catalog.items
    labels = [(row, items[target], target) for row in corpus.test.rows for target in row.targets]
    repeated, verbatim, unmarked = _given_away(labels)
    yield finding(
        "targets_already_mentioned",
        repeated,
        len(labels),
        "recall, mrr and ndcg on all: copying the context finds these; read the subsets new and repeated",
    )
    yield finding(
        "targets_verbatim_in_input",
        verbatim,
        len(labels),
        "recall, mrr and ndcg on all: who reads the text finds the answer's title in it",
    )
    yield finding(
        "targets_verbatim_but_unmarked",
        unmarked,
        len(labels),
        "the subset new: these count as new although the input names them, so its scores are too high",
    )
    yield Finding(
        "targets_dropped",
        sum(corpus.dropped.values()),
        corpus.targets,
        tuple(short(f"{reason}: {count}") for reason, count in corpus.dropped.items()),
        "all rankings: who counts the lost labels as misses has lower scores on the same data",
    )
    yield finding(
        "rows_without_target",
        (f"row {row.id}" for row in corpus.test.rows if not row.targets),
        len(corpus.test.rows),
        "averages by row: these rows have nothing to find, and count for no ranking",
    )
    taught = _taught(corpus)
    yield finding(
        "targets_never_recommended_in_train",
        (f"row {row.id}: {item.title}" for row, item, target in labels if target not in taught),
        len(labels),
        "recall of methods that count: nothing in train recommends these, only content can find them",
    )


def _given_away(labels: list[tuple[Row, Item, int]]) -> tuple[list[str], list[str], list[str]]:
    """(marked as mentioned, named in the text, named in the text and not marked), a line of text each."""
    repeated: list[str] = []
    verbatim: list[str] = []
    unmarked: list[str] = []
    for row, item, target in labels:
        line = f"row {row.id}: {item.title}"
        marked = target in row.state.mentioned()
        named = next((turn.text for turn in row.state.history if in_text(item.title, turn.text)), None)
        if marked:
            repeated.append(line)
        if named is not None:
            verbatim.append(f"{line}: {named}")
            if not marked:
                unmarked.append(f"{line}: {named}")
    return repeated, verbatim, unmarked


def in_text(title: str, text: str) -> bool:
    """Whether a text names a title: as whole words, in any case where the title has several words.

    A title of one word must stand as it is written ("Her" is no "her"), and one shorter than three
    characters is never taken for named.
    """
    if len(title) < SHORTEST:
        return False
    flags = re.IGNORECASE if len(title.split()) > 1 else 0
    return re.search(rf"(?<!\w){re.escape(title)}(?!\w)", text, flags) is not None


def _taught(corpus: Corpus) -> set[int]:
    said = {item for one in corpus.train.dialogues for turn in one.turns for item in turn.recommended}
    return said | {target for row in corpus.train.rows for target in row.targets}
