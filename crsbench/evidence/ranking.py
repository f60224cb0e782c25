"""R_φ's ranking of the whole catalogue, held against true utilities where a scenario knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.asking import BATCH, Actor
from crsbench.context import Chain
from crsbench.errors import PluginError
from crsbench.evidence.scores import spearman
from crsbench.intervals import Interval, bootstrap
from crsbench.plan import ChainPlan, Part
from crsbench.plugins import Host
from crsbench.types import Absent, Corpus, Row, Truth
from crsbench.workshop import Workshop

CELLS = 1 << 23  # items of states that are scored together

Floats = NDArray[np.float64]
Scores = Callable[[Sequence[Row], Sequence[Truth]], Sequence[Floats]]  # float64 [I] a row


@dataclass(frozen=True, slots=True)
class Ranking:
    """Mean Spearman correlation with the true utilities of the items not yet recommended in a dialogue.

    `reward` is that of R_φ's `score_items`. `bounds` are the scenario's own privileged policies: the one that
    ranks by utility reaches 1; one that knows the hidden quality of items and nothing of the user is what can
    be reached without personalisation; the log's recommender is where it began.
    """

    reward: Interval
    bounds: Mapping[str, Interval]


def ranking(
    plan: ChainPlan, chain: Chain, corpus: Corpus, host: Host, workshop: Workshop
) -> Ranking | Absent:
    """Over the test rows whose truth is known, with intervals over their dialogues."""
    rows = [row for row in corpus.test.rows if row.id in corpus.sealed.truth]
    if not rows or corpus.sealed.truth[rows[0].id].utilities is None:
        return Absent("ranking", f"{plan.dataset.offer.name} knows no true utilities")
    assert plan.reward is not None
    who: dict[str, Scores] = {
        plan.reward.offer.name: _rewarded(plan.reward, chain, len(corpus.catalog), workshop)
    }
    who |= {part.offer.name: _bound(part, chain, corpus, workshop) for part in _bounds(plan, host)}
    found: dict[str, list[float]] = {name: [] for name in who}
    size = max(1, min(BATCH, CELLS // len(corpus.catalog)))
    batches = range(0, len(rows), size)
    for start in workshop.ui.progress(batches, len(batches), "ranking the catalogue"):
        batch = rows[start : start + size]
        truths = [corpus.sealed.truth[row.id] for row in batch]
        for name, scores in who.items():
            found[name] += map(correlation, batch, truths, scores(batch, truths))
    reward, *bounds = (_mean(values, rows) for values in found.values())
    return Ranking(reward, dict(zip(list(who)[1:], bounds, strict=True)))


def correlation(row: Row, truth: Truth, scores: Floats) -> float:
    """Spearman's, of the `scores` [I] and the utilities of the items that are left to recommend."""
    left = np.ones(len(scores), dtype=np.bool_)
    left[[item for turn in row.state.history for item in turn.recommended]] = False
    return spearman(scores[left], np.asarray(truth.utilities, dtype=np.float64)[left])


def _mean(values: Sequence[float], rows: Sequence[Row]) -> Interval:
    """A ranking that holds all items equal knows nothing: its rows count as 0."""
    return bootstrap([0.0 if np.isnan(value) else value for value in values], [row.dialogue for row in rows])


def _rewarded(part: Part, chain: Chain, items: int, workshop: Workshop) -> Scores:
    model: Any = chain.reward.value
    guard = workshop.guard(part, "score_items")

    def scores(rows: Sequence[Row], truths: Sequence[Truth]) -> Sequence[Floats]:
        del truths
        with guard():
            found = np.asarray(model.score_items([row.state.blank() for row in rows]), dtype=np.float64)
        if found.shape != (len(rows), items) or not np.isfinite(found).all():
            raise PluginError(f"{part.name}: score_items gave no score of every item", part.name)
        return list(found)

    return scores


def _bounds(plan: ChainPlan, host: Host) -> list[Part]:
    """The privileged policies that come from where the dataset comes from."""
    home = plan.dataset.offer.origin
    return [
        Part(offer, offer.options_model()(), offer.digest())
        for offer in host.offers
        if offer.kind == "policy" and offer.spec.privileged and offer.origin == home
    ]


def _bound(part: Part, chain: Chain, corpus: Corpus, workshop: Workshop) -> Scores:
    items = len(corpus.catalog)
    with workshop.guard(part, "fit")():
        policy = part.make().fit(corpus.train, chain.context(part, frozenset()))
    actor = Actor("final", policy, part.name, items, True, workshop.guard(part, "act"))

    def scores(rows: Sequence[Row], truths: Sequence[Truth]) -> Sequence[Floats]:
        actions = actor.act([row.state for row in rows], "ranking", items, truths=truths)
        found = np.full((len(rows), items), -np.inf)
        for row, action in zip(found, actions, strict=True):
            row[list(action.items)] = action.scores or np.arange(len(action.items), 0, -1)
        return list(found)

    return scores
