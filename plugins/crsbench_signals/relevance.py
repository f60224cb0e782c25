"""Relevance: how well what is recommended fits what the user has said so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from crsbench_features.linking import Linker
from crsbench_features.links import LinkIndex
from crsbench_features.vader import compound
from numpy.typing import NDArray

from crsbench.types import Catalog, Signal, Transition, Turn
from crsbench_signals import sentences, turns
from crsbench_signals.options import RelevanceOptions

DISLIKED = -0.05  # VADER's own bound: a compound below it is negative
Named = tuple[tuple[int, float], ...]


class Relevance:
    """Derived from the state and the action alone: the reply has no part in it.

    `links`: the mean of s_m · link(m, i) over everything m that the user has named before the system turn and
    the items i that it recommends, in [−1, 1]. Named are items and the attributes of items, as the data
    annotates them or as their names stand in the text. link is that of `LinkIndex`: the idf of a shared
    attribute, the cosine of two items' attributes. s_m = −1 where the sentence around m, without the name,
    sounds negative (VADER's compound below −.05), else 1. nan where nothing was named.

    `text`: the cosine of the user's words so far and the words of title and attributes, TF-IDF over the
    catalogue, the mean over the items, in [0, 1]. nan where the user has said nothing.
    """

    def __init__(self, options: RelevanceOptions | None = None) -> None:
        self.options = options or RelevanceOptions()
        self._catalog: Catalog | None = None

    def ground(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def measure(self, transitions: Sequence[Transition]) -> Signal:
        """Values float64 [N]. Raises RuntimeError where `ground` was not called before."""
        if self._catalog is None:
            raise RuntimeError(
                "relevance looks items up: call ground(catalog) first, or crsbench.context.measure"
            )
        if self.options.variant == "text":
            return Signal("relevance", _cosines(self._catalog, transitions), "cosine", "derived")
        values = _links(self._catalog, transitions)
        return Signal("relevance", values, "mean link, negative for what is disliked", "derived")


def _links(catalog: Catalog, transitions: Sequence[Transition]) -> NDArray[np.float64]:
    index, linker = LinkIndex(catalog), Linker(catalog)
    known: dict[Turn, Named] = {}
    rows: list[int] = []
    nodes: list[int] = []
    items: list[int] = []
    signs: list[float] = []
    for n, transition in enumerate(transitions):
        for turn in turns.of_user(transition.state.history):
            if turn not in known:
                known[turn] = _named(turn, index, linker)
            for node, sign in known[turn]:
                for item in transition.action.items:
                    rows.append(n)
                    nodes.append(node)
                    items.append(item)
                    signs.append(sign)
    weighed = np.array(signs) * index.pairs(nodes, items)
    total = np.bincount(np.array(rows, dtype=np.int64), weighed, len(transitions))
    count = np.bincount(np.array(rows, dtype=np.int64), minlength=len(transitions))
    return np.divide(total, count, out=np.full(len(transitions), np.nan), where=count > 0)


def _named(turn: Turn, index: LinkIndex, linker: Linker) -> Named:
    """(node, sign) of what a turn names: what is annotated, and attributes that stand in the text."""
    annotated = [(index.node(m), m) for m in turn.mentions]
    nodes = {node for node, _ in annotated}
    found = [(index.node(m), m) for m in linker.find(turn.text) if m.item is None]
    found = [(node, m) for node, m in found if node not in nodes]
    return tuple([(node, _sign(turn.text, m.span)) for node, m in annotated + found if node is not None])


def _sign(text: str, span: tuple[int, int] | None) -> float:
    """−1 where the sentence around the span sounds negative without it (the whole text, without a span)."""
    if span is not None:
        start, end = span
        blank = text[:start] + " " * (end - start) + text[end:]
        text = next((blank[a:b] for a, b in sentences.spans(blank) if a <= start < b), "")
    return -1.0 if compound(text) < DISLIKED else 1.0


def _cosines(catalog: Catalog, transitions: Sequence[Transition]) -> NDArray[np.float64]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    told = [" ".join(t.text for t in turns.of_user(step.state.history)) for step in transitions]
    about = [
        " ".join([item.title, *(value for values in item.attributes.values() for value in values)])
        for item in catalog.items
    ]
    words = TfidfVectorizer(sublinear_tf=True)
    documents, queries = words.fit_transform(about), words.transform(told)
    rows = [n for n, step in enumerate(transitions) for _ in step.action.items]
    items = [item for step in transitions for item in step.action.items]
    cosines = np.asarray(queries[rows].multiply(documents[items]).sum(axis=1)).ravel()
    total = np.bincount(np.array(rows, dtype=np.int64), cosines, len(transitions))
    count = np.array([len(step.action.items) for step in transitions], dtype=np.float64)
    count[[not text.strip() for text in told]] = 0
    return np.divide(total, count, out=np.full(len(transitions), np.nan), where=count > 0)
