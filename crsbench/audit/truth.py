"""Where a scenario knows the truth: how far its log is from the best that was possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crsbench.audit.finding import Finding, finding
from crsbench.intervals import Interval, bootstrap
from crsbench.types import Corpus, Row

SLACK = 1e-6  # utilities that differ by less are equal


@dataclass(frozen=True, slots=True)
class Bounds:
    """Mean utility over the test rows: of what was logged, of an item drawn at random, of the best item.

    `margin` is the mean of best − logged, what a better recommender than the logger could gain, with its 95%
    interval: rows are paired, and users (dialogues, where the data does not say whose they are) resampled.
    """

    logged: float
    evenly: float
    best: float
    margin: Interval


def bounds(corpus: Corpus) -> Bounds | None:
    """The bounds; None where no row's truth is known. Rows that the scenario exposed at random are left out:
    they are not the logger's choice."""
    found = _utilities(corpus)
    if not found:
        return None
    values = np.array([values for _, values in found])
    users = {one.id: one.user or one.id for one in corpus.test.dialogues}
    groups = [users.get(row.dialogue, row.dialogue) for row, _ in found]
    logged, evenly, best = values.mean(axis=0).tolist()
    return Bounds(logged, evenly, best, bootstrap((values[:, 2] - values[:, 0]).tolist(), groups))


def findings(corpus: Corpus) -> Iterator[Finding]:
    """How often the log's choice was not the best."""
    found = _utilities(corpus)
    yield finding(
        "logged_targets_below_best",
        (f"row {row.id}: {values[0]:.2f}, best {values[2]:.2f}" for row, values in found if _below(values)),
        len(found),
        "recall on logged items: it measures agreement with the logger; read truth_ndcg@10 and satisfaction",
    )


def _below(values: tuple[float, float, float]) -> bool:
    return values[0] < values[2] - SLACK


def _utilities(corpus: Corpus) -> list[tuple[Row, tuple[float, float, float]]]:
    """(row, (utility of its targets, of any item, of the best)) of each row whose truth is known."""
    found: list[tuple[Row, tuple[float, float, float]]] = []
    for row in corpus.test.rows:
        truth = corpus.sealed.truth.get(row.id)
        if truth is None or truth.utilities is None or not row.targets or row.exposed:
            continue
        logged = float(truth.utilities[list(row.targets)].mean())
        found.append((row, (logged, float(truth.utilities.mean()), float(truth.utilities.max()))))
    return found
