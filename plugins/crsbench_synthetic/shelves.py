"""Drawing from the logger's distribution in a time that hardly grows with the catalogue.

`logger.distribution` says what the log's recommender would do, item by item. To draw from it takes only its
cumulative sum at a few places, and that is a sum of cumulative weights which are known beforehand (of all
items, and of those that have an entity) less the few weights of the items that were recommended before.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crsbench.types import State
from crsbench_synthetic.logger import named_last
from crsbench_synthetic.users import shown
from crsbench_synthetic.world import World

_Cdf = Callable[[int], float]


class Shelves:
    """The items that are `released` (bool [I]), ready to be drawn from; O(I · relations) memory."""

    def __init__(self, world: World, released: NDArray[np.bool_]) -> None:
        self._world = world
        self._popular = world.popularity * released
        self._even = released.astype(np.float64)
        self._root = world.root_popularity * released

    def draw(self, state: State, at: float, even: bool = False) -> int:
        """The item at which the cumulative sum of `logger.distribution` passes `at`, a uniform in [0, 1).

        With `even`, all items that have not been recommended are equally likely.
        """
        before = sorted(shown(state))
        cdf = self._evenly(before) if even else self._logged(before, named_last(self._world, state))
        last = len(self._popular) - 1
        return min(bisect_right(range(last + 1), at, key=cdf), last)

    def _evenly(self, before: list[int]) -> _Cdf:
        return _without(self._even_sum, self._even, before)

    def _logged(self, before: list[int], named: int | None) -> _Cdf:
        popular = _without(self._popular_sum, self._popular, before)
        if named is None:
            return popular
        items, weights, sums = self._having(named)
        places = [int(np.searchsorted(items, i)) for i in before if named in self._world.x[i]]
        if len(items) == len(places):
            return popular
        matching = _without(sums, weights, places)
        share = self._world.scenario.matches

        def cdf(item: int) -> float:
            found = int(items.searchsorted(item, side="right"))
            return share * (matching(found - 1) if found else 0.0) + (1 - share) * popular(item)

        return cdf

    @functools.cached_property
    def _popular_sum(self) -> NDArray[np.float64]:
        return np.cumsum(self._popular)

    @functools.cached_property
    def _even_sum(self) -> NDArray[np.float64]:
        return np.cumsum(self._even)

    @functools.cache  # noqa: B019 (as long-lived as the shelves themselves)
    def _having(self, entity: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """The items that have the entity, in order, their weights √π and the cumulative sum of these."""
        items = np.flatnonzero((self._world.x == entity).any(axis=1) & (self._root > 0))
        weights = self._root[items]
        return items, weights, np.cumsum(weights)


def _without(sums: NDArray[np.float64], weights: NDArray[np.float64], taken: list[int]) -> _Cdf:
    """The cumulative distribution that is left when the places `taken` (ascending) are emptied."""
    gone = weights[taken].tolist()
    total = float(sums[-1]) - sum(gone)

    def cdf(place: int) -> float:
        return (float(sums[place]) - sum(gone[: bisect_right(taken, place)])) / total

    return cdf
