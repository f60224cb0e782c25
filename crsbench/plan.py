"""What a run is made of: every part with its options and sources, and the identity that follows.

Nothing is loaded for it: a run that is finished is recognised without its data and without torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crsbench import provenance
from crsbench.config import Options, RunConfig
from crsbench.errors import CrsbenchError, PluginError, UsageError, nearest
from crsbench.identity import identity
from crsbench.options import fields, resolve
from crsbench.plugins import OURS, Host, Kind, Offer, source_digest
from crsbench.protocols import Need
from crsbench.record import SCHEMA
from crsbench.store import Store
from crsbench.team import launched

SIGNALS = ("dwell", "sentiment", "sentiment-later", "engagement", "relevance")
LABELS = "latent-class"
REWARD = "iuf-reward"
NO_SIMULATOR = "none"  # --simulator none: no conversations, whatever the dataset declares
_IMPLIED: dict[str, frozenset[Need]] = {
    "signals": frozenset({"signals"}),
    "labels": frozenset({"signals", "labels"}),
    "reward": frozenset({"signals", "labels", "reward"}),
}
_PREFIXES = ("dataset", "signals", "labels", "reward", "metrics", "simulator")


@dataclass(frozen=True, slots=True)
class Part:
    """One plugin in a run: what is offered, its validated options, the digest of its sources."""

    offer: Offer
    options: Options
    digest: str

    @property
    def name(self) -> str:
        """The full name, as in records."""
        return self.offer.full

    def make(self) -> Any:
        """A new one. Raises PluginError where it cannot be constructed."""
        return self.offer.make(self.options)

    def identity(self) -> dict[str, object]:
        options = self.options.model_dump(mode="json")
        return {
            "name": self.name,
            "version": self.offer.origin.version,
            "digest": self.digest,
            "options": options,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlan:
    """The data and the chain from it to a reward, with every name resolved and every option validated."""

    config: RunConfig
    dataset: Part
    protocol: str
    signals: tuple[Part, ...]
    labels: Part | None
    reward: Part | None
    simulator: Part | None
    model: str  # its digest
    device: str
    precision: str
    sources: Mapping[str, str]  # package → digest as the run began: files may change while it trains

    def data_key(self) -> dict[str, object]:
        """What the loaded data depends on, besides the files themselves."""
        return {
            "dataset": self.dataset.identity(),
            "protocol": self.protocol,
            "numpy": provenance.version("numpy"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ChainPlan):
    """All of a run: the policy, what it is trained on, and what measures it."""

    policy: Part
    needs: frozenset[Need]
    metrics: tuple[Part, ...]

    @property
    def parts(self) -> tuple[tuple[Kind, Part], ...]:
        """Every plugin that takes part, with its kind."""
        chain = (*self.signals, self.labels, self.reward, *self.metrics, self.simulator)
        return tuple((part.offer.kind, part) for part in (self.policy, self.dataset, *chain) if part)

    def run_id(self, fingerprint: str) -> str:
        """The identity of everything that can change a score."""
        return identity(
            {
                "schema": SCHEMA,
                "parts": [[kind, part.identity()] for kind, part in self.parts],
                "protocol": self.protocol,
                "data": fingerprint,
                "model": self.model,
                "limit": self.config.limit,
                "seed": self.config.seed,
                "device": self.device,
                "precision": self.precision,
                "libraries": provenance.libraries(),
                **({"processes": launched()} if launched() > 1 else {}),
            }
        )


def make_plan(config: RunConfig, host: Host, store: Store) -> Plan:
    """Resolve a configuration. Raises UsageError for what is unknown, PluginError for what is broken."""
    digest = _digests()
    policy, dataset = host.find("policy", config.plugin), host.find("dataset", config.dataset)
    facts = _dataset_facts(dataset, config, digest, store)
    needs = _needs(policy, config, digest, store)
    kept, passed = _kept_signals(config, needs)
    offers = {"": policy, "dataset": dataset, **_chain(config, host, needs, kept)}
    offers |= {f"metrics.{offer.name}": offer for offer in _metrics(config, host)}
    simulator = config.simulator or facts["simulator"]
    if simulator not in (None, NO_SIMULATOR):
        offers["simulator"] = host.find("simulator", simulator)

    targets = {prefix: offer.options_model() for prefix, offer in offers.items()}
    if simulator == facts["simulator"] and "simulator" in offers:
        passed = inherited(passed, targets["simulator"]) | passed
    options = resolve(passed, targets)
    parts = {prefix: Part(offer, options[prefix], digest(offer)) for prefix, offer in offers.items()}
    return Plan(
        policy=parts[""],
        needs=needs,
        metrics=tuple(part for prefix, part in parts.items() if prefix.startswith("metrics.")),
        **_chain_of(parts, config, _protocol(config, facts), host, store),
    )


def make_chain(config: RunConfig, host: Host, store: Store, needs: frozenset[Need]) -> ChainPlan:
    """As much of a chain as `needs` names, without a policy: its stages are those of a run with these parts.

    Raises what `make_plan` raises.
    """
    digest = _digests()
    dataset = host.find("dataset", config.dataset)
    facts = _dataset_facts(dataset, config, digest, store)
    kept, passed = _kept_signals(config, needs)
    offers = {"dataset": dataset, **_chain(config, host, needs, kept)}
    options = resolve(passed, {prefix: offer.options_model() for prefix, offer in offers.items()})
    parts = {prefix: Part(offer, options[prefix], digest(offer)) for prefix, offer in offers.items()}
    return ChainPlan(**_chain_of(parts, config, _protocol(config, facts), host, store))


def _chain_of(
    parts: Mapping[str, Part], config: RunConfig, protocol: str, host: Host, store: Store
) -> dict[str, Any]:
    """The fields of a `ChainPlan`."""
    device = provenance.device(config.device)
    return {
        "config": config,
        "dataset": parts["dataset"],
        "protocol": protocol,
        "signals": tuple(part for prefix, part in parts.items() if prefix.startswith("signals.")),
        "labels": parts.get("labels"),
        "reward": parts.get("reward"),
        "simulator": parts.get("simulator"),
        "model": provenance.model_digest(config.model, store),
        "device": device,
        "precision": provenance.precision(config.precision, device),
        "sources": _sources(host),
    }


def _kept_signals(config: RunConfig, needs: frozenset[Need]) -> tuple[list[str], dict[str, Any]]:
    """The run's signals but those that `reward.SIGNAL=0` takes out of the reward, and the other options.

    Where no signal is read, there is no such option.
    """
    kept = list(dict.fromkeys(config.signals or SIGNALS))
    passed = dict(config.options)
    for name in list(kept) if "signals" in needs else ():
        key = f"reward.{name.rpartition('/')[2]}"
        if key not in passed:
            continue
        share = str(passed.pop(key))
        if share not in ("0", "1"):
            raise UsageError(f"{key} is {share!r}", "a signal is in the reward (1) or out of it (0)")
        if share == "0":
            kept.remove(name)
    if not kept:
        raise UsageError("no signal is left in the reward")
    return kept, passed


def _chain(config: RunConfig, host: Host, needs: frozenset[Need], signals: Sequence[str]) -> dict[str, Offer]:
    """The parts between data and policy that `needs` names; one asked for by name has to exist anyway."""
    asked: list[tuple[Need, str, Kind, str | None, str]] = [
        ("signals", f"signals.{name.rpartition('/')[2]}", "signal", name if config.signals else None, name)
        for name in signals
    ]
    asked.append(("labels", "labels", "labels", config.labels, LABELS))
    asked.append(("reward", "reward", "reward", config.reward, REWARD))
    found: dict[str, Offer] = {}
    for need, prefix, kind, given, default in asked:
        if need not in needs and given is None:
            continue
        offer = host.find(kind, given or default)
        if need in needs:
            if prefix in found:
                raise UsageError(f"two {kind}s are called {offer.name!r}", "a run takes one of a name")
            found[prefix] = offer
    return found


def _metrics(config: RunConfig, host: Host) -> list[Offer]:
    if config.metrics is None:
        ours = [o for o in host.offers if o.kind == "metric" and o.origin.distribution == OURS]
        return [offer for offer in ours if not offer.spec.privileged]
    if not config.metrics:
        raise UsageError("--metrics names none, so nothing would be measured")
    offers = [host.find("metric", name) for name in dict.fromkeys(config.metrics)]
    names = [offer.name for offer in offers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"two metrics are called {twice!r}", "a run takes one of a name")
    return offers


def _protocol(config: RunConfig, facts: Mapping[str, Any]) -> str:
    protocol = config.protocol or facts["default_protocol"]
    if protocol not in facts["protocols"]:
        raise UsageError(
            f"dataset {config.dataset!r} has no protocol {protocol!r}", nearest(protocol, facts["protocols"])
        )
    return str(protocol)


def inherited(passed: Mapping[str, Any], simulator: type[Options]) -> dict[str, Any]:
    """A dataset's own simulator talks about the same world: the options that both have go to both."""
    shared = {f"dataset.{field.name}": f"simulator.{field.name}" for field in fields(simulator)}
    return {shared[key]: value for key, value in passed.items() if key in shared}


def _needs(policy: Offer, config: RunConfig, digest: Callable[[Offer], str], store: Store) -> frozenset[Need]:
    """What the policy needs, with what that implies; remembered, since looking may import torch."""
    memo = store.memo({"needs": policy.full, "make": str(policy.spec.make), "digest": digest(policy)})
    needs: Iterable[str] | None = memo.get()
    if needs is None:
        passed = {key: v for key, v in config.options.items() if key.partition(".")[0] not in _PREFIXES}
        options = resolve(passed, {"": policy.options_model()})[""]
        needs = sorted(policy.make(options).needs)
        unknown = next((need for need in needs if need not in _IMPLIED), None)
        if unknown is not None:
            known = ", ".join(_IMPLIED)
            raise PluginError(f"{policy.full} needs {unknown!r}, which is none of {known}", policy.full)
        memo.put(needs)
    return frozenset(implied for need in needs for implied in _IMPLIED[need])


def _dataset_facts(
    dataset: Offer, config: RunConfig, digest: Callable[[Offer], str], store: Store
) -> dict[str, Any]:
    """Protocols and simulator that a dataset declares, remembered like a policy's needs."""
    memo = store.memo({"facts": dataset.full, "make": str(dataset.spec.make), "digest": digest(dataset)})
    facts: dict[str, Any] | None = memo.get()
    if facts is None:
        passed = {key: value for key, value in config.options.items() if key.startswith("dataset.")}
        options = resolve(passed, {"dataset": dataset.options_model()})["dataset"]
        made = dataset.make(options)
        facts = {name: getattr(made, name) for name in ("default_protocol", "simulator")}
        facts["protocols"] = list(made.protocols)
        memo.put(facts)
    return facts


def _sources(host: Host) -> dict[str, str]:
    """The digests of all packages that offer something; one without a source is left out."""
    found: dict[str, str] = {}
    for package in {_home(offer).partition(".")[0] for offer in host.offers}:
        with contextlib.suppress(CrsbenchError):
            found[package] = source_digest(package)
    return found


def _home(offer: Offer) -> str:
    """The module that an offer's class lives in."""
    make = offer.spec.make
    return make.partition(":")[0] if isinstance(make, str) else make.__module__


def _digests() -> Callable[[Offer], str]:
    """`Offer.digest`, asked once for each module: many offers come from one."""
    known: dict[object, str] = {}

    def digest(offer: Offer) -> str:
        key = (_home(offer), offer.origin.module)
        if key not in known:
            known[key] = offer.digest()
        return known[key]

    return digest
