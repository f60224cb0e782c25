"""Where a scenario knows the truth: how far its log is from the best that was possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crsbench.audit.finding import Finding, finding
from crsbench.types import Corpus

SLACK = 1e-6  # utilities that differ by less are equal


@dataclass(frozen=True, slots=True)
class Bounds:
    """Mean utility over the test rows: of what was logged, of an item drawn at random, of the best item.

    `margin` = best − logged: what a better recommender than the logger could gain.
    """

    logged: float
    evenly: float
    best: float
    rows: int

    @property
    def margin(self) -> float:
        return self.best - self.logged


def bounds(corpus: Corpus) -> Bounds | None:
    """The bounds; None where no row's truth is known. Rows that the scenario exposed at random are left out:
    they are not the logger's choice."""
    found = _utilities(corpus)
    if not found:
        return None
    logged, evenly, best = np.array([values for _, values in found]).mean(axis=0).tolist()
    return Bounds(logged, evenly, best, len(found))


def findings(corpus: Corpus) -> Iterator[Finding]:
    """How often the log's choice was not the best."""
    found = _utilities(corpus)
    yield finding(
        "logged_targets_below_best",
        (f"row {name}: {values[0]:.2f}, best {values[2]:.2f}" for name, values in found if _below(values)),
        len(found),
        "recall on logged items: it measures agreement with the logger; read truth_ndcg@10 and satisfaction",
    )


def _below(values: tuple[float, float, float]) -> bool:
    return values[0] < values[2] - SLACK


def _utilities(corpus: Corpus) -> list[tuple[str, tuple[float, float, float]]]:
    """(row id, (utility of its targets, of any item, of the best)) of each row whose truth is known."""
    found: list[tuple[str, tuple[float, float, float]]] = []
    for row in corpus.test.rows:
        truth = corpus.sealed.truth.get(row.id)
        if truth is None or truth.utilities is None or not row.targets or row.exposed:
            continue
        logged = float(truth.utilities[list(row.targets)].mean())
        found.append((row.id, (logged, float(truth.utilities.mean()), float(truth.utilities.max()))))
    return found
