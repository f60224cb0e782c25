"""Who is shown what: coverage, inequality, exposure by popularity, calibration to what the user asked for.

All look at the first 10 of a ranking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.evaluation import frequent
from crsbench.types import Absent, Catalog, Corpus, Episode, RankedRow, State, Values
from crsbench_metrics.whole import Floats, by_dialogue, distinct, of_rows, of_sample

K = 10
GENRE = "genre"
SMOOTHING = 0.01  # α


def gini(counts: NDArray[np.int64]) -> float:
    """Σ (2 i − I − 1) c₍ᵢ₎ / (I Σ c) with c₍₁₎ ≤ … ≤ c₍I₎, from 0 (all items equally often) to 1."""
    items, total = len(counts), counts.sum()
    if not total:
        return 0.0
    weights = 2 * np.arange(1, items + 1) - items - 1
    return float(weights @ np.sort(counts) / (items * total))


def gini_without(counts: NDArray[np.int64], shown: Sequence[Sequence[int]]) -> Floats:
    """The Gini index [G] of `counts` [I] without what each dialogue was shown, repeats counted.

    From how many items were shown 0, 1, 2 … times: items of equal count c take consecutive places, whose
    weights add up to n (2 below + n − I) with n of them and `below` of smaller counts.
    """
    items, total = len(counts), int(counts.sum())
    shape = np.bincount(counts)
    levels = np.arange(len(shape))
    found: list[float] = []
    for some in shown:
        lost = Counter(some)
        left = shape.copy()
        for item, times in lost.items():
            left[counts[item]] -= 1
            left[counts[item] - times] += 1
        below = np.cumsum(left) - left
        rest = total - sum(lost.values())
        spread = float((left * (2 * below + left - items) * levels).sum())
        found.append(spread / (items * rest) if rest else 0.0)
    return np.array(found)


class ListMetric:
    """Measures what stands in the first 10 places of the rows' rankings."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "rankings"
    name: ClassVar[str]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        rows = [row for row in cast("Sequence[RankedRow]", judged) if row.action.items]
        if not rows:
            return [Absent(self.name, "nothing was ranked")]
        return [self.values(rows, corpus)]

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        """What each of these metrics makes of at least one ranked row."""
        raise NotImplementedError


class Coverage(ListMetric):
    """Share of the catalogue that is among the first 10 of any row."""

    name = "coverage"

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        dialogues, shown = _shown(rows)
        count, without = distinct(shown)
        return of_sample(self.name, dialogues, count / len(corpus.catalog), without / len(corpus.catalog))


class Gini(ListMetric):
    """Inequality of how often the catalogue's items are among the first 10."""

    name = "gini"

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        dialogues, shown = _shown(rows)
        counts = np.bincount([item for some in shown for item in some], minlength=len(corpus.catalog))
        return of_sample(self.name, dialogues, gini(counts), gini_without(counts, shown), False)


def _shown(rows: Sequence[RankedRow]) -> tuple[tuple[str, ...], list[list[int]]]:
    """Dialogues, and the items in the first places of their rows."""
    dialogues = by_dialogue(rows)
    shown = [[item for p in places for item in rows[p].action.items[:K]] for places in dialogues.values()]
    return tuple(dialogues), shown


class _Exposure(ListMetric):
    """Share of the first 10 that belongs to a band of popularity in train; mean over rows."""

    higher_is_better: ClassVar[bool] = True

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        band = self.band(corpus)
        lists = [row.action.items[:K] for row in rows]
        shares = [sum(item in band for item in items) / len(items) for items in lists]
        return of_rows(self.name, rows, shares, self.higher_is_better)

    @staticmethod
    def band(corpus: Corpus) -> frozenset[int]:
        """The items whose share is measured: where each of these metrics differs."""
        raise NotImplementedError


class ExposureHead(_Exposure):
    """Of the 20% most often recommended in train (`evaluation.frequent`)."""

    name, higher_is_better = "exposure_head", False
    band = staticmethod(lambda corpus: frequent(corpus.train))


class ExposureTail(_Exposure):
    """Of the others that train recommends."""

    name = "exposure_tail"
    band = staticmethod(lambda corpus: _recommended(corpus) - frequent(corpus.train))


class ExposureCold(_Exposure):
    """Of those that train never recommends."""

    name = "exposure_cold"
    band = staticmethod(lambda corpus: frozenset(range(len(corpus.catalog))) - _recommended(corpus))


def _recommended(corpus: Corpus) -> frozenset[int]:
    turns = (turn for dialogue in corpus.train.dialogues for turn in dialogue.turns)
    return frozenset(item for turn in turns for item in turn.recommended)


class Calibration(ListMetric):
    """How far the genres of the list are from those that the user spoke of (Steck, RecSys 2018).

    KL(p ‖ (1 − α) q + α p) in nats, α = .01: p over the genres that the user's turns name, and those of the
    items that they name, each item sharing its weight among its genres; q likewise over the first 10. 0 where
    the two agree, at most ln(1/α) = 4.6. Rows in which the user has named no genre and no item with one are
    left out. A genre that the user dislikes counts as named: `consistency` looks at those.
    """

    name = "calibration"

    def values(self, rows: Sequence[RankedRow], corpus: Corpus) -> Values | Absent:
        genres = item_genres(corpus.catalog)
        if not any(genres):
            return Absent(self.name, f"no item has an attribute {GENRE!r}")
        known = {genre for some in genres for genre in some}
        chosen: list[RankedRow] = []
        values: list[float] = []
        for row in rows:
            asked = _stated(row.row.state, genres, known)
            if asked:
                chosen.append(row)
                values.append(divergence(asked, _mix([genres[item] for item in row.action.items[:K]])))
        if not chosen:
            return Absent(self.name, "no user names a genre, or an item that has one")
        return of_rows(self.name, chosen, values, False)


def item_genres(catalog: Catalog) -> list[tuple[str, ...]]:
    """The genres of each item, in lower case."""
    return [tuple(value.lower() for value in item.attributes.get(GENRE, ())) for item in catalog.items]


def divergence(asked: Mapping[str, float], listed: Mapping[str, float]) -> float:
    """KL(p ‖ (1 − α) q + α p) of two distributions over genres; a list without genres has q = 0."""
    mixed = {g: (1 - SMOOTHING) * listed.get(g, 0.0) + SMOOTHING * p for g, p in asked.items()}
    return max(0.0, float(sum(p * np.log(p / mixed[genre]) for genre, p in asked.items())))


def _stated(state: State, genres: Sequence[tuple[str, ...]], known: set[str]) -> dict[str, float]:
    turns = [turn for turn in state.history if turn.speaker == "user"]
    mentions = [mention for turn in turns for mention in turn.mentions]
    names = [mention.name.lower() for mention in mentions if mention.item is None]
    items = [genres[mention.item] for mention in mentions if mention.item is not None]
    return _mix([*((name,) for name in names if name in known), *items])


def _mix(kinds: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """The mean of uniform distributions over the genres of each; those without any are left out."""
    some = [genres for genres in kinds if genres]
    found: dict[str, float] = {}
    for genres in some:
        for genre in genres:
            found[genre] = found.get(genre, 0.0) + 1 / (len(genres) * len(some))
    return found
