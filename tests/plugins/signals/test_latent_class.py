"""The latent-class model against data drawn from its own assumptions, and against other implementations."""

import numpy as np
import pytest
from crsbench_signals.latent_class import LatentClass
from crsbench_signals.options import LatentClassOptions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crsbench.types import Signal

NAMES = ("one", "two", "three", "four")


def signals(columns):
    return [Signal(n, np.asarray(c, dtype=float), "", "logged") for n, c in zip(NAMES, columns, strict=False)]


def planted(rng, n, prior, reliabilities):
    """(y bool [n], a binary signal for each reliability): right with its probability in both classes."""
    y = rng.random(n) < prior
    return y, [np.where(rng.random(n) < r, y, ~y).astype(float) for r in reliabilities]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.floats(0.3, 0.7), st.lists(st.floats(0.65, 0.95), min_size=3, max_size=4))
@example(0, 0.3, [0.65, 0.65, 0.95])
@example(0, 0.5, [0.65, 0.65, 0.65])
@example(0, 0.3, [0.65, 0.65, 0.65])
def test_recovers_planted_reliabilities(seed, prior, reliabilities):
    _, columns = planted(np.random.default_rng(seed), 30_000, prior, reliabilities)
    model = LatentClass().fit(signals(columns))
    assert model.identified
    for name, reliability in zip(NAMES, reliabilities, strict=False):
        assert model.reliability[name] == pytest.approx(reliability, abs=0.03)
        assert abs(model.reliability[name] - reliability) < 4 * model.error[name] < 0.09


def test_standard_errors_are_those_of_repeated_draws():
    rng = np.random.default_rng(0)
    fits = [LatentClass().fit(signals(planted(rng, 5000, 0.4, (0.9, 0.7, 0.8))[1])) for _ in range(40)]
    for name in NAMES[:3]:
        spread = np.std([model.reliability[name] for model in fits])
        assert spread == pytest.approx(np.mean([model.error[name] for model in fits]), rel=0.35)


def test_says_so_where_two_signals_and_noise_tell_nothing():
    _, columns = planted(np.random.default_rng(0), 30_000, 0.5, (0.8, 0.8, 0.5))
    model = LatentClass().fit(signals(columns))
    assert not model.identified
    assert max(model.error.values()) > 0.05


def test_recovers_sensitivity_and_specificity_apart():
    rng = np.random.default_rng(0)
    y = rng.random(50_000) < 0.4
    rates = [(0.9, 0.6), (0.7, 0.95), (0.8, 0.75), (0.65, 0.9)]
    columns = [np.where(y, rng.random(len(y)) < sens, rng.random(len(y)) < 1 - spec) for sens, spec in rates]
    model = LatentClass(LatentClassOptions(tolerance=1e-9)).fit(signals(columns))
    assert model.prior == pytest.approx(0.4, abs=0.02)
    for name, (sens, spec) in zip(NAMES, rates, strict=True):
        assert model.tables[name][1, 1] == pytest.approx(sens, abs=0.02)
        assert model.tables[name][0, 0] == pytest.approx(spec, abs=0.02)


def dawid_skene(columns, start, steps):
    """The textbook loops: binary answers, nothing missing."""
    x, p = np.array(columns).T.astype(int), np.array(start, dtype=float)
    for _ in range(steps):
        prior = p.mean()
        posterior = []
        error = [{(k, b): 0.0 for k in (0, 1) for b in (0, 1)} for _ in range(x.shape[1])]
        for row, w in zip(x, p, strict=True):
            for j, b in enumerate(row):
                error[j][1, b] += w
                error[j][0, b] += 1 - w
        for j in range(x.shape[1]):
            for k in (0, 1):
                total = error[j][k, 0] + error[j][k, 1]
                error[j][k, 0], error[j][k, 1] = error[j][k, 0] / total, error[j][k, 1] / total
        for row in x:
            yes, no = prior, 1 - prior
            for j, b in enumerate(row):
                yes, no = yes * error[j][1, b], no * error[j][0, b]
            posterior.append(yes / (yes + no))
        p = np.array(posterior)
    return p


@pytest.mark.parametrize("steps", [1, 5, 30])
def test_agrees_with_dawid_and_skene(steps):
    _, columns = planted(np.random.default_rng(3), 2000, 0.45, (0.9, 0.7, 0.8))
    plain = {"starts": "mean-rank", "accelerate": False, "smoothing": 0, "tolerance": 1e-15}
    model = LatentClass(LatentClassOptions(iterations=steps, **plain))
    ours = model.fit(signals(columns)).predict(signals(columns)).probability
    start = np.clip(np.mean(columns, axis=0), 0.1, 0.9)
    assert np.allclose(ours, dawid_skene(columns, start, steps + 1), atol=1e-6)


def test_posterior_by_hand():
    """Bayes with the fitted tables: the posterior is the product of what each observed signal says."""
    _, columns = planted(np.random.default_rng(1), 5000, 0.5, (0.9, 0.8, 0.7))
    model = LatentClass().fit(signals(columns))
    row = signals([[1.0], [np.nan], [0.0]])
    yes = model.prior * model.tables["one"][1, 1] * model.tables["three"][1, 0]
    no = (1 - model.prior) * model.tables["one"][0, 1] * model.tables["three"][0, 0]
    assert model.predict(row).probability[0] == pytest.approx(yes / (yes + no))
    assert model.predict(row).confidence[0] == pytest.approx(abs(yes - no) / (yes + no))


def test_missing_values_at_random_do_not_disturb():
    rng = np.random.default_rng(5)
    _, columns = planted(rng, 40_000, 0.4, (0.9, 0.75, 0.8))
    for column in columns:
        column[rng.random(len(column)) < 0.4] = np.nan
    model = LatentClass().fit(signals(columns))
    for name, reliability in zip(NAMES, (0.9, 0.75, 0.8), strict=False):
        assert model.reliability[name] == pytest.approx(reliability, abs=0.03)
    label = model.predict(signals(columns))
    nothing = np.isnan(columns).all(axis=0)
    assert nothing.any()
    assert np.array_equal(np.isnan(label.probability), nothing)
    assert np.array_equal(label.confidence == 0, nothing)


def test_continuous_signals_are_cut_at_quantiles():
    rng = np.random.default_rng(2)
    y = rng.random(20_000) < 0.45
    columns = [rng.normal(y * effect, 1) for effect in (0.7, 1.5, 1.0)]
    model = LatentClass().fit(signals(columns))
    aucs = (0.69, 0.856, 0.76)  # Φ(effect / √2), a little less after the cut
    assert [model.reliability[name] for name in NAMES[:3]] == pytest.approx(aucs, abs=0.04)
    assert all(table.shape == (2, 5) for table in model.tables.values())
    stretched = [np.exp(columns[0]), columns[1], columns[2] ** 3]
    again = LatentClass().fit(signals(stretched)).predict(signals(stretched))
    assert np.array_equal(again.probability, model.predict(signals(columns)).probability)


def test_a_signal_that_lies_is_found_out():
    _, columns = planted(np.random.default_rng(4), 20_000, 0.5, (0.9, 0.8, 0.7, 0.3))
    model = LatentClass(LatentClassOptions(monotone=False)).fit(signals(columns))
    assert model.reliability["four"] == pytest.approx(0.3, abs=0.03)
    assert model.reliability["one"] == pytest.approx(0.9, abs=0.03)
    held = LatentClass().fit(signals(columns))  # to the order: worth nothing is as low as it gets
    assert held.reliability["four"] == pytest.approx(0.5, abs=1e-9)
    assert held.reliability["one"] == pytest.approx(0.9, abs=0.03)


def test_more_of_a_signal_never_means_less():
    rng = np.random.default_rng(9)
    y = rng.random(2000) < 0.5
    columns = [rng.normal(y * effect, 1) for effect in (0.3, 1.0, 1.2)]
    model = LatentClass(LatentClassOptions(bins=20)).fit(signals(columns))
    for table in model.tables.values():
        assert (np.diff(table[1] / table[0]) > -1e-9).all()


def test_acceleration_reaches_the_optimum_of_plain_em_in_fewer_steps():
    _, columns = planted(np.random.default_rng(3), 20_000, 0.35, (0.7, 0.68, 0.72))
    fast, plain = (
        LatentClass(LatentClassOptions(accelerate=on, tolerance=1e-10, iterations=20_000)).fit(
            signals(columns)
        )
        for on in (True, False)
    )
    assert fast.steps < plain.steps / 3
    for name in NAMES[:3]:
        assert fast.reliability[name] == pytest.approx(plain.reliability[name], abs=1e-5)


def test_of_several_hidden_causes_takes_the_one_that_signals_agree_on():
    """Two signals share a stronger cause of their own; three others share satisfaction."""
    rng = np.random.default_rng(0)
    y, other = rng.random((2, 20_000)) < 0.5
    right = [
        np.where(rng.random(20_000) < r, cause, ~cause)
        for r, cause in zip((0.7, 0.7, 0.7, 0.85, 0.85), (y, y, y, other, other), strict=True)
    ]
    found = [Signal(str(i), column.astype(float), "", "logged") for i, column in enumerate(right)]
    label = LatentClass().fit(found).predict(found).probability
    assert label[y].mean() > label[~y].mean() + 0.2
    assert label[other].mean() == pytest.approx(label[~other].mean(), abs=0.05)


def test_noise_gets_no_weight():
    _, columns = planted(np.random.default_rng(4), 20_000, 0.5, (0.9, 0.8, 0.75, 0.5))
    assert LatentClass().fit(signals(columns)).reliability["four"] == pytest.approx(0.5, abs=0.02)


def test_order_of_rows_and_signals_does_not_matter():
    rng = np.random.default_rng(6)
    _, columns = planted(rng, 3000, 0.5, (0.9, 0.7, 0.8))
    order = rng.permutation(3000)
    one, two = signals(columns), signals([column[order] for column in columns])[::-1]
    first, second = LatentClass().fit(one), LatentClass().fit(two)
    assert np.allclose(first.predict(one).probability[order], second.predict(two).probability, atol=1e-6)


def test_is_deterministic():
    _, columns = planted(np.random.default_rng(6), 3000, 0.5, (0.9, 0.7, 0.8))
    runs = [LatentClass().fit(signals(columns)).predict(signals(columns)).probability for _ in range(2)]
    assert np.array_equal(*runs)


def test_two_signals_are_trusted_alike():
    rng = np.random.default_rng(7)
    one = (rng.random(4000) < 0.6).astype(float)
    two = np.where(rng.random(4000) < 0.3, one, 1 - one)  # they contradict each other
    found = signals([one, two, np.full(4000, np.nan)])
    model = LatentClass().fit(found)
    assert not model.identified
    assert model.steps == 0
    assert model.reliability["one"] > 0.55
    assert model.reliability["two"] > 0.55
    assert np.isnan(model.reliability["three"])
    p = model.predict(found).probability
    assert p[(one == 1) & (two == 1)].min() > 0.5 > p[(one == 0) & (two == 0)].max()


def test_nothing_observed():
    nothing = signals([np.full(4, np.nan)] * 3)
    label = LatentClass().fit(nothing).predict(nothing)
    assert np.isnan(label.probability).all()
    assert label.confidence.tolist() == [0] * 4


def test_a_constant_signal_says_nothing():
    _, columns = planted(np.random.default_rng(8), 5000, 0.5, (0.9, 0.7, 0.8))
    model = LatentClass().fit(signals([*columns, np.ones(5000)]))
    assert model.reliability["four"] == pytest.approx(0.5)
    assert model.reliability["one"] == pytest.approx(0.9, abs=0.04)


def test_other_signals_than_those_fitted_are_refused():
    _, columns = planted(np.random.default_rng(8), 100, 0.5, (0.9, 0.7, 0.8))
    model = LatentClass().fit(signals(columns))
    with pytest.raises(ValueError, match="three"):
        model.predict(signals(columns[:2]))


def test_a_signal_unseen_in_fitting_says_nothing_later():
    _, columns = planted(np.random.default_rng(8), 100, 0.5, (0.9, 0.7, 0.8))
    model = LatentClass().fit(signals([*columns, np.full(100, np.nan)]))
    without = model.predict(signals([*columns, np.full(100, np.nan)])).probability
    assert np.array_equal(model.predict(signals([*columns, np.ones(100)])).probability, without)
