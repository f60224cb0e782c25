"""truth_ndcg@10: a ranking against what a scenario knows, not against what its logger happened to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Values


def utility_ndcg(items: Sequence[int], utilities: NDArray[np.float32], k: int) -> float:
    """Σ u(i_r)/log2(1 + r) over the first k items, by its value for the k best items of the catalogue.

    utilities: [I], the gains, not negative and not all zero. An item counts as much when it was mentioned
    before: the ideal has those too.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ranked = utilities[list(items[:k])].astype(np.float64)
    best = utilities if len(utilities) <= k else np.partition(utilities, len(utilities) - k)[-k:]
    ideal = np.sort(best.astype(np.float64))[::-1]
    return float(ranked @ discounts[: len(ranked)] / (ideal @ discounts[: len(ideal)]))


class TruthNdcg10:
    """Unit row, subset all."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "rankings"
    name: ClassVar[str] = "truth_ndcg@10"

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        rows = cast("Sequence[RankedRow]", judged)
        if not rows:
            return [Absent(self.name, "there are no rows")]
        values: list[float] = []
        for row in rows:
            truth = corpus.sealed.truth.get(row.row.id)
            if truth is None or truth.utilities is None:
                return [Absent(self.name, f"the dataset knows no true utilities (row {row.row.id})")]
            values.append(utility_ndcg(row.action.items, truth.utilities, 10))
        ids, groups = tuple(row.row.id for row in rows), tuple(row.row.dialogue for row in rows)
        return [Values(self.name, "all", "row", ids, groups, tuple(values))]
