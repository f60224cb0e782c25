"""Beliefs held against each other: which knows more, which agree, what a label model owes to each signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.evidence import scores
from crsbench.evidence.believed import Bench, permuted
from crsbench.evidence.cases import Cases
from crsbench.evidence.scores import spearman
from crsbench.identity import derive
from crsbench.plan import Part
from crsbench.types import Signal

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """AUC of `a` minus AUC of `b` on the `n` labels for which both have a value; paired over dialogues."""

    a: str
    b: str
    value: float
    low: float
    high: float
    n: int


def compared(a: str, of_a: Floats, b: str, of_b: Floats, cases: Cases) -> Comparison | None:
    """None where they share no labels of both kinds."""
    known = ~(np.isnan(of_a) | np.isnan(of_b))
    if scores.undecided(cases.liked[known]):
        return None
    dialogues = [name for name, there in zip(cases.dialogues, known.tolist(), strict=True) if there]
    aucs = [scores.discrimination(values[known], cases.liked[known], dialogues)[0] for values in (of_a, of_b)]
    gap = aucs[0].minus(aucs[1])
    return Comparison(a, b, gap.value, gap.low, gap.high, gap.n)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Spearman correlation of every two signals over the `n` recommendations that both observe, None where
    there are none or one of them never varies."""

    names: tuple[str, ...]
    rho: tuple[tuple[float | None, ...], ...]
    n: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Ablation:
    """The first label model refitted with one signal `permuted` over transitions, or `left out`: what its AUC
    loses (refitted − whole)."""

    signal: str
    how: str
    difference: Comparison | None


def agreement(signals: Sequence[Signal], names: Sequence[str]) -> Agreement:
    """Between signals, each on the recommendations that both observe."""
    rho: list[tuple[float | None, ...]] = []
    counts: list[tuple[int, ...]] = []
    for a in signals:
        both = [~(np.isnan(a.values) | np.isnan(b.values)) for b in signals]
        found = [spearman(a.values[k], b.values[k]) for b, k in zip(signals, both, strict=True)]
        rho.append(tuple(None if np.isnan(value) else value for value in found))
        counts.append(tuple(int(k.sum()) for k in both))
    return Agreement(tuple(names), tuple(rho), tuple(counts))


def ablation(
    bench: Bench, model: Part, whole: Floats, parts: Sequence[Part], test: Sequence[Signal], seed: int
) -> list[Ablation]:
    """Of every signal, permuted in train and test alike; `whole` is what the model says of the cases."""
    train = bench.chain.signals
    found: list[Ablation] = []
    for number, part in enumerate(parts):
        name = part.offer.name
        rng = np.random.default_rng(derive(seed, "permute", name))
        shuffled = [
            [permuted(one, rng) if at == number else one for at, one in enumerate(several)]
            for several in (train, test)
        ]
        left = [[one for at, one in enumerate(several) if at != number] for several in (train, test)]
        for how, (fitted, asked) in (("permuted", shuffled), ("left out", left)):
            gap = None
            if fitted:
                refitted = bench.cases.of(bench.label(model, fitted, asked)[0].probability)
                gap = compared(f"{name} {how}", refitted, model.offer.name, whole, bench.cases)
            found.append(Ablation(name, how, gap))
    return found
