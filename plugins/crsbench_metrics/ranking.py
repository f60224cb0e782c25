"""recall@k, mrr@10 and ndcg@10 from the ranks of the targets, by subset and by unit.

A unit is what a value stands for: `label` one target alone; `row` the targets of one turn together;
`dialogue` the mean over the labels of a dialogue. A subset chooses targets, and each unit is computed over
those chosen: a row's recall on `new` is the share of its new targets that were found. Targets share one
ranking: those outside the subset keep their places in it.

A rank is a place in the list that a policy gave: items of equal score stand in the order that it chose, and
every policy here puts them in that of the catalogue (trec_eval would put them in that of their names).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from crsbench import Options
from crsbench.types import Absent, Corpus, Episode, RankedRow, Row, Values

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
UNRANKED = np.iinfo(np.int64).max


def recall(ranks: Ints, starts: Ints, k: int) -> Floats:
    """Share of the targets at rank ≤ k.

    ranks [L]: of all targets, from 1, UNRANKED where there is none; unit u has those from starts[u] up to the
    next start, at least one. One value a unit, as for the measures below.
    """
    return np.add.reduceat((ranks <= k).astype(np.float64), starts) / _sizes(ranks, starts)


def reciprocal_rank(ranks: Ints, starts: Ints, k: int) -> Floats:
    """1 / rank of the best target, 0 where none has a rank ≤ k."""
    best = np.minimum.reduceat(ranks, starts)
    return np.where(best <= k, 1 / best, 0.0)


def ndcg(ranks: Ints, starts: Ints, k: int) -> Floats:
    """Σ 1/log2(1 + rank) over targets at rank ≤ k, by its value were all n targets at ranks 1 … n.

    Järvelin & Kekäläinen, TOIS 2002, with binary gains.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    gains = np.where(ranks <= k, discounts[np.minimum(ranks, k) - 1], 0.0)
    return np.add.reduceat(gains, starts) / np.cumsum(discounts)[np.minimum(_sizes(ranks, starts), k) - 1]


def _sizes(ranks: Ints, starts: Ints) -> Ints:
    return np.diff(starts, append=len(ranks))


SUBSETS: dict[str, Callable[[Sequence[RankedRow]], Iterator[bool]]] = {
    "all": lambda rows: (True for row in rows for _ in row.ranks),
    "new": lambda rows: chain.from_iterable(row.new for row in rows),
    "repeated": lambda rows: (not new for row in rows for new in row.new),
    "clean": lambda rows: (row.clean for row in rows for _ in row.ranks),
    "liked": lambda rows: (liked is True for row in rows for liked in row.liked),
    "tail": lambda rows: chain.from_iterable(row.tail for row in rows),
    "exposed": lambda rows: (row.row.exposed for row in rows for _ in row.ranks),
}


def label_ids(row: Row) -> Sequence[str]:
    """row/target; where a row repeats a target, row/target.2 and on."""
    targets = row.targets
    if len(set(targets)) == len(targets):
        return [f"{row.id}/{target}" for target in targets]
    again = [targets[:j].count(target) for j, target in enumerate(targets)]
    return [f"{row.id}/{t}.{n + 1}" if n else f"{row.id}/{t}" for t, n in zip(targets, again, strict=True)]


@dataclass(frozen=True, slots=True)
class Unit:
    """How the chosen targets make units: names, dialogues, and what a measure is computed over."""

    name: Literal["label", "row", "dialogue"]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    starts: Ints  # of its units among the chosen targets; of dialogues: of the labels that are averaged
    of: Ints | None = None  # the dialogue of each label


@dataclass(frozen=True, slots=True)
class Chosen:
    """The targets of one subset: their ranks [L], and the units that they make."""

    subset: str
    ranks: Ints
    units: tuple[Unit, ...]


_latest: list[tuple[Sequence[RankedRow], list[Chosen]]] = []  # the measures of a run read the same rows


def tables(rows: Sequence[RankedRow]) -> list[Chosen]:
    """Each subset that has a target; remembered until other rows are asked for."""
    if not _latest or _latest[0][0] is not rows:
        _latest[:] = [(rows, _tables(rows))]
    return _latest[0][1]


def _tables(rows: Sequence[RankedRow]) -> list[Chosen]:
    sizes = np.fromiter(map(len, (row.ranks for row in rows)), np.int64, len(rows))
    count = int(sizes.sum())
    flat = (UNRANKED if rank is None else rank for row in rows for rank in row.ranks)
    ranks = np.fromiter(flat, np.int64, count)
    of_row = np.repeat(np.arange(len(rows)), sizes)
    ids = list(chain.from_iterable(label_ids(row.row) for row in rows))
    row_ids, row_dialogues = [row.row.id for row in rows], [row.row.dialogue for row in rows]
    numbers = {name: i for i, name in enumerate(dict.fromkeys(row_dialogues))}
    names = list(numbers)
    of_dialogue = np.array([numbers[name] for name in row_dialogues], np.int64)[of_row]
    found: list[Chosen] = []
    for subset, choose in SUBSETS.items():
        mask = np.fromiter(choose(rows), np.bool_, count)
        if not mask.any():
            continue
        mine, dialogues = of_row[mask], of_dialogue[mask]
        starts = np.flatnonzero(np.diff(mine, prepend=-1))
        present, of = np.unique(dialogues, return_inverse=True)
        groups = tuple([names[i] for i in dialogues.tolist()])
        first = mine[starts].tolist()
        whole = tuple([names[i] for i in present.tolist()])
        each = np.arange(len(mine))
        units = (
            Unit("label", tuple(compress(ids, mask.tolist())), groups, each),
            Unit(
                "row",
                tuple([row_ids[i] for i in first]),
                tuple([row_dialogues[i] for i in first]),
                starts,
            ),
            Unit("dialogue", whole, whole, each, of),
        )
        found.append(Chosen(subset, ranks[mask], units))
    return found


class RankingMetric:
    """One measure at one cut-off. A subset without a target gives no values."""

    reads: ClassVar[Literal["rankings", "texts", "episodes"]] = "rankings"
    name: ClassVar[str]
    k: ClassVar[int]
    value: ClassVar[Callable[[Ints, Ints, int], Floats]]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def measure(
        self,
        judged: Sequence[RankedRow] | Sequence[Episode],
        corpus: Corpus,  # noqa: ARG002 (the ranks hold all)
    ) -> list[Values | Absent]:
        rows = cast("Sequence[RankedRow]", judged)
        found: list[Values | Absent] = []
        for chosen in tables(rows):
            for unit in chosen.units:
                values = self.value(chosen.ranks, unit.starts, self.k)
                if unit.of is not None:
                    values = np.bincount(unit.of, weights=values) / np.bincount(unit.of)
                found.append(
                    Values(self.name, chosen.subset, unit.name, unit.ids, unit.groups, tuple(values.tolist()))
                )
        return found or [Absent(self.name, "no row has a target")]


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
