"""What a metric has to hold."""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, get_args, get_type_hints

import numpy as np

from crsbench.asking import Actor, Users
from crsbench.config import Options
from crsbench.episode import FIRST_USER, rollout
from crsbench.evaluation import Meter, judge
from crsbench.record import Measured
from crsbench.stats import score
from crsbench.testing import parts
from crsbench.testing.bench import Bench
from crsbench.testing.common import no_network
from crsbench.testing.suite import Ask, NotAskedError, demand
from crsbench.testing.watch import watching
from crsbench.types import Absent, Corpus, Episode, RankedRow, Sealed, Values
from crsbench.ui import SilentUi

Judged = Sequence[RankedRow] | Sequence[Episode]
READS = ("rankings", "texts", "episodes")
_CLOSE = 1e-9


def says_what_it_reads(bench: Bench) -> None:
    """`reads` is rankings, texts or episodes."""
    reads = getattr(bench.part.make(), "reads", None)
    demand(reads in READS, f"reads is {reads!r}, none of {', '.join(READS)}")


def measures_units(bench: Bench) -> None:
    """Finite values under its own name, each unit once, grouped by dialogue; or absent with a reason."""
    units = get_args(get_type_hints(Values)["unit"])
    judged = _judged(bench)
    groups = {r.row.dialogue if isinstance(r, RankedRow) else str(r.seed) for r in judged}
    for one in _measured(bench, judged):
        if isinstance(one, Absent):
            demand(bool(one.reason), "it is absent without a reason")
            continue
        demand(one.unit in units, f"its unit is {one.unit!r}, none of {', '.join(units)}")
        wrong = sorted(set(one.groups) - groups)
        demand(not wrong, f"it groups by {wrong[:1]}, which is no dialogue of what was measured")


def measures_the_same_twice(bench: Bench) -> None:
    """The same rows give the same values, and are left as they were."""
    judged = _judged(bench)
    kept = copy.deepcopy(judged)
    demand(_measured(bench, judged) == _measured(bench, judged), "measured twice it gives two results")
    demand(repr(judged) == repr(kept), "measure changes what it is handed")


def follows_its_rows(bench: Bench) -> None:
    """In another order each unit keeps its value, and the score its interval."""
    judged: list[Any] = list(_judged(bench))
    turned = random.Random(0).sample(judged, len(judged))
    one, other = (_by_measure(_measured(bench, some)) for some in (judged, turned))
    demand(one.keys() == other.keys(), "in another order it measures other things")
    for key, values in one.items():
        mine, theirs = (dict(zip(v.ids, v.values, strict=True)) for v in (values, other[key]))
        demand(mine.keys() == theirs.keys(), "in another order it measures other units")
        apart = max((abs(mine[i] - theirs[i]) for i in mine), default=0.0)
        demand(apart < _CLOSE, "a unit's value changes with the order of the rows")
        if mine:
            a, b = (score(Measured("final", None, v)) for v in (values, other[key]))
            demand(abs(a.value - b.value) < _CLOSE, "the score changes with the order of the rows")
            wide = max(a.high - a.low, 1e-6)
            demand(abs(a.low - b.low) <= 0.5 * wide, "the interval changes with the order of the rows")


def measures_little(bench: Bench) -> None:
    """One row or episode, and rankings that hold no target, are measured without failing."""
    judged = _judged(bench)
    _measured(bench, judged[:1])
    if isinstance(judged[0], RankedRow):
        missed = [_missed(row) for row in judged if isinstance(row, RankedRow)]
        _measured(bench, missed)


def says_where_it_cannot(bench: Bench) -> None:
    """Without sealed labels and truth it measures what it can, and says why it is absent where it cannot."""
    corpus = replace(bench.corpus, sealed=Sealed())
    bare: Any = [replace(one, truth=None) if isinstance(one, Episode) else one for one in _judged(bench)]
    for one in _measured(bench, bare, corpus):
        if isinstance(one, Absent):
            demand(bool(one.reason), "it is absent without a reason")


def needs_no_network(bench: Bench) -> None:
    """It measures without reaching for the network."""
    with watching() as seen:
        _measured(bench, _judged(bench))
    no_network(seen)


CHECKS: tuple[Ask, ...] = (
    says_what_it_reads,
    measures_units,
    measures_the_same_twice,
    follows_its_rows,
    measures_little,
    says_where_it_cannot,
    needs_no_network,
)


def _measured(bench: Bench, judged: Judged, corpus: Corpus | None = None) -> list[Values | Absent]:
    meter = Meter(bench.offer.name, bench.offer.full, bench.part.make(), bench.guard)
    return meter.measure(judged, corpus or bench.corpus)


def _judged(bench: Bench) -> Judged:
    """What the tiny policy did: rankings, turns with words, or conversations."""
    reads = getattr(bench.part.make(), "reads", None)
    if reads not in READS:
        raise NotAskedError("it does not say what it reads")
    if "judged" not in bench.kept:
        bench.kept["judged"] = _done(bench, str(reads))
    return bench.kept["judged"]


def _done(bench: Bench, reads: str) -> Judged:
    corpus, policy = bench.corpus, _policy(bench)
    actor = Actor("final", policy, parts.NAME, len(corpus.catalog), guard=nullcontext)
    if reads != "episodes":
        return judge(actor, corpus, "ranking" if reads == "rankings" else "turn", SilentUi())
    users = Users(parts.Users(Options()), parts.NAME)
    seeds = range(FIRST_USER, FIRST_USER + 6)
    talk = functools.partial(rollout, actor, users, corpus.catalog, seeds)
    rng = np.random.default_rng(0)
    return [*talk("greedy", rng, SilentUi()), *talk("sampled", rng, SilentUi())]


def _policy(bench: Bench) -> Any:
    return parts.Counts(Options()).fit(bench.corpus.train, bench.context(bench.chain(bench.corpus)))


def _by_measure(found: list[Values | Absent]) -> dict[tuple[str, str, str | None], Values]:
    return {(v.subset, v.unit, v.decoding): v for v in found if isinstance(v, Values)}


def _missed(row: RankedRow) -> RankedRow:
    return replace(row, ranks=tuple(None for _ in row.ranks))
