"""Where one plugin is checked: made, fitted and asked as in a run, on the tiny world or on other data."""

from __future__ import annotations

import functools
import io
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.asking import Actor
from crsbench.config import Options, RunConfig
from crsbench.context import Chain, FitContext, Material
from crsbench.data import learnable, limited
from crsbench.hookspecs import RunInfo
from crsbench.loading import Loader
from crsbench.plan import ChainPlan, Part, Plan, make_chain, make_plan
from crsbench.plugins import Host, Kind, Offer, guarded
from crsbench.protocols import Need, Want
from crsbench.store import Store
from crsbench.testing import parts
from crsbench.testing.tiny import tiny_corpus
from crsbench.testing.watch import Seen, watching
from crsbench.types import Action, Corpus, State, Truth
from crsbench.ui import SilentUi
from crsbench.workshop import Workshop

MOST = 40  # dialogues and rows that are used of other data than the tiny world
_PREFIX: dict[Kind, str] = {
    "policy": "",
    "signal": "signals.{}.",
    "metric": "metrics.{}.",
    "labels": "labels.",
    "reward": "reward.",
    "dataset": "dataset.",
    "simulator": "simulator.",
}
_CHAIN: dict[Kind, Need] = {"signal": "signals", "labels": "labels", "reward": "reward"}


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked. `options` are the plugin's own, without a prefix, and "dataset.…" those of the data.

    `dataset` is what it is checked on: the tiny world unless given.
    """

    kind: Kind
    name: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dataset: str | None = None
    data_dir: str | None = None
    plugins_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """Something that was fitted: on what, in how many CPU seconds, and what it reached for meanwhile."""

    value: Any
    corpus: Corpus
    seconds: float
    seen: Seen


class Bench:
    """One plugin and what it takes to ask it. `folder` takes whatever is written."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.host = Host.discover(Path(target.plugins_dir) if target.plugins_dir else None)
        self.host.add(parts.PLUGIN)
        self.offer: Offer = self.host.find(target.kind, target.name)
        self.kept: dict[str, Any] = {}  # what checks share
        self._folder = folder
        self._numbers = itertools.count()

    def fresh(self) -> Path:
        """A new empty folder."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir(parents=True)
        return folder

    @functools.cached_property
    def config(self) -> RunConfig:
        """A run in which the plugin takes its part, every other part being a tiny one."""
        kind, prefix = self.target.kind, _PREFIX[self.target.kind].format(self.offer.name)
        options = self.target.options
        given: dict[str, Any] = {
            "plugin": parts.NAME,
            "dataset": self.target.dataset or self._home,
            "signals": (parts.NAME,),
            "labels": parts.NAME,
            "reward": parts.NAME,
            "metrics": (parts.NAME,),
            "simulator": "none" if kind == "dataset" else None,
            "data_dir": self.target.data_dir or str(self._folder),
            "out": str(self._folder / "plan"),
            "device": "cpu",
            "options": {k if k.startswith("dataset.") else prefix + k: v for k, v in options.items()},
        }
        several = {"signal": "signals", "metric": "metrics"}
        if kind in several:
            given[several[kind]] = (self.offer.full,)
        else:
            given["plugin" if kind == "policy" else kind] = self.offer.full
        return RunConfig.of(given)

    @property
    def _home(self) -> str:
        """The tiny world; a scenario's own policy needs a scenario: the default dataset."""
        default: str = RunConfig.model_fields["dataset"].default
        return default if self.offer.spec.privileged else parts.NAME

    @functools.cached_property
    def plan(self) -> Plan | ChainPlan:
        """All of a run, or the chain as far as the reward for what is a link of it."""
        store = Store(self.config.out)
        if self.target.kind in _CHAIN:
            return make_chain(self.config, self.host, store, frozenset(_CHAIN.values()))
        return make_plan(self.config, self.host, store)

    @functools.cached_property
    def part(self) -> Part:
        """The plugin with its options and sources."""
        plan = self.plan
        chosen = (plan.dataset, *plan.signals, plan.labels, plan.reward, plan.simulator)
        if isinstance(plan, Plan):
            chosen = (*chosen, plan.policy, *plan.metrics)
        return next(part for part in chosen if part is not None and part.offer == self.offer)

    @property
    def options(self) -> Options:
        return self.part.options

    @functools.cached_property
    def corpus(self) -> Corpus:
        if self.config.dataset == parts.NAME:
            return tiny_corpus()
        return limited(Loader(self.plan, Store(self.config.out), SilentUi()).corpus(), MOST)

    def narrow(self) -> Corpus:
        """A corpus with a catalogue of one item."""
        return tiny_corpus(items=1)

    def guard(self) -> AbstractContextManager[None]:
        """Around a call outside of `fit`: always under the same random state."""
        return guarded(self.offer, 0, io.StringIO())

    def chain(self, corpus: Corpus) -> Chain:
        """signals → labels → reward on a corpus, in a store of its own: nothing is reused."""
        store = Store(self.fresh())
        info = RunInfo("check", self.offer.full, self.config.dataset, "check", 0, str(store.out))
        workshop = Workshop(store, info, self.host, SilentUi(), io.StringIO(), False)
        data = learnable(corpus.catalog, corpus.train, corpus.valid)
        return Chain(self.plan, Material(corpus.catalog, corpus.train, corpus.valid, data, workshop))

    def fit(self, corpus: Corpus | None = None) -> Fitted:
        """A new policy or reward model, fitted from nothing, the network refused meanwhile."""
        corpus = corpus or self.corpus
        chain, made = self.chain(corpus), self.part.make()
        began = time.process_time()
        with watching() as seen:
            if self.target.kind == "policy":
                value = self._fit(lambda: made.fit(corpus.train, self.context(chain)))
            else:
                context = self.context(chain)
                labels = chain.labels.value
                value = self._fit(lambda: made.fit(chain.transitions, labels, context))
        return Fitted(value, corpus, time.process_time() - began, seen)

    def _fit(self, call: Callable[[], Any]) -> Any:
        with self.guard():
            return call()

    def context(self, chain: Chain) -> FitContext:
        """What the plugin's `fit` is handed."""
        plan = self.plan
        needs = plan.needs if isinstance(plan, Plan) else frozenset(_CHAIN.values()) - {"reward"}
        return chain.context(self.part, needs)

    @functools.cached_property
    def fitted(self) -> Fitted:
        """One for all checks that only ask."""
        return self.fit()

    def reloaded(self, fitted: Fitted) -> tuple[Any, Path]:
        """What was saved, as a new one reads it back, and the folder that it was saved in."""
        folder = self.fresh()
        with self.guard():
            fitted.value.save(folder)
        with self.guard():
            return self.part.make().load(folder, "cpu"), folder

    @property
    def states(self) -> list[State]:
        """Histories to be asked about: those of the test rows."""
        return [row.state for row in self.corpus.test.rows[:12]]

    def act(
        self,
        fitted: Fitted,
        states: Sequence[State],
        want: Want = "ranking",
        k: int | None = None,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        """What a policy answers, held to the protocol: Actor raises where an answer breaks it."""
        items = len(fitted.corpus.catalog)
        privileged = self.offer.spec.privileged
        actor = Actor("final", fitted.value, self.offer.full, items, privileged, self.guard)
        truths = self._truths(states) if privileged else None
        return actor.act(states, want, min(50, items) if k is None else k, mask, rng, truths)

    def _truths(self, states: Sequence[State]) -> list[Truth]:
        """The truth of each state's row; of histories that are of no row, the first row's."""
        rows, truth = self.corpus.test.rows, self.corpus.sealed.truth
        known = {row.state: truth[row.id] for row in rows[:12]}
        return [known.get(state, truth[rows[0].id]) for state in states]
