"""The catalogue: what is known of its items, which of them are ever recommended, and how unevenly."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from crsbench.audit.documents import words
from crsbench.audit.finding import Finding, finding, short
from crsbench.types import Catalog, Corpus

HEAD = 0.2  # of the items that train recommends


def findings(corpus: Corpus) -> Iterator[Finding]:
    """Items without links, twice in the catalogue, never recommended; popularity skew."""
    items = corpus.catalog.items
    linked = {item for item, _, _ in corpus.catalog.links}
    counts = Counter(
        item for one in corpus.train.dialogues for turn in one.turns for item in turn.recommended
    )
    yield finding(
        "items_without_links",
        (f"{item.id}: {item.title}" for i, item in enumerate(items) if i not in linked),
        len(items),
        "methods that use the graph or attributes: they know nothing of these items",
    )
    yield finding(
        "duplicate_items",
        _twice(corpus.catalog),
        len(items),
        "all rankings: the right film under its other id counts as a miss",
    )
    yield finding(
        "items_never_recommended_in_train",
        (f"{item.id}: {item.title}" for i, item in enumerate(items) if i not in counts),
        len(items),
        "coverage and tail: learnt rankings cannot reach these; a random ranker is punished for them",
    )
    yield _skew(counts, corpus.catalog)


def _twice(catalog: Catalog) -> Iterator[str]:
    """Items of one title whose years agree, or are missing in one of them."""
    named: defaultdict[str, list[int]] = defaultdict(list)
    for i, item in enumerate(catalog.items):
        plain = re.sub(r"\s*\(\d{4}\)\s*$", "", item.title)
        named[" ".join(words(plain)) or item.title].append(i)
    for group in named.values():
        for at, i in enumerate(group):
            item = catalog.items[i]
            for j in group[:at]:
                other = catalog.items[j]
                if None in (item.year, other.year) or item.year == other.year:
                    yield f"{item.id} = {other.id}: {item.title} ({item.year or 'no year'})"
                    break


def _skew(counts: Mapping[int, int], catalog: Catalog) -> Finding:
    """How many recommendations the most frequent fifth of the items has beyond a fifth of them."""
    total = sum(counts.values())
    order = sorted(counts, key=lambda item: (-counts[item], item))
    head = order[: math.ceil(HEAD * len(order))]
    taken = sum(counts[item] for item in head)
    even = math.ceil(total * len(head) / len(order)) if order else 0
    examples: tuple[str, ...] = ()
    if total:
        top = ", ".join(f"{catalog.items[item].title} ({counts[item]})" for item in order[:3])
        examples = (
            f"{len(head)} of {len(order)} items take {taken / total:.0%} of the recommendations",
            f"Gini {gini(list(counts.values())):.2f} over these items, "
            f"{gini([counts.get(item, 0) for item in range(len(catalog))]):.2f} over the catalogue",
            short(f"most often: {top}"),
        )
    return Finding(
        "popularity_head_excess",
        max(0, taken - even),
        total,
        examples,
        "recall on all: always answering with what is popular scores; read the subset tail and coverage",
    )


def gini(counts: list[int]) -> float:
    """The Gini coefficient, 0 where all counts are equal: Σ (2i − n − 1) c_(i) / (n Σ c), i from 1."""
    n, total = len(counts), sum(counts)
    if not total:
        return 0.0
    return sum((2 * i - n - 1) * count for i, count in enumerate(sorted(counts), 1)) / (n * total)
