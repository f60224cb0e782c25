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
from crsbench_signals.relevance import Relevance
from crsbench_signals.sentiment import LaterSentiment, Sentiment
from crsbench_signals.weighted_sum import WeightedSum
from sklearn.metrics import roc_auc_score

from crsbench.context import measure
from crsbench.episode import transitions
from crsbench.types import Sealed

SOURCES = (Dwell, Sentiment, LaterSentiment, Engagement, Relevance)


@pytest.fixture(scope="module")
def measured(log, corpus):
    return [measure(source(), log[0], corpus.catalog) for source in SOURCES]


def auc(z, values):
    return roc_auc_score(z, np.nan_to_num(values, nan=np.nanmedian(values)))


def calibration_error(p, z, bins=10):
    """Expected calibration error over equally wide bins."""
    bin_of = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[bin_of == b].mean() - z[bin_of == b].mean()) * np.mean(bin_of == b) for b in set(bin_of)]
    return float(sum(gaps))


def test_the_latent_class_beats_every_signal_and_the_vote(log, measured):
    _, z = log
    models = LatentClass(), WeightedSum(), Majority()
    latent, total, vote = (auc(z, model.fit(measured).predict(measured).probability) for model in models)
    assert latent == pytest.approx(0.89, abs=0.02)
    assert latent > total + 0.02 > vote + 0.03
    assert latent > max(auc(z, signal.values) for signal in measured) + 0.03


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
        assert model.reliability[signal.name] == pytest.approx(auc(z, signal.values), abs=0.06)


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_a_value_depends_on_its_own_transition(log, corpus, measured, number):
    """In the default variants nothing leaks from one transition to another."""
    alone = [measure(SOURCES[number](), [t], corpus.catalog).values[0] for t in log[0][::200]]
    assert np.array_equal(alone, measured[number].values[::200], equal_nan=True)


@pytest.mark.parametrize("source", SOURCES)
def test_signals_do_not_ask_who_the_user_is(log, corpus, source):
    some = log[0][:300]
    anonymous = [replace(t, user=None, dialogue="x", fold=0, index=0) for t in some]
    known, unknown = (measure(source(), steps, corpus.catalog).values for steps in (some, anonymous))
    assert np.array_equal(known, unknown, equal_nan=True)


def test_explicit_labels_change_no_weak_label(corpus, measured):
    """What is sealed has no way in: with every label turned round each bit is the same."""
    feedback = {
        name: replace(one, liked={item: not liked for item, liked in one.liked.items()})
        for name, one in corpus.sealed.feedback.items()
    }
    other = replace(corpus, sealed=Sealed(feedback))
    found = [t for dialogue in other.train.dialogues for t in transitions(dialogue)]
    signals = [measure(source(), found, other.catalog) for source in SOURCES]
    expected, label = (LatentClass().fit(some).predict(some) for some in (measured, signals))
    assert label.probability.tobytes() == expected.probability.tobytes()
    assert label.confidence.tobytes() == expected.confidence.tobytes()


def test_real_dialogue_without_timing():
    """OpenDialKG has no times and few known replies: what is not observed stays unknown."""
    corpora = pytest.importorskip("crsbench_corpora.opendialkg")
    home = Path(os.environ.get("CRSBENCH_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (home / "opendialkg").exists():
        pytest.skip("OpenDialKG is not at hand; set CRSBENCH_DATA")
    corpus = corpora.OpenDialKG().load("ievalm", home, 0)
    found = [t for dialogue in corpus.train.dialogues for t in transitions(dialogue)][:2000]
    signals = [measure(source(), found, corpus.catalog) for source in (Dwell, Sentiment, Engagement)]
    assert np.isnan(signals[0].values).all()
    unknown = np.array([t.reply is None and t.censored for t in found])
    assert 0 < unknown.sum() < len(found)
    for model in (LatentClass(), Majority()):
        label = model.fit(signals).predict(signals)
        assert np.array_equal(np.isnan(label.probability), unknown)
        assert not label.confidence[unknown].any()
