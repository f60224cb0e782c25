"""What is scored: which turns, in which subsets, by which metrics, for one stage of a policy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from crsbench.asking import BATCH, Actor, Guard
from crsbench.errors import PluginError, UsageError
from crsbench.protocols import Metric, Want
from crsbench.record import Decoding, Measured
from crsbench.types import Absent, Action, Corpus, Episode, RankedRow, Row, Split, Values
from crsbench.ui import Ui

TOP = 50  # items a ranking is asked for
HEAD = 0.2  # the share of the items recommended in train that counts as frequent
_WHAT: dict[Want, str] = {"ranking": "rankings", "turn": "words"}
Conversations = Callable[[Actor, Decoding], list[Episode]]


@dataclass(frozen=True, slots=True)
class Meter:
    """A metric in a run: `name` as it appears in scores, `plugin` its full name."""

    name: str
    plugin: str
    metric: Metric
    guard: Guard

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]:
        """What the metric measured, checked. Raises PluginError where it breaks the protocol."""
        with self.guard():
            measured: Any = self.metric.measure(judged, corpus)
        if not isinstance(measured, list | tuple):
            said = f"measure returned {type(measured).__name__}, not a list of Values"
            raise PluginError(f"{self.plugin}: {said}", self.plugin)
        return [self._checked(one) for one in cast("list[Any]", measured)]

    def _checked(self, one: Values | Absent) -> Values | Absent:
        if not isinstance(one, Values | Absent):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise self._broken(f"measured {type(one).__name__}, which is neither Values nor Absent")
        if one.metric != self.name:
            raise self._broken(f"measured {one.metric!r}, which is not its name")
        if isinstance(one, Absent):
            return one
        if not len(one.ids) == len(one.groups) == len(one.values):
            raise self._broken(f"gave {len(one.values)} values, {len(one.ids)} ids, {len(one.groups)} groups")
        if len(set(one.ids)) < len(one.ids):
            raise self._broken(f"measured one {one.unit} twice")
        if not all(math.isfinite(value) for value in one.values):
            raise self._broken(f"gave a value that is no finite number for a {one.unit}")
        if not one.values:
            return Absent(self.name, f"no {one.unit} in subset {one.subset!r}")
        return one

    def _broken(self, fault: str) -> PluginError:
        return PluginError(f"{self.plugin}: {fault}", self.plugin)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one stage of a policy did, and what was measured of it."""

    rows: list[RankedRow]
    episodes: list[Episode]
    measured: list[Measured]
    absent: list[Absent]


def evaluate(
    actor: Actor,
    corpus: Corpus,
    meters: Sequence[Meter],
    simulator: str | None,
    conversations: Conversations | None,
    ui: Ui,
) -> Judged:
    """Rank the test rows, let the policy talk where a metric asks for it, and measure.

    `conversations` plays the episodes of one decoding with `simulator`; None where there is none. A metric
    that cannot be measured is absent with its reason.
    """
    reads = {meter.metric.reads for meter in meters}
    rows = judge(actor, corpus, "ranking", ui)
    texts = judge(actor, corpus, "turn", ui) if "texts" in reads else []
    episodes: list[Episode] = []
    if "episodes" in reads and conversations is not None:
        episodes = [*conversations(actor, "greedy"), *conversations(actor, "sampled")]

    measured: list[Measured] = []
    absent: list[Absent] = []
    for meter in meters:
        judged: Sequence[RankedRow] | Sequence[Episode] = rows
        if meter.metric.reads == "episodes":
            judged = episodes
        elif meter.metric.reads == "texts":
            judged = texts
        reason = _reason(meter.metric.reads, corpus, texts, conversations)
        found = [Absent(meter.name, reason)] if reason else meter.measure(judged, corpus)
        with_whom = simulator if meter.metric.reads == "episodes" else None
        measured += [Measured(actor.stage, with_whom, one) for one in found if isinstance(one, Values)]
        absent += [one for one in found if isinstance(one, Absent)]
    return Judged(rows, episodes, measured, absent)


def curve_point(episodes: Sequence[Episode], meters: Sequence[Meter], corpus: Corpus) -> dict[str, float]:
    """The mean of every metric of episodes, by its name."""
    found = [
        one
        for meter in meters
        if meter.metric.reads == "episodes"
        for one in meter.measure(episodes, corpus)
        if isinstance(one, Values) and one.subset == "all"
    ]
    return {one.metric: sum(one.values) / len(one.values) for one in found}


def _reason(
    reads: str, corpus: Corpus, texts: Sequence[RankedRow], conversations: Conversations | None
) -> str | None:
    """Why nothing can be measured of this kind, or None."""
    if reads == "episodes":
        return "there is no simulator to talk to" if conversations is None else None
    if not corpus.test.rows:
        return "the test split has no rows"
    if reads == "texts" and all(row.action.text is None for row in texts):
        return "the policy does not talk"
    return None


def judge(actor: Actor, corpus: Corpus, want: Want, ui: Ui) -> list[RankedRow]:
    """Every test row with the policy's answer, greedily, and where its targets stand in it.

    "turn" asks for one item and the words. Nothing is masked: repeated targets can be found, and the
    subset `new` tells them apart.
    """
    rows = corpus.test.rows
    if actor.privileged and not all(row.id in corpus.sealed.truth for row in rows):
        raise UsageError(f"{actor.plugin} needs data whose truth is known", "it belongs to a scenario")
    k = 1 if want == "turn" else min(TOP, actor.items)
    flags = Flags(corpus)
    judged: list[RankedRow] = []
    starts = range(0, len(rows), BATCH)
    for start in ui.progress(starts, len(starts), f"{actor.stage}: {_WHAT[want]}"):
        batch = rows[start : start + BATCH]
        truths = [corpus.sealed.truth[row.id] for row in batch] if actor.privileged else None
        actions = actor.act([row.state for row in batch], want, k, truths=truths)
        judged += [flags.ranked(row, action) for row, action in zip(batch, actions, strict=True)]
    return judged


class Flags:
    """Which subsets the targets of a corpus's rows belong to."""

    def __init__(self, corpus: Corpus) -> None:
        self._frequent = frequent(corpus.train)
        self._feedback = corpus.sealed.feedback
        self._known = {one.id for split in (corpus.train, corpus.valid) for one in split.dialogues}
        self._known |= {row.dialogue for split in (corpus.train, corpus.valid) for row in split.rows}

    def ranked(self, row: Row, action: Action) -> RankedRow:
        places = {item: place for place, item in enumerate(action.items, 1)}
        mentioned = set(row.state.mentioned())
        feedback = self._feedback.get(row.dialogue)
        return RankedRow(
            row=row,
            action=action,
            ranks=tuple(places.get(target) for target in row.targets),
            new=tuple(target not in mentioned for target in row.targets),
            tail=tuple(target not in self._frequent for target in row.targets),
            liked=tuple(feedback.liked.get(target) if feedback else None for target in row.targets),
            clean=row.dialogue not in self._known,
        )


def frequent(train: Split) -> frozenset[int]:
    """The 20% (rounded up) most often recommended among the items that train recommends at all.

    Of items with equal counts, those that come first in the catalogue.
    """
    counts = Counter(item for one in train.dialogues for turn in one.turns for item in turn.recommended)
    order = sorted(counts, key=lambda item: (-counts[item], item))
    return frozenset(order[: math.ceil(HEAD * len(order))])
