import numpy as np
import pytest
from crsbench_signals.options import WeightedSumOptions
from crsbench_signals.weighted_sum import WeightedSum
from scipy.special import expit

from crsbench.types import Signal

NAN = float("nan")


def signal(name, *values):
    return Signal(name, np.array(values, dtype=float), "", "logged")


def test_sums_standardised_signals():
    signals = [signal("a", -1, 1, NAN, NAN), signal("b", 10, 30, 30, NAN), signal("c", 7, 7, 7, NAN)]
    z = (30 - 70 / 3) / np.std([10, 30, 30])
    low = (10 - 70 / 3) / np.std([10, 30, 30])
    label = WeightedSum().fit(signals).predict(signals)
    expected = [expit((low - 1) / 2**0.5), expit((z + 1) / 2**0.5), expit(z), NAN]
    assert np.allclose(label.probability, expected, equal_nan=True)
    assert label.confidence[3] == 0


def test_weights():
    signals = [signal("a", -1, 1, -1, 1), signal("b", -1, -1, 1, 1)]
    model = WeightedSum(WeightedSumOptions(weights={"a": 3, "b": -4})).fit(signals)
    assert np.allclose(model.predict(signals).probability, expit(np.array([1, 7, -7, -1]) / 5))
    with pytest.raises(ValueError, match="c"):
        WeightedSum(WeightedSumOptions(weights={"c": 1})).fit(signals)
