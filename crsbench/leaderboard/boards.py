"""Boards: what may be compared stands on one board, in columns of one measure each.

A board is one version of a dataset (by its fingerprint) under one protocol and limit. Its lines are ranked in
each measure alone. What is handed a scenario's truth is a bound: it has a value and no rank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crsbench.leaderboard.lines import Line, Measure, Sample, make_line
from crsbench.leaderboard.pairs import Triangle, ranks, triangle
from crsbench.leaderboard.published import Source
from crsbench.leaderboard.records import Record
from crsbench.numbers import rank as first_unit
from crsbench.plugins import OURS
from crsbench.stats import but_for_seed

Column = tuple[str, str, str | None]  # metric, subset, decoding; by the first unit that the metric has
# Repeated targets are found by copying, so the first column is of new ones; the others stand beside it.
REAL: tuple[Column, ...] = (
    ("recall@10", "new", None),
    ("recall@10", "all", None),
    ("recall@10", "repeated", None),
)
# What a scenario's logger happened to show is no measure of what is good: what its users feel comes first.
SCENARIO: tuple[Column, ...] = (
    ("satisfaction", "all", "greedy"),
    ("truth_ndcg@10", "all", None),
    ("recall@10", "all", None),
)
MORE: tuple[Column, ...] = (
    ("recall@1", "new", None),
    ("recall@50", "new", None),
    ("mrr@10", "new", None),
    ("ndcg@10", "new", None),
    ("recall@10", "liked", None),
    ("recall@10", "tail", None),
    ("recall@10", "clean", None),
    ("recall@10", "exposed", None),
    ("satisfaction", "all", "sampled"),
    ("satisfaction_total", "all", "greedy"),
    ("success_rate", "all", "greedy"),
    ("satisfaction_predicted", "all", "greedy"),
    ("coverage", "all", None),
    ("gini", "all", None),
    ("coherence", "all", None),
    ("distinct-2", "all", None),
    ("bits_per_byte", "all", None),
)


@dataclass(frozen=True, slots=True)
class Board:
    """Lines that may be compared, best first; `ranks` has one a line for each measure, None for no rank."""

    dataset: str
    version: str | None
    fingerprint: str
    protocol: str
    limit: int | None
    lines: tuple[Line, ...]
    measures: tuple[Measure, ...]
    higher: Mapping[Measure, bool]
    ranks: Mapping[Measure, tuple[int | None, ...]]
    pairs: Mapping[Measure, Triangle | None]
    main: tuple[Measure, ...]  # the columns that a reader sees first; lines stand in the order of the first
    reported: tuple[Source, ...]

    @property
    def name(self) -> str:
        """The dataset's name; that of a stranger with its distribution."""
        return self.dataset.removeprefix(f"{OURS}/")

    @property
    def scenario(self) -> bool:
        """Whether the truth is known here."""
        return _scenario(self.measures)

    @property
    def more(self) -> tuple[Measure, ...]:
        """Further columns that are worth a look."""
        return _find(self.measures, MORE)

    @property
    def titles(self) -> tuple[str, ...]:
        """What each line is called: its policy and options, and the id of a run where that is not enough."""
        plain = [f"{line.policy} {line.options}".strip() for line in self.lines]
        return tuple(
            title if plain.count(title) == 1 else f"{title} #{line.records[0].id[:8]}"
            for title, line in zip(plain, self.lines, strict=True)
        )


def make_boards(records: Sequence[Record], published: Sequence[Source]) -> list[Board]:
    """The boards of records, by dataset and protocol. Raises DataError for a damaged record."""
    found: dict[tuple[str, str, str, str, int], dict[str, list[Record]]] = {}
    for record in records:
        run = record.record["run"]
        version = next((part["version"] for part in run["plugins"] if part["kind"] == "dataset"), None)
        key = (run["dataset"], run["protocol"], version or "", run["dataset_fingerprint"], run["limit"] or 0)
        found.setdefault(key, {}).setdefault(but_for_seed(record.record), []).append(record)
    return [
        _board(key, list(found[key].values()), published)
        for key in sorted(found, key=lambda key: (not key[0].startswith(f"{OURS}/"), *key))
    ]


def _board(
    key: tuple[str, str, str, str, int], groups: Sequence[Sequence[Record]], published: Sequence[Source]
) -> Board:
    dataset, protocol, version, fingerprint, limit = key
    seeds = (sorted(group, key=lambda one: (one.record["run"]["seed"], one.id)) for group in groups)
    made = [make_line(records) for records in seeds]
    lines = [line for line, _ in made]
    higher = {measure: up for line in lines for measure, up in line.higher.items()}
    measures = tuple(dict.fromkeys(measure for line in lines for measure in line.cells))
    main = _find(measures, SCENARIO if _scenario(measures) else REAL)
    made.sort(key=lambda one: _order(one[0], main[0] if main else None, higher))
    measured = {measure: _measured(made, measure) for measure in measures}
    return Board(
        dataset=dataset,
        version=version or None,
        fingerprint=fingerprint,
        protocol=protocol,
        limit=limit or None,
        lines=tuple(line for line, _ in made),
        measures=measures,
        higher=higher,
        ranks={measure: _ranks(made, measure, higher[measure]) for measure in measures},
        pairs={measure: triangle(*of) for measure, of in measured.items()},
        main=main,
        reported=tuple(source for source in published if source.dataset == dataset),
    )


def _scenario(measures: Sequence[Measure]) -> bool:
    """Whether the truth is known."""
    return any(one.metric in ("satisfaction", "truth_ndcg@10") for one in measures)


def _find(measures: Sequence[Measure], columns: Iterable[Column]) -> tuple[Measure, ...]:
    found: list[Measure] = []
    for column in columns:
        mine = [one for one in measures if (one.metric, one.subset, one.decoding) == column]
        if mine:
            found.append(min(mine, key=lambda one: (first_unit(one.unit), one.simulator or "")))
    return tuple(found)


def _order(
    line: Line, measure: Measure | None, higher: Mapping[Measure, bool]
) -> tuple[float, str, str, str]:
    """Best first, what was not measured last, equals by name."""
    value = math.inf
    if measure is not None and measure in line.cells:
        value = line.cells[measure].value * (-1 if higher[measure] else 1)
    return value, line.policy, line.options, line.records[0].id


Made = tuple[Line, Mapping[Measure, Sample]]


def _measured(made: Sequence[Made], measure: Measure) -> tuple[list[int], list[Sample]]:
    """The lines that have a measure, and their samples."""
    lines = [i for i, (_, samples) in enumerate(made) if measure in samples]
    return lines, [made[i][1][measure] for i in lines]


def _ranks(made: Sequence[Made], measure: Measure, higher: bool) -> tuple[int | None, ...]:
    """One a line; None for what is not measured, and for bounds."""
    ranked = [i for i, (line, samples) in enumerate(made) if measure in samples and not line.privileged]
    found = dict(zip(ranked, ranks([made[i][1][measure] for i in ranked], higher), strict=True))
    return tuple(found.get(i) for i in range(len(made)))
