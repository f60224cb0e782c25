"""A run: load, fit, evaluate, record."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crsbench.asking import Actor, Users
from crsbench.config import RunConfig
from crsbench.context import Chain, Material
from crsbench.data import learnable, limited
from crsbench.episode import FIRST_USER, USERS, rollout
from crsbench.errors import CrsbenchError, PluginError, UsageError
from crsbench.evaluation import Judged, Meter, curve_point, evaluate
from crsbench.hookspecs import RunInfo
from crsbench.identity import derive
from crsbench.ledger import note_reading
from crsbench.loading import Loader
from crsbench.plan import Plan, make_plan
from crsbench.plugins import Host, guarded
from crsbench.protocols import Rounds
from crsbench.record import RESULT, Decoding, Run
from crsbench.record import load_run as load_run
from crsbench.recorder import Recorder
from crsbench.store import Store, link, make_folder, remove
from crsbench.team import Team
from crsbench.types import Corpus, Episode
from crsbench.ui import SilentUi, Ui
from crsbench.workshop import Workshop

CURVE_USERS = 100  # how many users an earlier policy talks with


def run(
    plugin: str,
    *,
    dataset: str = "synthetic",
    protocol: str | None = None,
    model: str = "tiny",
    options: Mapping[str, Any] | None = None,
    signals: Iterable[str] | None = None,
    labels: str | None = None,
    reward: str | None = None,
    metrics: Iterable[str] | None = None,
    simulator: str | None = None,
    seed: int = 0,
    seeds: int | None = None,
    out: str | Path = "runs",
    data_dir: str | Path | None = None,
    device: str = "auto",
    precision: str = "fp32",
    if_exists: str = "resume",
    limit: int | None = None,
    plugins_dir: str | Path | None = None,
    quiet: bool = True,
) -> Run | list[Run]:
    """Run a policy as `crsbench run` does, under the same names; a list of runs where `seeds` is given.

    `options` has the keys of `-o`, its values as text or typed. Raises UsageError, DataError, PluginError.
    """
    given = {name: value for name, value in locals().items() if name != "quiet"}
    config = RunConfig.of(given)
    host = Host.discover(config.plugins_dir)
    with contextlib.ExitStack() as stack:
        ui: Ui = SilentUi()
        if not quiet:  # by name: the core does not depend on its command line
            ui = stack.enter_context(importlib.import_module("crsbench.cli.progress").progress_ui(quiet))
        if config.seeds is None:
            return execute(config, host, ui)
        return [execute(config.for_seed(config.seed + i), host, ui) for i in range(config.seeds)]


def execute(config: RunConfig, host: Host, ui: Ui) -> Run:
    """One run with one seed. A finished one is returned at once, an unfinished one goes on.

    `if_exists`: "resume" tries a failed run again, "skip" reports its failure again, "replace" uses nothing
    that is there. Raises UsageError, DataError or PluginError.
    """
    asked = identify(config, host, ui)
    team = Team.launched(asked.plan.device)
    if not team.main:
        return _follow(asked, host, team)
    plan, store, run_id = asked.plan, asked.loader.store, asked.id
    path = store.run(run_id)
    with store.lock(run_id, ui.message):
        if (path / RESULT).exists() and config.if_exists != "replace":
            found = load_run(path)
            if found.complete:
                ui.message(f"run {run_id} is finished already")
                team.tell(True)
                return found
            if config.if_exists == "skip":
                raise _again(found)
        corpus = limited(asked.loader.corpus(asked.fingerprint), config.limit)
        remove(path)
        make_folder(path)
        with (path / "log.txt").open("w", encoding="utf-8", buffering=1) as log:
            workshop = Workshop(store, asked.info, host, ui, log, config.if_exists == "replace", team)
            team.tell(False)  # it is not finished yet
            done = _perform(plan, corpus, workshop, Recorder(path, plan, run_id, corpus, workshop))
            team.tell(True)
            return done


def _follow(asked: Asked, host: Host, team: Team) -> Run:
    """What a process that is not the main one does: it takes part in the stages that are trained together."""
    if not team.tell(True):  # the main process says whether the run is finished already
        plan, store = asked.plan, asked.loader.store
        corpus = limited(asked.loader.corpus(asked.fingerprint), plan.config.limit)
        host.unobserved()
        with Path(os.devnull).open("w", encoding="utf-8") as log:
            replace = plan.config.if_exists == "replace"
            workshop = Workshop(store, asked.info, host, SilentUi(), log, replace, team)
            _fit(plan, corpus, workshop)
        team.tell(True)  # it has evaluated and recorded
    return load_run(asked.info.out)


@dataclass(frozen=True, slots=True)
class Asked:
    """A run before it is made: its plan, its id, and what loads its data."""

    plan: Plan
    loader: Loader
    fingerprint: str
    id: str

    @property
    def info(self) -> RunInfo:
        plan = self.plan
        out = str(self.loader.store.run(self.id))
        return RunInfo(self.id, plan.policy.name, plan.dataset.name, plan.protocol, plan.config.seed, out)


def identify(config: RunConfig, host: Host, ui: Ui) -> Asked:
    """Which run a configuration asks for. Its data is loaded only where it never was, or has changed.

    Raises UsageError, DataError or PluginError.
    """
    host.find("policy", config.plugin)  # before a folder is made: a typo leaves none
    host.find("dataset", config.dataset)
    store = Store(config.out)
    plan = make_plan(config, host, store)
    loader = Loader(plan, store, ui)
    fingerprint = loader.fingerprint()
    return Asked(plan, loader, fingerprint, plan.run_id(fingerprint))


def _perform(plan: Plan, corpus: Corpus, workshop: Workshop, recorder: Recorder) -> Run:
    """Fit, evaluate, record, and tell the observers how it went."""
    notify = functools.partial(workshop.host.notify, run=workshop.info)
    notify("crsbench_run_started")
    try:
        recorder.begin()
        policy = _fit(plan, corpus, workshop)
        judged = _evaluate(plan, corpus, policy, workshop)
        done = recorder.success(judged)
    except BaseException as error:
        if isinstance(error, Exception):  # what was interrupted is unfinished, and has not failed
            with contextlib.suppress(UsageError):  # where the folder cannot be written, say what came first
                recorder.failure(error)
        notify("crsbench_run_failed", error=str(error) or type(error).__name__)
        raise
    notify("crsbench_run_finished", result=done.record)
    return recorder.observed(done)


def _fit(plan: Plan, corpus: Corpus, workshop: Workshop) -> Any:
    """The fitted policy; the main process saves it in `policy/`, and in `reward/` the reward model used."""
    data = learnable(corpus.catalog, corpus.train, corpus.valid)
    chain = Chain(plan, Material(corpus.catalog, corpus.train, corpus.valid, data, workshop))
    context = chain.context(plan.policy, plan.needs)
    policy = plan.policy.make()
    with workshop.guard(plan.policy, "fit")():
        policy = policy.fit(corpus.train, context)
    if not workshop.team.main:
        return policy
    folder = Path(workshop.info.out)
    make_folder(folder / "policy")
    with workshop.guard(plan.policy, "save")():
        policy.save(folder / "policy")
    if chain.rewarded is not None:
        link(chain.rewarded.path, folder / "reward")
    return policy


def _evaluate(plan: Plan, corpus: Corpus, policy: Any, workshop: Workshop) -> dict[str, Judged]:
    """What each stage of the policy does, on the same rows and with the same users."""
    workshop.ui.stage_started("evaluate")
    note_reading(workshop.store, plan, corpus, workshop.info.id, plan.policy.name)
    parts = [(part, workshop.guard(part, "measure")) for part in plan.metrics]
    meters = [Meter(part.offer.name, part.name, part.make(), guard) for part, guard in parts]
    with workshop.guard(plan.policy, "stages")():
        stages = dict(policy.stages())
    if "final" not in stages:
        raise PluginError(f"{plan.policy.name}: stages() has no 'final'", plan.policy.name)

    simulator: Any = plan.simulator.make() if plan.simulator else None
    if plan.simulator:
        users = Users(simulator, plan.simulator.name, workshop.guard(plan.simulator, "ground"))
        users.ground(corpus.catalog, corpus.test.dialogues)
    n = int(getattr(simulator, "episodes", USERS))
    seeds = range(FIRST_USER, FIRST_USER + n)[: plan.config.limit]

    def converse(actor: Actor, decoding: Decoding) -> list[Episode]:
        assert plan.simulator is not None
        users = Users(simulator, plan.simulator.name, workshop.guard(plan.simulator, "reply"))
        rng = np.random.default_rng(derive(plan.config.seed, "conversations"))
        return rollout(actor, users, corpus.catalog, seeds, decoding, rng, workshop.ui)

    def actor_of(name: str, stage: Any) -> Actor:
        privileged = plan.policy.offer.spec.privileged
        guard = workshop.guard(plan.policy, "act")
        return Actor(name, stage, plan.policy.name, len(corpus.catalog), privileged, guard)

    judged: dict[str, Judged] = {}
    for name, stage in stages.items():
        with_whom = plan.simulator.name if plan.simulator else None
        talk = converse if plan.simulator else None
        judged[name] = evaluate(actor_of(name, stage), corpus, meters, with_whom, talk, workshop.ui)
    if plan.simulator and isinstance(policy, Rounds):
        seeds = seeds[:CURVE_USERS]
        guard = workshop.guard(plan.policy, "rounds")
        with guard():
            rounds = policy.rounds()
        for step, read in rounds.items():
            with guard():
                earlier = read()
            episodes = converse(actor_of(f"round {step}", earlier), "greedy")
            point = curve_point(episodes, meters, corpus)
            workshop.curves.append({**point, "users": len(seeds), "stage": "final", "step": step})
    return judged


def _again(failed: Run) -> CrsbenchError:
    """The failure of an earlier run, to be raised again."""
    error = failed.record["error"]
    text = f"run {failed.id} failed before: {error['message']}"
    hint = "--if-exists resume tries it again"
    return PluginError(text, error["plugin"], hint) if error["plugin"] else CrsbenchError(text, hint)


def load_policy(path: str | Path, device: str = "cpu", plugins_dir: str | Path | None = None) -> Any:
    """The trained policy of a finished run, loaded by the plugin that made it.

    `plugins_dir` is that of the run unless given. Raises UsageError where there is no such run, PluginError
    where its plugin is gone or cannot load what it saved.
    """
    done = load_run(path)
    folder = plugins_dir or RunConfig.of({}, done.path / "config.toml").plugins_dir
    host = Host.discover(Path(folder) if folder else None)
    offer = host.find("policy", done.record["run"]["plugin"])
    options = next(row["options"] for row in done.record["run"]["plugins"] if row["kind"] == "policy")
    policy = offer.make(offer.options_model().model_validate(options))
    with guarded(offer, done.record["run"]["seed"], None):
        return policy.load(done.path / "policy", device)


class _Callable(types.ModuleType):
    """`crsbench.run` is the function; once this module is imported Python binds that name to it instead."""

    __call__ = staticmethod(run)


sys.modules[__name__].__class__ = _Callable
