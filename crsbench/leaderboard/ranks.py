"""What follows from ranks alone: recall@k, mrr@10 and ndcg@10 in every subset and unit.

The records of a leaderboard hold no such value: each is computed again from where the targets stood, here
and not by the plugin that measured it, so that neither can be wrong alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.errors import DataError
from crsbench.types import Values

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MEASURES = re.compile(r"(recall|mrr|ndcg)@([1-9][0-9]*)")
LISTED = 50  # how deep a recorded ranking goes: no measure can look further
COLUMNS = ("id", "dialogue", "targets", "new", "tail", "liked", "clean", "exposed")
SUBSETS = ("all", "new", "repeated", "clean", "liked", "tail", "exposed")
UNITS = ("label", "row", "dialogue")
_OF_TARGETS = ("targets", "new", "tail", "liked")


@dataclass(frozen=True, slots=True)
class Rows:
    """The scored rows of a run: what they are (one column each), and the ranks that each stage gave."""

    columns: Mapping[str, Sequence[Any]]
    ranks: Mapping[str, Sequence[Sequence[int | None]]]  # stage → row → one rank a target

    def __len__(self) -> int:
        return len(self.columns["id"])

    @property
    def targets(self) -> int:
        return sum(map(len, self.columns["targets"]))

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]]) -> Rows:
        """From the lines of `rows.jsonl`. Raises DataError where stages were not scored on the same rows."""
        stages: dict[str, list[Mapping[str, Any]]] = {}
        for line in lines:
            stages.setdefault(line["stage"], []).append(line)
        columns: dict[str, list[Any]] = {}
        for stage, rows in stages.items():
            mine = {name: [row[name] for row in rows] for name in COLUMNS}
            if columns and mine != columns:
                raise DataError(f"stage {stage!r} was scored on other rows than the stages before it")
            columns = mine
        rows = cls(columns, {stage: [row["ranks"] for row in rows] for stage, rows in stages.items()})
        rows.check()
        return rows

    def check(self) -> None:
        """Raises DataError where the rows are not what rows can be."""
        count = len(self) if "id" in self.columns else -1
        if set(self.columns) != set(COLUMNS) or any(len(self.columns[name]) != count for name in COLUMNS):
            raise DataError(f"rows need the columns {', '.join(COLUMNS)}, of one length")
        if len(set(self.columns["id"])) < count:
            raise DataError("two rows have one id")
        sizes = [len(targets) for targets in self.columns["targets"]]
        of_targets = [*(self.columns[name] for name in _OF_TARGETS), *self.ranks.values()]
        if any([len(one) for one in column] != sizes for column in of_targets):
            raise DataError("a row does not have one flag and one rank for each of its targets")
        for stage, ranks in self.ranks.items():
            for row, one in zip(self.columns["id"], ranks, strict=True):
                given = [rank for rank in one if rank is not None]
                if any(type(rank) is not int or not 1 <= rank <= LISTED for rank in given):
                    raise DataError(f"row {row}, stage {stage!r}: ranks {one} are not between 1 and {LISTED}")


def recompute(rows: Rows, stage: str) -> Callable[[str, str, str], Values | None]:
    """A function (metric, subset, unit) → what the ranks of a stage give; None for what does not follow."""
    sizes = np.array([len(targets) for targets in rows.columns["targets"]], np.int64)
    of_row = np.repeat(np.arange(len(sizes)), sizes)
    flat = [rank or 0 for one in rows.ranks[stage] for rank in one]
    ranks = np.array(flat, np.float64)
    ranks[ranks == 0] = np.inf
    masks = _masks(rows, of_row)
    units: dict[tuple[str, str], _Unit] = {}

    def values(metric: str, subset: str, unit: str) -> Values | None:
        asked = MEASURES.fullmatch(metric)
        if asked is None or int(asked[2]) > LISTED or subset not in SUBSETS or unit not in UNITS:
            return None
        mask = masks[subset]
        if not mask.any():
            return None
        key = (subset, unit)
        if key not in units:
            units[key] = _MAKE[unit](rows, of_row, mask)
        found = units[key]
        each = _MEASURES[asked[1]](ranks[mask], found.inner, int(asked[2]))
        if found.outer is not None:
            each = np.bincount(found.outer, weights=each) / np.bincount(found.outer)
        return Values(metric, subset, unit, found.ids, found.groups, tuple(each.tolist()))  # pyright: ignore[reportArgumentType]

    return values


@dataclass(frozen=True, slots=True)
class _Unit:
    """The unit that each target belongs to (`inner`); where units are averaged, the dialogue of each."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    inner: Ints
    outer: Ints | None = None


def _masks(rows: Rows, of_row: Ints) -> dict[str, NDArray[np.bool_]]:
    def flags(name: str) -> NDArray[np.bool_]:
        return np.array([flag is True for one in rows.columns[name] for flag in one], np.bool_)

    def whole(name: str) -> NDArray[np.bool_]:
        return np.array(rows.columns[name], np.bool_)[of_row]

    new = flags("new")
    return {
        "all": np.ones(len(of_row), np.bool_),
        "new": new,
        "repeated": ~new,
        "clean": whole("clean"),
        "liked": flags("liked"),
        "tail": flags("tail"),
        "exposed": whole("exposed"),
    }


def _labels(rows: Rows, of_row: Ints, mask: NDArray[np.bool_]) -> _Unit:
    ids: list[str] = []
    for row, targets in zip(rows.columns["id"], rows.columns["targets"], strict=True):
        seen: dict[int, int] = {}
        for target in targets:
            seen[target] = seen.get(target, 0) + 1
            again = f".{seen[target]}" if seen[target] > 1 else ""
            ids.append(f"{row}/{target}{again}")
    dialogues = rows.columns["dialogue"]
    chosen = np.flatnonzero(mask).tolist()
    return _Unit(
        tuple(ids[i] for i in chosen),
        tuple(dialogues[of_row[i]] for i in chosen),
        np.arange(len(chosen)),
    )


def _whole_rows(rows: Rows, of_row: Ints, mask: NDArray[np.bool_]) -> _Unit:
    present, inner = np.unique(of_row[mask], return_inverse=True)
    chosen = present.tolist()
    return _Unit(
        tuple(rows.columns["id"][i] for i in chosen),
        tuple(rows.columns["dialogue"][i] for i in chosen),
        inner.astype(np.int64),
    )


def _dialogues(rows: Rows, of_row: Ints, mask: NDArray[np.bool_]) -> _Unit:
    names = list(dict.fromkeys(rows.columns["dialogue"]))
    numbers = {name: i for i, name in enumerate(names)}
    of_dialogue = np.array([numbers[name] for name in rows.columns["dialogue"]], np.int64)[of_row[mask]]
    present, outer = np.unique(of_dialogue, return_inverse=True)
    ids = tuple(names[i] for i in present.tolist())
    return _Unit(ids, ids, np.arange(len(outer)), outer.astype(np.int64))


def _recall(ranks: Floats, unit: Ints, k: int) -> Floats:
    """Share of a unit's targets at rank ≤ k. ranks [L], unit [L] of each target → one value a unit."""
    return np.bincount(unit, weights=ranks <= k) / np.bincount(unit)


def _reciprocal_rank(ranks: Floats, unit: Ints, k: int) -> Floats:
    """1 / rank of a unit's best target, 0 beyond k."""
    best = np.full(int(unit.max()) + 1, np.inf)
    np.minimum.at(best, unit, ranks)
    return np.where(best <= k, 1 / best, 0.0)


def _ndcg(ranks: Floats, unit: Ints, k: int) -> Floats:
    """Σ 1/log2(1 + rank) over a unit's targets at rank ≤ k, by its value were they all at the top."""
    gains = np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0)
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    return np.bincount(unit, weights=gains) / ideal[np.minimum(np.bincount(unit), k) - 1]


_MAKE = {"label": _labels, "row": _whole_rows, "dialogue": _dialogues}
_MEASURES = {"recall": _recall, "mrr": _reciprocal_rank, "ndcg": _ndcg}
