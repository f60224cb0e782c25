"""Slow: signals and label models, by default as in a run, against what people and scenarios know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_corpora.redial import ReDial
from crsbench_signals.latent_class import LatentClass
from crsbench_signals.majority import Majority
from crsbench_synthetic.options import DatasetOptions
from sklearn.metrics import roc_auc_score

from crsbench.context import measure
from crsbench.episode import transitions
from crsbench.plan import SIGNALS
from crsbench.types import Catalog, Signal, Split, Transition

OTHERS = ("noisy", "polite", "distracted", "clickbait", "cold", "drift")


def steps(*splits: Split) -> list[Transition]:
    return [step for split in splits for one in split.dialogues for step in transitions(one)]


def signals(host: Any, found: list[Transition], catalog: Catalog) -> list[Signal]:
    offers = [host.find("signal", name) for name in SIGNALS]
    return [measure(offer.make(offer.options_model()()), found, catalog) for offer in offers]


def auc(z: np.ndarray, values: np.ndarray) -> float:
    return float(roc_auc_score(z, np.nan_to_num(values, nan=np.nanmedian(values))))


@pytest.mark.parametrize("name", ["synthetic", *(f"synthetic-{kind}" for kind in OTHERS)])
def test_the_latent_class_beats_every_signal_and_the_vote(host: Any, name: str) -> None:
    corpus = host.find("dataset", name).make(DatasetOptions(valid=0, test=1)).load("logged", Path("no"), 0)
    found = steps(corpus.train)
    z = np.array([corpus.sealed.feedback[t.dialogue].liked[t.action.items[0]] for t in found])
    measured = signals(host, found, corpus.catalog)
    latent, vote = (
        auc(z, m.fit(measured).predict(measured).probability) for m in (LatentClass(), Majority())
    )
    assert latent > vote
    assert latent > max(auc(z, signal.values) for signal in measured)


def test_what_people_say_they_liked(host: Any, data_dir: Path) -> None:
    """ReDial: fitted to the train part, judged by the forms of the test split. Dwell is worthless here."""
    corpus = ReDial().load("mentions", data_dir, 0)
    learnt = signals(host, steps(corpus.train), corpus.catalog)
    test = steps(corpus.test)
    first: dict[tuple[str, int], int] = {}
    for n, step in enumerate(test):
        for item in step.action.items:
            first.setdefault((step.dialogue, item), n)
    judged = [
        (n, sealed.liked[item])
        for (dialogue, item), n in first.items()
        if (sealed := corpus.sealed.feedback.get(dialogue))
        and sealed.suggested.get(item)
        and item in sealed.liked
    ]
    at, liked = (np.array(column) for column in zip(*judged, strict=True))
    model = LatentClass().fit(learnt)
    measured = signals(host, test, corpus.catalog)
    assert auc(liked, model.predict(measured).probability[at]) >= 0.72
    assert auc(liked, measured[0].values[at]) == pytest.approx(0.5, abs=0.03)
    assert model.reliability["dwell"] == pytest.approx(0.5, abs=0.03)
