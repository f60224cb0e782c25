"""What `fit` may use of a run: the train data, and the chain signals → weak labels → reward model.

Nothing here refers to the corpus it comes from. The test rows, the explicit labels and the truth are not
kept from what trains by agreement: no attribute leads to them.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from crsbench.asking import Users
from crsbench.episode import FIRST_USER, transitions
from crsbench.errors import CrsbenchError, PluginError, UsageError
from crsbench.guard import typed
from crsbench.identity import canonical
from crsbench.plan import ChainPlan, Part
from crsbench.plugins import source_digest
from crsbench.protocols import GroundedSignalSource, Need, RewardModel, SignalSource, Staged
from crsbench.provenance import libraries
from crsbench.types import Action, Catalog, Dialogue, Signal, Split, State, Transition, Turn, WeakLabel
from crsbench.workshop import Workshop

T = TypeVar("T")


@dataclass(frozen=True)
class Material:
    """What all that trains in a run shares. `data` is the digest of catalogue, train and valid."""

    catalog: Catalog
    train: Split
    valid: Split
    data: str
    workshop: Workshop


class FitContext:
    """`protocols.Context`: the material and as much of the chain as `needs` names."""

    def __init__(
        self, plan: ChainPlan, material: Material, chain: Chain, part: Part, needs: frozenset[Need]
    ) -> None:
        self.catalog = material.catalog
        self.valid = material.valid
        self.seed = plan.config.seed
        self.model = plan.config.model
        self.device = plan.device
        self.precision = plan.precision
        self._dialogues = material.train.dialogues
        self._workshop = material.workshop
        self._compute = {
            **chain.inputs,
            "model": plan.model,
            "device": plan.device,
            "precision": plan.precision,
        }
        self._sources = plan.sources
        self._chain = chain
        self._part = part
        self._needs = needs
        self._simulator = plan.simulator

    @property
    def transitions(self) -> Sequence[Transition]:
        return self._chain.transitions

    @property
    def signals(self) -> Sequence[Signal]:
        self._allow("signals")
        return self._chain.signals

    @property
    def labels(self) -> Staged[WeakLabel]:
        self._allow("labels")
        return self._chain.labels

    @property
    def reward(self) -> Staged[RewardModel]:
        self._allow("reward")
        return self._chain.reward

    def stage(
        self,
        name: str,
        inputs: Mapping[str, object],
        build: Callable[[Path], None],
        load: Callable[[Path], T],
        together: bool = False,
    ) -> Staged[T]:
        try:
            canonical(inputs)
        except (TypeError, ValueError) as error:
            text = f"{self._part.name}: the inputs of stage {name!r} are no JSON values: {error}"
            raise PluginError(text, self._part.name) from error
        known = self._sources
        sources = "+".join(known.get(home) or source_digest(home) for home in sorted(homes(build)))
        whole = {"inputs": inputs, "sources": sources, **self._compute}
        if together and self._workshop.team.size > 1:
            whole["processes"] = self._workshop.team.size
        return self._workshop.stage(self._part, name, whole, build, load, together)

    @property
    def simulator(self) -> MetUsers:
        if self._simulator is None:
            raise UsageError(f"{self._part.name} trains with a simulator, and this run has none")
        self._workshop.met_users = True
        return MetUsers(self._simulator, self._workshop, self.catalog, self._dialogues)

    @property
    def checkpoints(self) -> Path:
        return self._workshop.checkpoints(self._part)

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        self._workshop.step(step, scalars)

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterable[T]:
        return self._workshop.ui.progress(steps, total, description)

    def _allow(self, need: Need) -> None:
        if need not in self._needs:
            text = f"{self._part.name} uses {need}, which its `needs` do not name"
            raise PluginError(text, self._part.name)


class MetUsers:
    """`protocols.Partners`: users that the evaluation never meets."""

    def __init__(
        self, part: Part, workshop: Workshop, catalog: Catalog, dialogues: Sequence[Dialogue]
    ) -> None:
        self.identity = part.identity()
        users = Users(part.make(), part.name, workshop.guard(part, "train"))
        self._users = users.ground(catalog, dialogues)

    def start(self, seeds: Sequence[int]) -> list[State]:
        if max(seeds, default=0) >= FIRST_USER:
            raise ValueError(f"seeds from {FIRST_USER} on are those of the evaluation")
        return self._users.start(seeds)

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        return self._users.reply(states, actions)


class Chain:
    """signals → weak labels → reward model, each made when it is first asked for."""

    def __init__(self, plan: ChainPlan, material: Material) -> None:
        self._plan = plan
        self._material = material
        self.inputs: dict[str, object] = {
            "data": material.data,
            "seed": plan.config.seed,
            "libraries": libraries(),
        }

    def context(self, part: Part, needs: frozenset[Need]) -> FitContext:
        """What `part` may use to fit."""
        return FitContext(self._plan, self._material, self, part, needs)

    @functools.cached_property
    def transitions(self) -> tuple[Transition, ...]:
        return tuple(step for one in self._material.train.dialogues for step in transitions(one))

    @functools.cached_property
    def signals(self) -> tuple[Signal, ...]:
        return tuple(self._measure(part) for part in self._plan.signals)

    def _measure(self, part: Part) -> Signal:
        source = part.make()
        with self._material.workshop.guard(part, "measure")():
            signal = measure(source, self.transitions, self._material.catalog)
        signal = typed(signal, Signal, part.name, "measure")
        check_values(part, "values", signal.values, len(self.transitions))
        return signal

    @functools.cached_property
    def labels(self) -> Staged[WeakLabel]:
        """The stage "labels": what the label model learnt from the signals to say of each transition."""
        part = _given(self._plan.labels, "labels")
        workshop = self._material.workshop

        def build(folder: Path) -> None:
            model = part.make()
            with workshop.guard(part, "fit")():
                label = model.fit(self.signals).predict(self.signals)
            label = typed(label, WeakLabel, part.name, "predict")
            arrays = {"probability": label.probability, "confidence": label.confidence}
            for name, values in arrays.items():
                check_values(part, name, values, len(self.transitions), 0.0, 1.0)
            _safetensors().save_file(
                {name: np.ascontiguousarray(values, np.float64) for name, values in arrays.items()},
                folder / "labels.safetensors",
            )

        inputs = {
            "labels": part.identity(),
            "signals": [signal.identity() for signal in self._plan.signals],
            **self.inputs,
        }
        return workshop.stage(part, "labels", inputs, build, _load_labels)

    @functools.cached_property
    def reward(self) -> Staged[RewardModel]:
        """The stage "reward": R_φ with the transition model, fitted to the weak labels."""
        part = _given(self._plan.reward, "reward")
        plan, workshop = self._plan, self._material.workshop
        context = self.context(part, frozenset({"signals", "labels"}))

        def build(folder: Path) -> None:
            model = part.make()
            with workshop.guard(part, "fit")():
                model.fit(self.transitions, self.labels.value, context).save(folder)

        def load(folder: Path) -> RewardModel:
            return part.make().load(folder, plan.device)

        inputs = {
            "reward": part.identity(),
            "labels": self.labels.id,
            "model": plan.model,
            "device": plan.device,
            "precision": plan.precision,
            **self.inputs,
        }
        return workshop.stage(part, "reward", inputs, build, load)

    @property
    def rewarded(self) -> Staged[RewardModel] | None:
        """The reward model if anything has asked for it."""
        return self.__dict__.get("reward")


def measure(source: SignalSource, transitions: Sequence[Transition], catalog: Catalog) -> Signal:
    """What the source reads off the transitions; one that looks items up is handed the catalogue first."""
    if isinstance(source, GroundedSignalSource):
        source.ground(catalog)
    return source.measure(transitions)


def homes(build: object) -> set[str]:
    """The top-level packages whose code `build` is: of the function, and of the object it is bound to."""
    while isinstance(build, functools.partial):
        build = cast(object, build.func)
    found = {getattr(build, "__module__", None)} if inspect.isroutine(build) else {type(build).__module__}
    bound = getattr(build, "__self__", None)
    if bound is not None:
        found.add(type(bound).__module__)
    return {str(module).partition(".")[0] for module in found if module}


def _given(part: Part | None, need: str) -> Part:
    if part is None:  # the plan has every part of the chain that the policy needs
        raise CrsbenchError(f"the run has no plugin for {need}")
    return part


def _load_labels(folder: Path) -> WeakLabel:
    return WeakLabel(**_safetensors().load_file(folder / "labels.safetensors"))


def _safetensors() -> Any:
    return importlib.import_module("safetensors.numpy")


def check_values(
    part: Part,
    name: str,
    values: NDArray[Any],
    n: int,
    low: float = -np.inf,
    high: float = np.inf,
) -> None:
    """Raise PluginError where `values` are not n numbers (nan for unknown) between the bounds."""
    fault = None
    if values.shape != (n,):
        fault = f"have shape {values.shape} for {n} transitions"
    elif not np.issubdtype(values.dtype, np.floating):
        fault = f"are {values.dtype}, no floating-point numbers"
    elif ((values < low) | (values > high) | np.isinf(values)).any():
        fault = f"are not all between {low:g} and {high:g}"
    if fault:
        raise PluginError(f"{part.name}: its {name} {fault}", part.name)
