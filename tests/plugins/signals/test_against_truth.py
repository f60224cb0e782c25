"""What the labels are worth where the truth is known, and that they come from behaviour alone."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crsbench_signals.dwell import Dwell
from crsbench_signals.engagement import Engagement
from crsbench_signals.latent_class import LatentClass
from crsbench_signals.majority import Majority
from crsbench_signals.sentiment import Sentiment
from sklearn.metrics import roc_auc_score

from crsbench.episode import transitions

SOURCES = (Dwell, Sentiment, Engagement)


@pytest.fixture(scope="module")
def measured(log):
    return [source().measure(log[0]) for source in SOURCES]


def calibration_error(p, z, bins=10):
    """Expected calibration error over equally wide bins."""
    bin_of = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[bin_of == b].mean() - z[bin_of == b].mean()) * np.mean(bin_of == b) for b in set(bin_of)]
    return float(sum(gaps))


def test_the_latent_class_beats_every_signal_and_the_vote(log, measured):
    _, z = log
    latent = roc_auc_score(z, LatentClass().fit(measured).predict(measured).probability)
    vote = roc_auc_score(z, Majority().fit(measured).predict(measured).probability)
    singles = [roc_auc_score(z, signal.values) for signal in measured]
    assert latent == pytest.approx(0.86, abs=0.02)
    assert latent > vote + 0.02
    assert latent > max(singles) + 0.02


def test_the_latent_class_is_calibrated_and_the_vote_is_not(log, measured):
    _, z = log
    model = LatentClass().fit(measured)
    assert calibration_error(model.predict(measured).probability, z) < 0.05
    assert calibration_error(Majority().fit(measured).predict(measured).probability, z) > 0.08
    assert model.prior == pytest.approx(z.mean(), abs=0.04)


def test_learnt_reliabilities_are_near_the_true_ones(log, measured):
    _, z = log
    model = LatentClass().fit(measured)
    for signal in measured:
        assert model.reliability[signal.name] == pytest.approx(roc_auc_score(z, signal.values), abs=0.06)


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_a_value_depends_on_its_own_transition(log, measured, number):
    """In the default variants nothing leaks from one transition to another."""
    alone = [SOURCES[number]().measure([t]).values[0] for t in log[0][::50]]
    assert np.array_equal(alone, measured[number].values[::50])


@pytest.mark.parametrize("source", SOURCES)
def test_signals_do_not_ask_who_the_user_is(log, source):
    some = log[0][:300]
    anonymous = [replace(t, user=None, dialogue="x", fold=0, index=0) for t in some]
    assert np.array_equal(source().measure(some).values, source().measure(anonymous).values)


def test_real_dialogue_without_timing():
    """OpenDialKG has no times and few known replies: what is not observed stays unknown."""
    corpora = pytest.importorskip("crsbench_corpora.opendialkg")
    home = Path(os.environ.get("CRSBENCH_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (home / "opendialkg").exists():
        pytest.skip("OpenDialKG is not at hand; set CRSBENCH_DATA")
    corpus = corpora.OpenDialKG().load("ievalm", home, 0)
    found = [t for dialogue in corpus.train.dialogues for t in transitions(dialogue)][:2000]
    signals = [source().measure(found) for source in SOURCES]
    assert np.isnan(signals[0].values).all()
    unknown = np.array([t.reply is None and t.censored for t in found])
    assert 0 < unknown.sum() < len(found)
    for model in (LatentClass(), Majority()):
        label = model.fit(signals).predict(signals)
        assert np.array_equal(np.isnan(label.probability), unknown)
        assert not label.confidence[unknown].any()
