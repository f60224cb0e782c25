"""What follows from ranks alone: recall@k, mrr@10 and ndcg@10 in every subset and unit.

The records of a leaderboard hold no such value: each is computed again from where the targets stood, here
and not by the plugin that measured it, so that neither can be wrong alone.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.errors import DataError
from crsbench.identity import identity
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
class Unit:
    """What is averaged over: its names and dialogues, and the unit [L] that each chosen target belongs to.

    Where units are themselves means of labels, `outer` is the dialogue of each label.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    inner: Ints
    outer: Ints | None = None


class Scored:
    """The scored rows, one column each; records of one board share them, and what follows from them.

    Raises DataError where they are not what rows can be.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self.columns = columns
        count = len(columns["id"]) if "id" in columns else -1
        if set(columns) != set(COLUMNS) or any(len(columns[name]) != count for name in COLUMNS):
            raise DataError(f"rows need the columns {', '.join(COLUMNS)}, of one length")
        if len(set(columns["id"])) < count:
            raise DataError("two rows have one id")
        self.sizes = [len(targets) for targets in columns["targets"]]
        self.of_row: Ints = np.repeat(np.arange(count), self.sizes)
        if any([len(one) for one in columns[name]] != self.sizes for name in _OF_TARGETS):
            raise DataError("a row does not have one flag for each of its targets")
        self._units: dict[tuple[str, str], Unit] = {}

    @classmethod
    @functools.lru_cache(maxsize=64)
    def parse(cls, text: str) -> Scored:
        """From JSON; the same text gives the same object."""
        return cls(json.loads(text))

    @functools.cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that stand for all of it."""
        return identity(dict(self.columns))

    @functools.cached_property
    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """Subset → which targets belong to it."""
        new = self._flags("new")
        return {
            "all": np.ones(len(self.of_row), np.bool_),
            "new": new,
            "repeated": ~new,
            "clean": np.array(self.columns["clean"], np.bool_)[self.of_row],
            "liked": self._flags("liked"),
            "tail": self._flags("tail"),
            "exposed": np.array(self.columns["exposed"], np.bool_)[self.of_row],
        }

    def unit(self, subset: str, unit: str) -> Unit:
        """The units that the targets of a subset make: "label", "row" or "dialogue"."""
        key = (subset, unit)
        if key not in self._units:
            make = {"label": self._labels, "row": self._rows, "dialogue": self._dialogues}[unit]
            self._units[key] = make(self.masks[subset])
        return self._units[key]

    def _flags(self, name: str) -> NDArray[np.bool_]:
        return np.array([flag is True for one in self.columns[name] for flag in one], np.bool_)

    @functools.cached_property
    def _label_ids(self) -> list[str]:
        """row/target; where a row repeats a target, row/target.2 and on."""
        ids: list[str] = []
        for row, targets in zip(self.columns["id"], self.columns["targets"], strict=True):
            seen: dict[int, int] = {}
            for target in targets:
                seen[target] = seen.get(target, 0) + 1
                again = f".{seen[target]}" if seen[target] > 1 else ""
                ids.append(f"{row}/{target}{again}")
        return ids

    def _labels(self, mask: NDArray[np.bool_]) -> Unit:
        dialogues: Sequence[str] = self.columns["dialogue"]
        ids = tuple(self._label_ids[int(i)] for i in np.flatnonzero(mask))
        groups = tuple(dialogues[int(i)] for i in self.of_row[mask])
        return Unit(ids, groups, np.arange(len(ids)))

    def _rows(self, mask: NDArray[np.bool_]) -> Unit:
        present, inner = np.unique(self.of_row[mask], return_inverse=True)
        names: Sequence[str] = self.columns["id"]
        dialogues: Sequence[str] = self.columns["dialogue"]
        ids = tuple(names[int(i)] for i in present)
        return Unit(ids, tuple(dialogues[int(i)] for i in present), inner.astype(np.int64))

    def _dialogues(self, mask: NDArray[np.bool_]) -> Unit:
        dialogues: Sequence[str] = self.columns["dialogue"]
        names = list(dict.fromkeys(dialogues))
        numbers = {name: i for i, name in enumerate(names)}
        of_dialogue = np.array([numbers[name] for name in dialogues], np.int64)[self.of_row[mask]]
        present, outer = np.unique(of_dialogue, return_inverse=True)
        ids = tuple(names[int(i)] for i in present)
        return Unit(ids, ids, np.arange(len(outer)), outer.astype(np.int64))


class Rows:
    """The scored rows of a run, and the ranks that each stage gave: stage → row → one rank a target.

    Raises DataError where the ranks do not fit the rows.
    """

    def __init__(self, scored: Scored, ranks: Mapping[str, Sequence[Sequence[int | None]]]) -> None:
        self.scored = scored
        self.ranks = ranks
        for stage, given in ranks.items():
            if [len(one) for one in given] != scored.sizes:
                raise DataError("a row does not have one rank for each of its targets")
            told = {rank for one in given for rank in one if rank is not None}
            if any(type(rank) is not int or not 1 <= rank <= LISTED for rank in told):
                raise DataError(
                    f"stage {stage!r}: ranks {sorted(told, key=str)} are not between 1 and {LISTED}"
                )

    def __len__(self) -> int:
        return len(self.scored.sizes)

    @property
    def targets(self) -> int:
        return len(self.scored.of_row)

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
        return cls(Scored(columns), {stage: [row["ranks"] for row in rows] for stage, rows in stages.items()})


def recompute(rows: Rows, stage: str) -> Callable[[str, str, str], Values | None]:
    """A function (metric, subset, unit) → what the ranks of a stage give; None for what does not follow."""
    scored = rows.scored
    ranks = np.array([rank or np.inf for one in rows.ranks[stage] for rank in one], np.float64)

    def values(metric: str, subset: str, unit: str) -> Values | None:
        asked = MEASURES.fullmatch(metric)
        if asked is None or int(asked[2]) > LISTED or subset not in SUBSETS or unit not in UNITS:
            return None
        mask = scored.masks[subset]
        if not mask.any():
            return None
        of = scored.unit(subset, unit)
        each = _MEASURES[asked[1]](ranks[mask], of.inner, int(asked[2]))
        if of.outer is not None:
            each = np.bincount(of.outer, weights=each) / np.bincount(of.outer)
        return Values(metric, subset, unit, of.ids, of.groups, tuple(each.tolist()))  # pyright: ignore[reportArgumentType]

    return values


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


_MEASURES = {"recall": _recall, "mrr": _reciprocal_rank, "ndcg": _ndcg}
