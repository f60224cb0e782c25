"""`crsbench signals`: the chain as a run fits it on train dialogues, judged by what test users say they like.

The label model that comes first is the one that R_φ learns from. Stages are those of a run with the same
parts in the same folder: what was fitted here is reused there, and the other way round.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crsbench.config import RunConfig
from crsbench.context import Chain, Material
from crsbench.data import learnable, limited
from crsbench.episode import transitions
from crsbench.evidence import rulers
from crsbench.evidence.believed import Believed, Bench, of_label, of_signal
from crsbench.evidence.cases import NOWHERE, Cases, cases
from crsbench.evidence.comparisons import Comparison, ablation, agreement, compared
from crsbench.evidence.found import Evidence, sentences
from crsbench.evidence.ranking import Ranking, ranking
from crsbench.evidence.rows import Row, described, judged
from crsbench.hookspecs import RunInfo
from crsbench.identity import identity
from crsbench.ledger import note_reading
from crsbench.loading import Loader
from crsbench.plan import LABELS, ChainPlan, Part, make_chain
from crsbench.plugins import OURS, Host
from crsbench.protocols import Need
from crsbench.store import Store
from crsbench.types import Absent, Corpus, Signal
from crsbench.ui import Ui
from crsbench.workshop import Workshop

NAME = f"{OURS}/signals"  # how the ledger and observers know who reads


def evidence(config: RunConfig, labels: Sequence[str] | None, rewarded: bool, host: Host, ui: Ui) -> Evidence:
    """Fit and judge. `labels` name the label models (None: all of ours), `rewarded` asks for R_φ.

    Options of `config` under "labels." are those of the first label model; the others take their defaults.
    Raises UsageError, DataError or PluginError.
    """
    names = list(dict.fromkeys(labels or [LABELS, *_ours(host)]))
    config = config.model_copy(update={"labels": names[0]})
    offers = [host.find("labels", name) for name in names]  # before a folder is made: a typo leaves none
    host.find("dataset", config.dataset)
    store = Store(config.out)
    needs: frozenset[Need] = frozenset({"signals", "labels", *(["reward"] if rewarded else [])})
    plan = make_chain(config, host, store, needs)
    assert plan.labels is not None
    others = [Part(offer, offer.options_model()(), offer.digest()) for offer in offers[1:]]

    whole = Loader(plan, store, ui).corpus()
    corpus = limited(whole, config.limit)
    workshop = _workshop(plan, others, whole, store, host, ui)
    note_reading(store, plan, corpus, workshop.info.id, NAME)
    data = learnable(corpus.catalog, corpus.train, corpus.valid)
    chain = Chain(plan, Material(corpus.catalog, corpus.train, corpus.valid, data, workshop))
    steps = tuple(step for one in corpus.test.dialogues for step in transitions(one))
    bench = Bench(chain, corpus.catalog, workshop, steps, cases(corpus, steps))
    return _Judge(plan, [plan.labels, *others], host, whole, corpus, bench).evidence()


def _ours(host: Host) -> list[str]:
    return [o.name for o in host.offers if o.kind == "labels" and o.origin.distribution == OURS]


def _workshop(
    plan: ChainPlan, others: Sequence[Part], corpus: Corpus, store: Store, host: Host, ui: Ui
) -> Workshop:
    parts = [part for part in (plan.dataset, *plan.signals, plan.labels, *others, plan.reward) if part]
    made_of = [[part.identity() for part in parts], plan.protocol, corpus.fingerprint, plan.config.limit]
    run_id = identity({"signals": made_of, "seed": plan.config.seed, "model": plan.model})
    info = RunInfo(run_id, NAME, plan.dataset.name, plan.protocol, plan.config.seed, str(store.out))
    return Workshop(store, info, host, ui, io.StringIO(), replace=False)


@dataclass
class _Judge:
    """The corpus (`whole` before --limit), what is fitted on it, and what is held against what."""

    plan: ChainPlan
    labels: Sequence[Part]
    host: Host
    whole: Corpus
    corpus: Corpus
    bench: Bench

    def evidence(self) -> Evidence:
        bench, plan, corpus, found = self.bench, self.plan, self.corpus, self.bench.cases
        _ = bench.chain.labels if plan.reward is None else bench.chain.reward  # stages that a run can reuse
        bench.workshop.ui.stage_started("judge")
        signals = bench.signals(plan.signals)
        believed = [of_signal(part, one, found) for part, one in zip(plan.signals, signals, strict=True)]
        learnt: dict[str, Mapping[str, float]] = {}
        for part in self.labels:
            label, learnt[part.offer.name] = bench.label(part, bench.chain.signals, signals)
            believed.append(of_label(part, label, found))
        ranked: Ranking | Absent = Absent("ranking", "no reward model was asked for")
        if plan.reward is not None:
            believed.append(bench.reward(plan.reward))
            ranked = ranking(plan, bench.chain, corpus, self.host, bench.workshop)
        lacking = f"{plan.dataset.offer.name} has no explicit labels of what it recommended in test dialogues"
        rows = tuple(
            described(one, found, lacking, _reliability(one, learnt, plan.signals, signals))
            for one in believed
        )
        held = rulers.baselines(corpus, bench.steps, found)
        kinds = [
            judged(Row(name, "baseline", 0), values, name == rulers.CONSTANT, found, lacking)
            for name, values in held.items()
            if len(found)
        ]
        best = rulers.utilities(corpus, self.whole.test.rows, bench.steps, found)
        if best is not None:
            kinds.append(judged(Row(rulers.UTILITY, "ceiling", 0), best, True, found, lacking))
        config, model = plan.config, self.labels[0]
        first = next(one.judged for one in believed if one.kind == "labels")
        parts = plan.signals if len(found) else ()
        return Evidence(
            plan.dataset.name,
            plan.protocol,
            corpus.fingerprint,
            config.model,
            config.seed,
            config.limit,
            self._counts(),
            float(found.liked.mean()) if len(found) else None,
            rows,
            tuple(kinds),
            _comparisons(believed, held, found),
            agreement(signals, [part.offer.name for part in plan.signals]),
            tuple(ablation(bench, model, first, parts, signals, config.seed)),
            ranked,
            tuple(sentences(rows)),
        )

    def _counts(self) -> dict[str, int]:
        found = self.bench.cases
        return {
            "train_dialogues": len(self.corpus.train.dialogues),
            "train_transitions": len(self.bench.chain.transitions),
            "test_dialogues": len(self.corpus.test.dialogues),
            "test_transitions": len(self.bench.steps),
            "labels": len(found),
            "labels_without_system_turn": int((found.at == NOWHERE).sum()),
        }


def _reliability(
    one: Believed, learnt: Mapping[str, Mapping[str, float]], parts: Sequence[Part], signals: Sequence[Signal]
) -> dict[str, float | None]:
    """The reliability that label models have learnt of a signal, which they know by its own name."""
    if one.kind != "signal":
        return {}
    own = next(s.name for part, s in zip(parts, signals, strict=True) if part.offer.name == one.name)
    found = {model: known.get(own, np.nan) for model, known in learnt.items() if known}
    return {model: None if np.isnan(value) else float(value) for model, value in found.items()}


def _comparisons(
    believed: Sequence[Believed], held: Mapping[str, Any], found: Cases
) -> tuple[Comparison, ...]:
    """The first label model against all signals, the other label models and the length of the reply; R_φ
    against popularity and the length of the system turn."""
    first = next(one for one in believed if one.kind == "labels")
    rest = [one for one in believed if one.kind != "reward" and one is not first]
    pairs = [(first.name, first.judged, one.name, one.judged) for one in rest]
    pairs.append((first.name, first.judged, rulers.REPLY_WORDS, held[rulers.REPLY_WORDS]))
    for one in believed:
        if one.kind == "reward":
            against = (rulers.POPULARITY, rulers.SYSTEM_WORDS)
            pairs += [(one.name, one.judged, name, held[name]) for name in against]
    gaps = [compared(a, of_a, b, of_b, found) for a, of_a, b, of_b in pairs]
    return tuple(gap for gap in gaps if gap is not None)
