"""recall@k, mrr@10 and ndcg@10 from the ranks of the targets, by subset and by unit.

A unit is what a value stands for: `label` one target alone; `row` the targets of one turn together;
`dialogue` the mean over the labels of a dialogue. A subset chooses targets, and each unit is computed over
those chosen: a row's recall on `new` is the share of its new targets that were found. Targets share one
ranking: those outside the subset keep their places in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal, cast

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Row, Values

Ranks = Sequence[int | None]
Measured = list[tuple[str, str, float]]  # id, dialogue, value


def recall(ranks: Ranks, k: int) -> float:
    """Share of the targets at rank ≤ k. `ranks`: one a target, from 1, None where it was not ranked."""
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def reciprocal_rank(ranks: Ranks, k: int) -> float:
    """1 / rank of the best target, 0 where none has a rank ≤ k."""
    return max(1 / rank if rank is not None and rank <= k else 0.0 for rank in ranks)


def ndcg(ranks: Ranks, k: int) -> float:
    """Σ 1/log2(1 + rank) over targets at rank ≤ k, by its value were all n targets at ranks 1 … n.

    Järvelin & Kekäläinen, TOIS 2002, with binary gains.
    """
    found = sum(1 / math.log2(1 + rank) for rank in ranks if rank is not None and rank <= k)
    return found / sum(1 / math.log2(1 + rank) for rank in range(1, min(len(ranks), k) + 1))


SUBSETS: dict[str, Callable[[RankedRow, int], bool]] = {
    "all": lambda row, j: True,  # noqa: ARG005
    "new": lambda row, j: row.new[j],
    "repeated": lambda row, j: not row.new[j],
    "clean": lambda row, j: row.clean,  # noqa: ARG005
    "liked": lambda row, j: row.liked[j] is True,
    "tail": lambda row, j: row.tail[j],
    "exposed": lambda row, j: row.row.exposed,  # noqa: ARG005
}


def label_id(row: Row, j: int) -> str:
    """row/target; where a row repeats a target, row/target.2 and on."""
    target = row.targets[j]
    before = row.targets[:j].count(target)
    return f"{row.id}/{target}.{before + 1}" if before else f"{row.id}/{target}"


class RankingMetric:
    """One measure at one cut-off. A subset without a target gives no values."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "rankings"
    name: ClassVar[str]
    k: ClassVar[int]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    @staticmethod
    def value(ranks: Ranks, k: int) -> float:
        """Of the targets of one unit; `ranks` is not empty."""
        raise NotImplementedError

    def measure(
        self,
        judged: Sequence[RankedRow] | Sequence[Episode],
        corpus: Corpus,  # noqa: ARG002 (the ranks hold all)
    ) -> list[Values | Absent]:
        rows = cast("Sequence[RankedRow]", judged)
        if not any(row.ranks for row in rows):
            return [Absent(self.name, "no row has a target")]
        return [values for subset in SUBSETS for values in self._values(subset, rows)]

    def _values(self, subset: str, rows: Sequence[RankedRow]) -> Iterator[Values]:
        labels: Measured = []
        together: Measured = []
        by_dialogue: dict[str, list[float]] = {}
        for row in rows:
            chosen = [j for j in range(len(row.ranks)) if SUBSETS[subset](row, j)]
            if not chosen:
                continue
            of = row.row
            together.append((of.id, of.dialogue, self.value([row.ranks[j] for j in chosen], self.k)))
            for j in chosen:
                value = self.value([row.ranks[j]], self.k)
                labels.append((label_id(of, j), of.dialogue, value))
                by_dialogue.setdefault(of.dialogue, []).append(value)
        dialogues = [(name, name, sum(values) / len(values)) for name, values in by_dialogue.items()]
        units: dict[Literal["label", "row", "dialogue"], Measured]
        units = {"label": labels, "row": together, "dialogue": dialogues}
        for unit, measured in units.items():
            if measured:
                ids, groups, values = zip(*measured, strict=True)
                yield Values(self.name, subset, unit, ids, groups, values)


class _Recall(RankingMetric):
    value = staticmethod(recall)


class Recall1(_Recall):
    name, k = "recall@1", 1


class Recall10(_Recall):
    name, k = "recall@10", 10


class Recall25(_Recall):
    name, k = "recall@25", 25


class Recall50(_Recall):
    name, k = "recall@50", 50


class ReciprocalRank10(RankingMetric):
    name, k = "mrr@10", 10
    value = staticmethod(reciprocal_rank)


class Ndcg10(RankingMetric):
    name, k = "ndcg@10", 10
    value = staticmethod(ndcg)
