"""The plugin host: what is offered, by whom, and what is broken; one plugin's failure is its own."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import inspect
import io
import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast, get_args

import pluggy

from crsbench import discovery, hookspecs
from crsbench.discovery import Found as Found
from crsbench.discovery import Origin as Origin
from crsbench.errors import CrsbenchError, PluginError, UsageError, nearest
from crsbench.guard import contained, isolated, kept_random_state, one_line
from crsbench.hookspecs import Spec
from crsbench.interface import misfit
from crsbench.sources import source_digest as source_digest

if TYPE_CHECKING:
    from crsbench.config import Options

Kind = Literal["dataset", "signal", "labels", "reward", "policy", "metric", "simulator"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_HOOKS: dict[Kind, str] = {
    "dataset": "crsbench_datasets",
    "signal": "crsbench_signals",
    "labels": "crsbench_labels",
    "reward": "crsbench_rewards",
    "policy": "crsbench_policies",
    "metric": "crsbench_metrics",
    "simulator": "crsbench_simulators",
}
_OBSERVING = tuple(name for name in vars(hookspecs) if name.startswith(("crsbench_run_", "crsbench_st")))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")
OURS = discovery.GROUP  # the distribution whose bare names win


@dataclass(frozen=True, slots=True)
class Offer:
    """One name that a plugin offers, with where it comes from."""

    kind: Kind
    spec: Spec
    origin: Origin

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def full(self) -> str:
        """The name as records carry it: distribution/name."""
        return f"{self.origin.distribution}/{self.spec.name}"

    def options_model(self) -> type[Options]:
        """The class of its options. Raises PluginError where it cannot be imported."""
        from crsbench.config import Options

        model = self._resolved(self.spec.options) if self.spec.options is not None else Options
        if not (isinstance(model, type) and issubclass(model, Options)):
            raise PluginError(f"{self.full}: its options are {model!r}, not a subclass of Options", self.full)
        return model

    def make(self, options: Options) -> Any:
        """Import and construct it. Raises PluginError, naming it, where that fails."""
        build = self._resolved(self.spec.make)
        with contained(self.full):
            return build(options)

    def digest(self) -> str:
        """`source_digest` of where its class lives and, where that is elsewhere, of who offers it."""
        make = self.spec.make
        home = make.partition(":")[0] if isinstance(make, str) else make.__module__
        tops = {home.partition(".")[0], self.origin.module.partition(".")[0]}
        return "+".join(source_digest(top) for top in sorted(tops))

    def _resolved(self, target: Any) -> Any:
        if not isinstance(target, str):
            return target
        with contained(self.full):
            module, _, attribute = target.partition(":")
            return functools.reduce(getattr, attribute.split("."), importlib.import_module(module))


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that does not load: `error` is the cause in one line, `names` what it would offer."""

    name: str
    origin: Origin
    error: str
    names: tuple[str, ...] = ()
    cause: BaseException | None = None

    @property
    def full(self) -> str:
        return f"{self.origin.distribution}/{self.name}"

    def answers_to(self, name: str) -> bool:
        """Whether someone who asks for `name` means this plugin."""
        distribution, slash, bare = name.rpartition("/")
        canonical = discovery.canonical
        if slash:
            return canonical(distribution) == canonical(self.origin.distribution)
        own = (self.name, self.origin.distribution, self.origin.module)
        return bare in self.names or canonical(bare) in map(canonical, own)


class Host:
    """Everything that is offered to runs.

    A plugin loads whole or not at all: one that cannot be imported, misspells a hook, raises in one or
    returns the wrong thing is in `broken` with its cause, and stops nothing else. `warnings` are for
    people; `observer_failures` collects, once for each run, observer and hook, what observers raised.
    """

    def __init__(self) -> None:
        self.offers: tuple[Offer, ...] = ()
        self.broken: tuple[Broken, ...] = ()
        self.warnings: list[str] = []
        self.observer_failures: list[str] = []
        self._failed: set[tuple[object, str, str]] = set()
        self._loaded: list[tuple[str, pluggy.PluginManager]] = []

    @classmethod
    def discover(cls, plugins_dir: Path | None = None) -> Host:
        """Load every installed plugin (those that CRSBENCH_PLUGINS names) and those of a folder."""
        host = cls()
        found = discovery.restricted(discovery.entry_points(), host.warnings)
        if plugins_dir is not None:
            found += discovery.files(plugins_dir)
        for plugin in found:
            host.add(plugin)
        return host

    def add(self, plugin: Found) -> None:
        """Load one plugin, or note why it is broken. What it prints is a warning, not output.

        One that was written for a newer interface is not imported; for an older one, that is a warning.
        """
        printed = io.StringIO()
        offers: list[Offer] = []
        full = f"{plugin.origin.distribution}/{plugin.name}"
        try:
            if warning := misfit(plugin.interface):
                self.warnings.append(f"{full} {warning}")
            with kept_random_state(), contextlib.redirect_stdout(printed):
                manager = _manager(plugin.load())
                for kind in KINDS:
                    self._collect(manager, kind, plugin.origin, offers)
        except (Exception, SystemExit) as error:
            text = error.message if isinstance(error, CrsbenchError) else one_line(error)
            names = tuple(dict.fromkeys(offer.name for offer in offers))
            self.broken += (Broken(plugin.name, plugin.origin, text, names, error),)
        except KeyboardInterrupt as interrupt:
            interrupt.args = interrupt.args or (full,)
            raise
        else:
            self.offers += tuple(offers)
            self._loaded.append((full, manager))
        if printed.getvalue().strip():
            line = printed.getvalue().strip().splitlines()[0]
            self.warnings.append(f"{full} printed on loading: {line}")

    def _collect(self, manager: pluggy.PluginManager, kind: Kind, origin: Origin, into: list[Offer]) -> None:
        hook: pluggy.HookCaller = getattr(manager.hook, _HOOKS[kind])
        taken = {offer.full for offer in self.offers if offer.kind == kind}
        returned = cast("list[object]", hook() if hook.get_hookimpls() else [[]])
        specs = returned[0] if returned else None  # pluggy drops a None
        for spec in _checked(_HOOKS[kind], specs):
            offer = Offer(kind, spec, origin)
            if offer.full in taken:
                raise UsageError(f"{_HOOKS[kind]} offers {offer.full}, which is offered already")
            taken.add(offer.full)
            into.append(offer)

    def find(self, kind: Kind, name: str) -> Offer:
        """The offer that `name`, bare or distribution/name, stands for.

        A bare name that `crsbench` itself offers means that one, with a warning that names the others.
        Raises UsageError where it is unknown or shared by strangers, PluginError where it is broken.
        """
        offers = [offer for offer in self.offers if offer.kind == kind]
        distribution, slash, bare = name.rpartition("/")
        canonical = discovery.canonical
        matching = [
            offer
            for offer in offers
            if offer.name == bare
            and (not slash or canonical(offer.origin.distribution) == canonical(distribution))
        ]
        if len(matching) == 1:
            return matching[0]
        if not matching:
            raise self._unknown(kind, name, [offer.full if slash else offer.name for offer in offers])
        fulls = [offer.full for offer in matching]
        own = next((offer for offer in matching if offer.origin.distribution == OURS), None)
        if own is None:
            raise UsageError(
                f"{kind} {name!r} is offered by several plugins: {', '.join(fulls)}",
                f"say which, as in {fulls[0]}",
            )
        others = ", ".join(full for full in fulls if full != own.full)
        warning = f"{kind} {name!r} is {own.full}; the same name is offered as {others}"
        if warning not in self.warnings:
            self.warnings.append(warning)
        return own

    def _unknown(self, kind: Kind, name: str, known: list[str]) -> CrsbenchError:
        for broken in self.broken:
            if broken.answers_to(name):
                error = PluginError(f"plugin {broken.full} is broken: {broken.error}", broken.full)
                error.__cause__ = broken.cause
                return error
        hint = nearest(name, known)
        if self.broken:
            names = ", ".join(broken.full for broken in self.broken)
            hint = "; ".join(filter(None, [hint, f"not loaded, being broken: {names}"]))
        return UsageError(f"unknown {kind} {name!r}", hint)

    def observe(self, name: str, observer: object) -> None:
        """Add an observer that is no plugin, once; what has no hook observes nothing."""
        known = any(manager.is_registered(observer) for _, manager in self._loaded)
        if not known and any(hasattr(type(observer), hook) for hook in _OBSERVING):
            self._loaded.append((name, _manager(observer)))

    def unobserved(self) -> None:
        """From now on no observer is told of anything."""
        self._loaded.clear()

    def notify(self, hook: str, **payload: object) -> None:
        """Call every observer of a hook, each with copies of its own, and go on whatever it does."""
        for name, manager in self._loaded:
            caller: pluggy.HookCaller = getattr(manager.hook, hook)
            if not caller.get_hookimpls():
                continue
            try:
                with isolated(name, seed=0):
                    caller(**copy.deepcopy(payload))
            except CrsbenchError as error:
                key = (getattr(payload.get("run"), "id", None), name, hook)
                if key not in self._failed:
                    self._failed.add(key)
                    self.observer_failures.append(f"{name}: {hook}: {one_line(error.__cause__ or error)}")


@contextlib.contextmanager
def guarded(offer: Offer, seed: int, log: TextIO | None) -> Generator[None]:
    """Around each call into a plugin: its random state, its output and its exceptions stay its own.

    Seeds and restores Python's, NumPy's and (where it is imported) torch's random state, sends standard
    output to `log`, and turns what is raised into a PluginError that names the plugin.
    """
    with isolated(offer.full, seed, log):
        yield


def _manager(plugin: object) -> pluggy.PluginManager:
    """A manager of one plugin: what is wrong with it is found here and stays here."""
    manager = pluggy.PluginManager("crsbench")
    manager.add_hookspecs(hookspecs)
    unmarked = [
        name
        for name, value in inspect.getmembers(plugin, inspect.isroutine)
        if name.startswith("crsbench_") and not hasattr(value, "crsbench_impl")
    ]
    if unmarked:
        raise UsageError(f"{unmarked[0]} is not marked @crsbench.hookimpl")
    try:
        manager.register(plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise UsageError(_misspelt(manager, plugin) or " ".join(str(error).split())) from error
    if not manager.get_hookcallers(plugin):
        raise UsageError("it has no hook, that is, no function marked @crsbench.hookimpl")
    return manager


def _misspelt(manager: pluggy.PluginManager, plugin: object) -> str | None:
    known = [name for name in vars(hookspecs) if name.startswith("crsbench_")]
    for caller in manager.get_hookcallers(plugin) or []:
        if caller.name not in known:
            return "; ".join(filter(None, [f"unknown hook {caller.name!r}", nearest(caller.name, known)]))
    return None


def _checked(hook: str, returned: object) -> Iterable[Spec]:
    if not isinstance(returned, list | tuple):
        raise UsageError(f"{hook} returned {type(returned).__name__}, not a list of Spec")
    for spec in cast("list[object]", returned):
        if not isinstance(spec, Spec):
            raise UsageError(f"{hook} returned a list with {type(spec).__name__} in it, not Spec alone")
        if not _NAME.fullmatch(spec.name):
            raise UsageError(
                f"{hook} offers the name {spec.name!r}; letters, digits and _ . @ + - are allowed"
            )
        if not (_importable(spec.make) or callable(spec.make)):
            raise UsageError(f"{hook}: make of {spec.name!r} is neither a callable nor 'module:Class'")
        if spec.options is not None and not (_importable(spec.options) or isinstance(spec.options, type)):
            raise UsageError(f"{hook}: options of {spec.name!r} are neither a class nor 'module:Class'")
        yield spec


def _importable(target: object) -> bool:
    return isinstance(target, str) and bool(re.fullmatch(r"[\w.]+:[\w.]+", target))
