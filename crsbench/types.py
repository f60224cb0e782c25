"""The data that flows through a run: frozen, slotted values without behaviour of their own.

A walk: `Dialogue` → `Transition` → `Signal` → `WeakLabel` → `RewardModel` → `Policy`, then held-out
`State`s → `Action` → metrics, and `Policy` × `Simulator` → `Episode` → metrics.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Speaker = Literal["user", "system"]
Source = Literal["logged", "simulated", "derived"]
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended. `attributes` maps a relation to its values, in data order;
    `description` says in a few sentences what it is about, where that is known."""

    id: str
    title: str
    year: int | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    description: str = ""


@dataclass(frozen=True)
class Catalog:
    """All items in a fixed order: everywhere else an item is its index here (an int)."""

    items: tuple[Item, ...]

    def __len__(self) -> int:
        return len(self.items)

    @functools.cached_property
    def index(self) -> Mapping[str, int]:
        """Item id → index."""
        return {item.id: i for i, item in enumerate(self.items)}

    @functools.cached_property
    def links(self) -> tuple[tuple[int, str, str], ...]:
        """What is known of the items as (item index, relation, entity), in catalogue order, no repeats."""
        found = (
            (i, relation, value)
            for i, item in enumerate(self.items)
            for relation, values in item.attributes.items()
            for value in values
        )
        return tuple(dict.fromkeys(found))

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of every item: ids, titles, years, attributes, descriptions, and their order."""
        encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(b"[")  # of one list of all, which at a million items is too much to hold
        for at, item in enumerate(self.items):
            known = [item.id, item.title, item.year, dict(item.attributes)]
            row = encoder.encode([*known, item.description] if item.description else known)
            digest.update((f", {row}" if at else row).encode())
        digest.update(b"]")
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Mention:
    """Something named in a turn: an item (its index) or an entity (its name as in `Catalog.links`).

    `span` is [start, end) in characters of the turn's text, or None where the data does not say.
    """

    name: str
    item: int | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance.

    `recommended` holds the items that the data labels as this system turn's recommendation; a turn whose
    label belongs to another split carries none. `seconds` counts from the start of the dialogue to the
    moment the turn is sent. `ends` says that the speaker is known to leave after this turn.
    """

    speaker: Speaker
    text: str
    mentions: tuple[Mention, ...] = ()
    recommended: tuple[int, ...] = ()
    seconds: float | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation. `user` is None where the data does not identify its users.

    Dialogues of one `group` share their fold: those of people who talked to one another, say, where what is
    learnt from one of them would give the others away.
    """

    id: str
    turns: tuple[Turn, ...]
    user: str | None = None
    group: int | None = None

    @property
    def fold(self) -> int:
        """0 … FOLDS-1 from the group, else from a hash of the id; what is learnt from other dialogues comes
        from other folds."""
        if self.group is not None:
            return self.group % FOLDS
        return int(hashlib.sha256(self.id.encode()).hexdigest()[:8], 16) % FOLDS


@dataclass(frozen=True, slots=True)
class State:
    """The history so far. `session` ties it to a simulator's user; a policy is handed it blank."""

    history: tuple[Turn, ...]
    session: int | None = None

    def blank(self) -> State:
        """The same history without anything that says whose it is."""
        return replace(self, session=None)

    def then(self, *turns: Turn) -> State:
        """The state after more turns."""
        return replace(self, history=self.history + turns)

    def mentioned(self) -> tuple[int, ...]:
        """Items mentioned so far, oldest first, repeats kept."""
        return tuple(m.item for turn in self.history for m in turn.mentions if m.item is not None)


@dataclass(frozen=True, slots=True)
class Action:
    """A system turn: what is said (None: the policy does not talk) and a ranking, best first.

    `items` are catalogue indices without repeats, `scores` float32 of the same length, descending.
    In a conversation the first item is the one that is recommended. `logprob` is in nats.
    """

    items: tuple[int, ...]
    scores: tuple[float, ...] = ()
    text: str | None = None
    logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Part of the score of an item in a state, for people to read.

    `share` is what it adds to the score (negative: takes from it), in the score's own unit: nats where scores
    are logits. `mention` and `turn`, its index in the history, are what the reason is about and where it was
    said; both are None where it is about no single mention. `text` says how it speaks for the item, such as
    "same director: Michael Mann".
    """

    text: str
    share: float
    mention: Mention | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """s_t, a_t → the user's reply → s_{t+1}.

    `reply` is None where none was recorded. `done`: the dialogue is known to end here. `censored`: the
    recording stops here, so an absent or short reply says nothing. `index` counts the dialogue's
    transitions from 0; `fold`, `dialogue` and `user` are those of the dialogue. `later` is what was said
    after s_{t+1}, where that is on record: for signals, which look back on the whole dialogue.
    """

    state: State
    action: Action
    reply: Turn | None
    next_state: State
    done: bool
    censored: bool
    dialogue: str
    index: int
    fold: int
    user: str | None = None
    later: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """One implicit signal, `values` float64 [N] aligned with the transitions, nan where not observed."""

    name: str
    values: NDArray[np.float64]
    unit: str
    source: Source


@dataclass(frozen=True, slots=True)
class WeakLabel:
    """`probability` of satisfaction and `confidence` in it, float64 [N] in [0, 1]; nan where unknown."""

    probability: NDArray[np.float64]
    confidence: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reward:
    """`total` is what a policy maximises; `parts` name what it is made of."""

    total: float
    parts: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Feedback:
    """Explicit labels of one dialogue, sealed: metrics and audits alone receive it.

    `liked`, `seen`, `suggested`: item index → yes or no; items the form leaves open are absent. `guessed`
    holds the items whose answers are not the user's own, but what the other one took them to be.
    """

    liked: Mapping[int, bool] = field(default_factory=dict[int, bool])
    seen: Mapping[int, bool] = field(default_factory=dict[int, bool])
    suggested: Mapping[int, bool] = field(default_factory=dict[int, bool])
    ratings: Mapping[str, float] = field(default_factory=dict[str, float])
    guessed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Truth:
    """What only a scenario knows, sealed alike.

    `utilities`: float32 [I], the probability that each item satisfies this user in this state.
    `satisfied`: z of each recommendation turn so far.
    """

    utilities: NDArray[np.float32] | None = None
    satisfied: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One held-out turn to be scored: the history before it and the items that were recommended."""

    id: str
    dialogue: str
    state: State
    targets: tuple[int, ...]
    exposed: bool = False  # the scenario chose this turn's item at random


@dataclass(frozen=True, slots=True)
class Split:
    """Dialogues to learn from and rows to be scored on; a test split needs no dialogues.

    `by_row`: the corpus is split by row, so that other rows of these dialogues may stand in another split,
    test among them. What is learnt out of fold then has to leave out rows and not whole dialogues.
    """

    dialogues: tuple[Dialogue, ...] = ()
    rows: tuple[Row, ...] = ()
    by_row: bool = False


@dataclass(frozen=True, slots=True)
class Sealed:
    """What metrics and audits may see and nothing that trains can reach: keyed by dialogue and by row id."""

    feedback: Mapping[str, Feedback] = field(default_factory=dict[str, Feedback])
    truth: Mapping[str, Truth] = field(default_factory=dict[str, Truth])


@dataclass(frozen=True, slots=True)
class Corpus:
    """A loaded dataset under one protocol.

    `targets` counts the labels of the test rows before any was dropped; `dropped` says why some were.
    `fingerprint` covers everything that was loaded.
    """

    catalog: Catalog
    train: Split
    valid: Split
    test: Split
    sealed: Sealed
    fingerprint: str
    targets: int
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Episode:
    """One conversation between a policy and a simulator, with its truth where it is known."""

    seed: int
    transitions: tuple[Transition, ...]
    truth: Truth | None
    decoding: Literal["greedy", "sampled"]


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A row with what a policy answered: 1-based `ranks` of the targets, None where beyond the list.

    `new[j]`: target j was not mentioned before. `clean`: the dialogue is in neither train nor valid.
    """

    row: Row
    action: Action
    ranks: tuple[int | None, ...]
    new: tuple[bool, ...]
    tail: tuple[bool, ...]
    liked: tuple[bool | None, ...]
    clean: bool


@dataclass(frozen=True, slots=True)
class Values:
    """What a metric measured: one value a unit of averaging, grouped by dialogue for the intervals.

    `ids` name what was measured, so that two policies can be paired; `groups` name its dialogue. The score is
    their mean: a statistic of the whole sample comes as one value a dialogue whose mean it is. Such values
    can lie where the statistic cannot: `bounds` says what it stays between, and its interval is cut there,
    which takes nothing from how often it holds the truth.
    """

    metric: str
    subset: str
    unit: Literal["label", "row", "dialogue", "episode"]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    values: tuple[float, ...]
    higher_is_better: bool = True
    decoding: Literal["greedy", "sampled"] | None = None
    bounds: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Absent:
    """A metric that cannot be measured here, and why: it is never replaced by another."""

    metric: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """How far a metric agrees with what people judged, or with what is known to be true.

    `data` says who judged what; `measure` is the agreement measure, `value` with its 95% interval over the
    `n` units judged. `low` and `high` are nan where there is no interval.
    """

    metric: str
    data: str
    measure: str
    value: float
    low: float
    high: float
    n: int
