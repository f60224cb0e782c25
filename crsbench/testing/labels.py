"""What a label model has to hold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.testing.bench import Bench
from crsbench.testing.common import no_network
from crsbench.testing.suite import Ask, demand
from crsbench.testing.watch import watching
from crsbench.types import Signal, WeakLabel

N = 60
_CLOSE = 1e-4  # EM stops at a tolerance of its own


def gives_probabilities(bench: Bench) -> None:
    """A probability and a confidence in [0, 1] for each transition; nan only where nothing was observed."""
    label = _label(bench, _signals())
    _well_formed(label, N)
    known = ~np.isnan(np.stack([s.values for s in _signals()])).all(axis=0)
    demand(not np.isnan(label.probability[known]).any(), "a probability is nan where signals were observed")


def fit_returns_the_model(bench: Bench) -> None:
    """`fit` returns the model."""
    with bench.guard():
        model = bench.part.make()
        fitted = model.fit(_signals())
    demand(fitted is model, f"fit returns {type(fitted).__name__}, not the model")


def labels_the_same_twice(bench: Bench) -> None:
    """The same signals give the same labels, and are left as they were."""
    given = _signals()
    kept = copy.deepcopy(given)
    once = _label(bench, given)
    same = all(np.array_equal(a.values, b.values, equal_nan=True) for a, b in zip(given, kept, strict=True))
    demand(same, "it changes the signals")
    twice = _label(bench, given)
    demand(np.array_equal(once.probability, twice.probability, equal_nan=True), "fitted twice it differs")


def follows_its_transitions(bench: Bench) -> None:
    """Labels stay with their transitions in whatever order they come."""
    order = np.random.default_rng(1).permutation(N)
    expected = _label(bench, _signals()).probability[order]
    turned = _label(bench, [replace(s, values=s.values[order]) for s in _signals()]).probability
    demand(np.allclose(turned, expected, 0, _CLOSE, equal_nan=True), "labels change with the order")


def copes_with_poor_signals(bench: Bench) -> None:
    """One signal, a constant one, one that was never observed, none observed anywhere, no transition."""
    one, two = _signals()
    constant = replace(two, values=np.ones(N))
    nothing = replace(two, values=np.full(N, np.nan))
    for given in ([one], [one, constant], [one, nothing], [nothing], [constant, constant]):
        _well_formed(_label(bench, given), N)
    with bench.guard():
        model = bench.part.make().fit([one, two])
        none = model.predict([replace(s, values=np.zeros(0)) for s in (one, two)])
    _well_formed(none, 0)


def labels_what_it_was_not_fitted_to(bench: Bench) -> None:
    """A fitted model labels other transitions, each by itself."""
    with bench.guard():
        model = bench.part.make().fit(_signals())
        whole = model.predict(_signals()).probability
        part = model.predict([replace(s, values=s.values[:7]) for s in _signals()]).probability
    demand(part.shape == (7,), f"it labels 7 transitions with {part.shape}")
    demand(np.allclose(part, whole[:7], 0, _CLOSE, equal_nan=True), "a label depends on the others asked for")


def needs_no_network(bench: Bench) -> None:
    """It fits without reaching for the network."""
    with watching() as seen:
        _label(bench, _signals())
    no_network(seen)


CHECKS: tuple[Ask, ...] = (
    gives_probabilities,
    fit_returns_the_model,
    labels_the_same_twice,
    follows_its_transitions,
    copes_with_poor_signals,
    labels_what_it_was_not_fitted_to,
    needs_no_network,
)


def _signals() -> list[Signal]:
    """Two signals that agree more often than not, each missing here and there, once both."""
    rng = np.random.default_rng(0)
    glad = rng.random(N) < 0.5
    one = np.where(rng.random(N) < 0.8, glad, ~glad).astype(np.float64)
    two = 4.0 + 2.0 * glad + rng.normal(size=N)
    one[::7], two[::11] = np.nan, np.nan
    return [Signal("one", one, "1", "logged"), Signal("two", two, "seconds", "logged")]


def _label(bench: Bench, signals: Sequence[Signal]) -> WeakLabel:
    with bench.guard():
        return bench.part.make().fit(signals).predict(signals)


def _well_formed(label: Any, n: int) -> None:
    demand(isinstance(label, WeakLabel), f"predict returns {type(label).__name__}, not a WeakLabel")
    for name, values in (("probability", label.probability), ("confidence", label.confidence)):
        _within(name, values, n)


def _within(name: str, values: NDArray[np.float64], n: int) -> None:
    demand(values.shape == (n,), f"its {name} has shape {values.shape} for {n} transitions")
    demand(np.issubdtype(values.dtype, np.floating), f"its {name} is {values.dtype}, not a floating type")
    known = values[~np.isnan(values)]
    demand(bool(((known >= 0) & (known <= 1)).all()), f"its {name} leaves [0, 1]")
