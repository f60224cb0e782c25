import numpy as np
from crsbench_signals.majority import Majority

from crsbench.types import Signal

NAN = float("nan")


def signal(name, *values):
    return Signal(name, np.array(values, dtype=float), "", "logged")


def test_votes_above_and_below_the_median():
    signals = [
        signal("a", 1, 2, 3, NAN, NAN),  # median 2
        signal("b", 5, 9, 7, 7, NAN),  # median 7
    ]
    label = Majority().fit(signals).predict(signals)
    assert np.allclose(label.probability, [0, 0.75, 0.75, 0.5, NAN], equal_nan=True)
    assert np.allclose(label.confidence, [1, 0.5, 0.5, 0, 0])


def test_keeps_the_medians_it_was_fitted_on():
    model = Majority().fit([signal("a", 0, 1, 2)])
    assert model.predict([signal("a", 5, 6, 7)]).probability.tolist() == [1, 1, 1]


def test_a_signal_that_was_never_observed_does_not_vote():
    signals = [signal("a", NAN, NAN), signal("b", 1, 2)]
    label = Majority().fit(signals).predict(signals)
    assert label.probability.tolist() == [0, 1]


def test_nothing_observed():
    signals = [signal("a", NAN, NAN)]
    label = Majority().fit(signals).predict(signals)
    assert np.isnan(label.probability).all()
    assert label.confidence.tolist() == [0, 0]
