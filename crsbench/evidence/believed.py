"""What signals, label models and R_φ say of held-out dialogues, each fitted on train dialogues alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from crsbench.asking import BATCH
from crsbench.context import Chain, check_values, measure
from crsbench.errors import PluginError
from crsbench.evidence.cases import Cases
from crsbench.plan import Part
from crsbench.types import Action, Catalog, Signal, Transition, WeakLabel
from crsbench.workshop import Workshop

Kind = Literal["signal", "labels", "reward"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Believed:
    """`values` float64 of every recommendation of the test dialogues, nan where unknown, and those of the
    `judged` cases, float64 [N]. `probability`: they are probabilities of satisfaction."""

    name: str
    plugin: str
    kind: Kind
    values: Floats
    judged: Floats
    probability: bool
    unit: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """Held-out transitions, the cases among them, and what fits and asks plugins."""

    chain: Chain
    catalog: Catalog
    workshop: Workshop
    steps: tuple[Transition, ...]
    cases: Cases

    def signals(self, parts: Sequence[Part]) -> list[Signal]:
        """Measured on the held-out transitions, in the order of the chain's."""
        found: list[Signal] = []
        for part in parts:
            source = part.make()
            with self.workshop.guard(part, "measure test")():
                signal = measure(source, self.steps, self.catalog)
            check_values(part, "values", signal.values, len(self.steps))
            found.append(signal)
        return found

    def label(
        self, part: Part, train: Sequence[Signal], test: Sequence[Signal]
    ) -> tuple[WeakLabel, Mapping[str, float]]:
        """What a label model fitted to train signals says of test signals, and the reliability of each signal
        as far as it learns one. It is seeded as in the stage "labels", so that both are the same model."""
        model = part.make()
        with self.workshop.guard(part, "fit")():
            model = model.fit(train)
        with self.workshop.guard(part, "predict")():
            label = cast(WeakLabel, model.predict(test))
        check_values(part, "probability", label.probability, len(self.steps), 0.0, 1.0)
        return label, dict(getattr(model, "reliability", {}))

    def reward(self, part: Part) -> Believed:
        """What R_φ says of each recommended item, from the history and the system turn: no reply is shown.

        A reward whose values all lie in [0, 1] is read as a probability.
        """
        model: Any = self.chain.reward.value
        asked = [(at, item) for at, step in enumerate(self.steps) for item in step.action.items]
        guard = self.workshop.guard(part, "score")
        values: list[float] = []
        batches = range(0, len(asked), BATCH)
        for start in self.workshop.ui.progress(batches, len(batches), f"{part.offer.name}: test turns"):
            batch = asked[start : start + BATCH]
            states = [self.steps[at].state.blank() for at, _ in batch]
            actions = [Action((item,), text=self.steps[at].action.text) for at, item in batch]
            with guard():
                rewards = model.score(states, actions)
            if len(rewards) != len(batch):
                text = f"{part.name}: score gave {len(rewards)} of {len(batch)} rewards"
                raise PluginError(text, part.name)
            values += [float(reward.total) for reward in rewards]
        found = np.array(values, dtype=np.float64)
        check_values(part, "rewards", found, len(asked))
        known = found[~np.isnan(found)]
        return Believed(
            part.offer.name,
            part.name,
            "reward",
            found,
            self._per_item(asked, found),
            bool(((known >= 0) & (known <= 1)).all()),
            "reward",
        )

    def _per_item(self, asked: Iterable[tuple[int, int]], values: Floats) -> Floats:
        known = dict(zip(asked, values.tolist(), strict=True))
        pairs = zip(self.cases.at.tolist(), self.cases.items.tolist(), strict=True)
        return np.array([known.get(pair, np.nan) for pair in pairs], dtype=np.float64)


def of_signal(part: Part, signal: Signal, cases: Cases) -> Believed:
    name, values = part.offer.name, signal.values
    return Believed(name, part.name, "signal", values, cases.of(values), False, signal.unit, signal.source)


def of_label(part: Part, label: WeakLabel, cases: Cases) -> Believed:
    values = label.probability
    return Believed(part.offer.name, part.name, "labels", values, cases.of(values), True, "probability")


def permuted(signal: Signal, rng: np.random.Generator) -> Signal:
    """The signal with its observed values in another order: its distribution stays, its meaning goes."""
    values = signal.values.copy()
    observed = np.flatnonzero(~np.isnan(values))
    values[observed] = values[rng.permutation(observed)]
    return replace(signal, values=values)
