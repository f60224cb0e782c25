"""Simulated users who give the answer away: by name, or by what fits it alone, before it is recommended.

A user's targets are those of the test rows of the dialogue that the simulator plays; in a scenario, the item
of the highest true utility as the conversation begins; for users who are nobody in particular, those of any
dialogue. The system in these conversations recommends what the user named last, and says nothing.

A paraphrase is a set of attribute values that fits one item alone. In a scenario the best item follows from
the preferences: that it fits what users say of them is what a recommender is there for, and no leak. So
paraphrases are looked for where the target is somebody's choice.

Each measure has a control: how often the same happens by chance.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

import numpy as np

from crsbench.asking import BATCH, Actor, Users
from crsbench.audit.finding import Finding, finding
from crsbench.audit.targets import in_text
from crsbench.audit.titles import Copier, Titles, without
from crsbench.episode import rollout
from crsbench.errors import UsageError
from crsbench.protocols import GroundedSimulator
from crsbench.types import Catalog, Corpus, Episode, Turn
from crsbench.ui import Ui

Pair: TypeAlias = tuple[Episode, int]  # a conversation and an item to look for in it
RARE = 0.01  # p-value from which on a measure counts as above its control
_COPIED = "every metric of episodes: who copies what users say finds what was to be recommended"
_OTHERS = "nothing: the control of the finding before, the same words and the targets of the next user"
_WORDLESS = "nothing: the control of the finding before, the same policy where users say nothing"


def findings(users: Users, corpus: Corpus, seeds: Sequence[int], ui: Ui) -> list[Finding]:
    """Three measures, each followed by its control. The users have met their people already.

    Raises UsageError where there are no targets to look for.
    """
    copier = Copier(corpus.catalog)
    best = _best(users, seeds)
    targets = best or _chosen(users, corpus, seeds)
    actor = Actor("copy", copier, "copy", len(corpus.catalog))
    episodes = rollout(actor, users, corpus.catalog, seeds, "greedy", np.random.default_rng(0), ui)
    own = [(one, item) for one, some in zip(episodes, targets, strict=True) for item in sorted(some)]
    next_ones = zip(episodes, targets, [*targets[1:], *targets[:1]], strict=True)
    others = [(one, item) for one, mine, some in next_ones for item in sorted(some - mine)]
    chosen, chosen_by_others = ([], []) if best else (own, others)
    look = _Look(corpus.catalog, copier.titles)
    copied = [(one, [step.action.items[0] for step in one.transitions]) for one in episodes]
    wordless = [(one, list(range(len(items)))) for one, items in copied]
    return [
        finding("targets_named_by_user", look.named(own), len(own), _COPIED),
        finding("targets_of_others_named_by_user", look.named(others), len(others), _OTHERS),
        finding("targets_paraphrased_by_user", look.paraphrased(chosen), len(chosen), _COPIED),
        finding(
            "targets_of_others_paraphrased_by_user",
            look.paraphrased(chosen_by_others),
            len(chosen_by_others),
            _OTHERS,
        ),
        finding("targets_found_by_copying", look.hits(copied, targets), len(episodes), _COPIED),
        finding("targets_found_without_words", look.hits(wordless, targets), len(episodes), _WORDLESS),
    ]


def leaks(found: Sequence[Finding]) -> list[tuple[Finding, Finding, float]]:
    """(measure, control, p) of each measure of `findings` that is above its control.

    By Fisher's exact test, one-sided, p < .01.
    """
    stats: Any = importlib.import_module("scipy.stats")
    above: list[tuple[Finding, Finding, float]] = []
    for one, control in zip(found[::2], found[1::2], strict=True):
        table = [[each.count, each.total - each.count] for each in (one, control)]
        p = float(stats.fisher_exact(table, alternative="greater").pvalue)
        if p < RARE:
            above.append((one, control, p))
    return above


class _Look:
    """Looks for items in what users said before they were recommended: a line of text each that was found."""

    def __init__(self, catalog: Catalog, titles: Titles) -> None:
        self._catalog = catalog
        self._titles = titles

    def named(self, pairs: Iterable[Pair]) -> Iterator[str]:
        """Where a title stands in the user's turns."""
        for one, item in pairs:
            said = next((turn for turn in _before(one, item) if item in self._titles.named(turn)), None)
            if said is not None:
                yield self._line(one, item, said.text)

    def paraphrased(self, pairs: Iterable[Pair]) -> Iterator[str]:
        """Where no other item has all of those attribute values that it has and that were named."""
        for one, item in pairs:
            turns = _before(one, item)
            mentioned = {m.name.casefold() for turn in turns for m in turn.mentions if m.item is None}
            untitled = (without(turn, (m for m in turn.mentions if m.item is not None)) for turn in turns)
            text = "\n".join(untitled)
            values = dict.fromkeys(v for vs in self._catalog.items[item].attributes.values() for v in vs)
            said = [v for v in values if v.casefold() in mentioned or in_text(v, text)]
            owners = [self._owners[value] for value in said]
            if owners and owners[0].intersection(*owners[1:]) == frozenset({item}):
                yield self._line(one, item, ", ".join(said))

    def hits(
        self, talks: Iterable[tuple[Episode, list[int]]], targets: Iterable[AbstractSet[int]]
    ) -> Iterator[str]:
        """Where one of the recommended items is a target."""
        for (one, items), wanted in zip(talks, targets, strict=True):
            hit = next((item for item in items if item in wanted), None)
            if hit is not None:
                yield f"user {one.seed}: {self._catalog.items[hit].title}"

    def _line(self, one: Episode, item: int, said: str) -> str:
        return f"user {one.seed}: {self._catalog.items[item].title}: {said}"

    @functools.cached_property
    def _owners(self) -> dict[str, frozenset[int]]:
        """Attribute value → the items that have it."""
        owners: dict[str, set[int]] = {}
        for item, _, value in self._catalog.links:
            owners.setdefault(value, set()).add(item)
        return {value: frozenset(items) for value, items in owners.items()}


def _before(episode: Episode, item: int) -> list[Turn]:
    """What the user said before the item was recommended, or in the whole conversation."""
    said: list[Turn] = []
    for turn in episode.transitions[-1].next_state.history:
        if item in turn.recommended:
            break
        if turn.speaker == "user":
            said.append(turn)
    return said


def _chosen(users: Users, corpus: Corpus, seeds: Sequence[int]) -> list[frozenset[int]]:
    """The targets of the dialogue that each user is from, or of any where users are from none."""
    wanted: dict[str, frozenset[int]] = {}
    for row in corpus.test.rows:
        wanted[row.dialogue] = wanted.get(row.dialogue, frozenset[int]()) | frozenset(row.targets)
    if not wanted:
        raise UsageError("there are no test rows whose targets could be looked for", "name another --dataset")
    simulator = users.simulator
    if not isinstance(simulator, GroundedSimulator):
        anybody = list(wanted.values())
        return [anybody[seed % len(anybody)] for seed in seeds]
    with users.guard():
        played = [simulator.dialogue(seed) for seed in seeds]
    return [wanted.get(dialogue, frozenset()) for dialogue in played]


def _best(users: Users, seeds: Sequence[int]) -> list[frozenset[int]]:
    """The item of the highest true utility for each user as they begin; none where that is not known."""
    states = users.start(seeds)
    found: list[frozenset[int]] = []
    for start in range(0, len(states), BATCH):
        truths = users.truth(states[start : start + BATCH]) or []
        utilities = [truth.utilities for truth in truths]
        found += [frozenset({int(known.argmax())}) for known in utilities if known is not None]
    return found if len(found) == len(states) else []
