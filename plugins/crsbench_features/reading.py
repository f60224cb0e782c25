"""States as bags: terms of what was said, nodes of what was named."""

from __future__ import annotations

import copy
import functools
import itertools
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crsbench.types import Catalog, State, Turn
from crsbench_features.linking import Linker
from crsbench_features.links import LinkIndex
from crsbench_features.spelling import Speller

_WORD = re.compile(r"(?u)\b\w\w+\b")
TURNS = 3  # the last turns that a text neighbour is compared by
DECAY = 0.7  # a mention one turn older weighs this much less
BAGS = ("newest", "last", "user", "system", "said")
BATCH = 128  # states at once, so that a row of features for the whole catalogue stays small
Rows = sparse.csr_array
_T, _R = TypeVar("_T"), TypeVar("_R")


def words(text: str) -> list[str]:
    """The 1-2-grams of a text's words of two characters or more, lower case."""
    ones = _WORD.findall(text.lower())
    return ones + [f"{a} {b}" for a, b in itertools.pairwise(ones)]


class Reader:
    """Reads turns once: `vocabulary` maps terms to columns; nodes are those of `links`.

    A turn names what its mentions say, and the entities of the catalogue whose names, misspelt or not, stand
    in its text outside of any mention. (Titles are not looked for: many are common words.) Titles of several
    words that stand there (spelling.py) are only `guessed`; a generous reader takes them for named, too.
    """

    def __init__(self, catalog: Catalog, vocabulary: dict[str, int]) -> None:
        self.catalog, self.vocabulary = catalog, vocabulary
        self.links = LinkIndex(catalog)
        self.nodes = self.links.items + len(self.links.entities)
        self._linker = Linker(catalog)
        self.terms = _cached(self._terms)
        self._noted, self._spelt = _cached(self._find_noted), _cached(self._find_spelt)
        self._read_names(self.links.items)

    def _read_names(self, first: int) -> None:
        """What is spelt from node `first` on counts as named."""
        self._first = first
        self.named, self.guessed = _cached(self._named), _cached(self._guessed)

    def generous(self) -> Reader:
        """A generous reader of the same catalogue, who shares what this one has found in texts."""
        other = copy.copy(self)
        other._read_names(0)
        return other

    def learn(self, texts: Sequence[str]) -> None:
        """Add the terms of texts to the vocabulary."""
        for text in texts:
            for term in words(text):
                self.vocabulary.setdefault(term, len(self.vocabulary))
        self.terms = _cached(self._terms)

    def _terms(self, text: str) -> NDArray[np.int64]:
        known = self.vocabulary
        return np.array([known[term] for term in words(text) if term in known], np.int64)

    def _find_noted(self, turn: Turn) -> tuple[int, ...]:
        """What its mentions name, and the entities whose names stand outside of them."""
        spans = [m.span for m in turn.mentions if m.span is not None]
        found = [
            mention
            for mention in self._linker.find(turn.text)
            if mention.item is None
            and mention.span is not None
            and not any(mention.span[0] < end and start < mention.span[1] for start, end in spans)
        ]
        nodes = (self.links.node(mention) for mention in (*turn.mentions, *found))
        return tuple(node for node in nodes if node is not None)

    def _named(self, turn: Turn) -> tuple[int, ...]:
        noted = self._noted(turn)
        return noted + tuple(n for n in self._spelt(turn) if n >= self._first and n not in noted)

    @functools.cached_property
    def _speller(self) -> Speller:
        entities = {name: self.links.items + e for e, name in enumerate(self.links.entities)}
        return Speller(entities | {item.title: i for i, item in enumerate(self.catalog.items)})

    def _guessed(self, turn: Turn) -> tuple[int, ...]:
        named = self.named(turn)
        return tuple(node for node in self._spelt(turn) if node not in named)

    def _find_spelt(self, turn: Turn) -> list[int]:
        """What stands in the text outside of any mention, as the speller reads it."""
        spans = [m.span for m in turn.mentions if m.span is not None]
        return list(dict.fromkeys(self._speller.find(turn.text, spans)))

    def said(self, states: Sequence[State], last: int | None = None) -> Rows:
        """[S, V]: how often each term stands in the last turns (None: in all)."""
        return bag(
            [[self.terms(t.text) for t in (s.history[-last:] if last else s.history)] for s in states],
            len(self.vocabulary),
        )

    def mentioned(self, states: Sequence[State]) -> dict[str, Rows]:
        """What the states name, as bags [S, nodes].

        `newest`: the node named last. `last`: the last turn. `user`, `system`: the turns before it by their
        speaker. `all`: every turn. A turn older weighs DECAY less; of a node's mentions the newest counts.
        `times`: how often a node is named. `said`: what every turn seems to name besides.
        """
        rows: dict[str, list[tuple[int, int, float]]] = {name: [] for name in (*BAGS, "all", "times")}
        for s, state in enumerate(states):
            bags: dict[str, dict[int, float]] = {name: {} for name in rows}
            for age, turn in enumerate(reversed(state.history)):
                named = self.named(turn)[::-1]
                if named and not bags["newest"]:
                    bags["newest"][named[0]] = 1
                where = bags[turn.speaker if age else "last"]
                for node in named:
                    where.setdefault(node, DECAY ** max(0, age - 1))
                    bags["all"].setdefault(node, DECAY**age)
                    bags["times"][node] = bags["times"].get(node, 0) + 1
                for node in self.guessed(turn)[::-1]:
                    bags["said"].setdefault(node, DECAY**age)
            for name, weights in bags.items():
                rows[name] += [(s, node, weight) for node, weight in weights.items()]
        return {name: _matrix(found, (len(states), self.nodes)) for name, found in rows.items()}


def _cached(function: Callable[[_T], _R]) -> Callable[[_T], _R]:
    return functools.lru_cache(maxsize=1 << 17)(function)


def _matrix(found: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> Rows:
    row, column, weight = np.array(found, np.float64).reshape(-1, 3).T
    return Rows((weight.astype(np.float32), (row.astype(np.int64), column.astype(np.int64))), shape=shape)


def flat(counts: Rows) -> Rows:
    """1 where anything stands."""
    counts = counts.copy()
    counts.data[:] = 1
    return counts


def bag(parts: Sequence[Sequence[NDArray[np.int64]]], width: int) -> Rows:
    """[S, width]: how often each column stands in the parts of each row."""
    columns = [np.concatenate(row) if row else np.zeros(0, np.int64) for row in parts]
    rows = np.repeat(np.arange(len(parts)), [len(one) for one in columns])
    flat = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    return Rows((np.ones(len(flat), np.float32), (rows, flat)), shape=(len(parts), width))
