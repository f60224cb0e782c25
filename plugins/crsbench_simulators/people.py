"""People of real dialogues: what they revealed that they like, and how well an item fits that.

A person is made of the user's turns of one dialogue. Left out is every item that the system names or is
labelled to recommend anywhere in the dialogue, and its namesakes: targets are among those, so nobody knows a
target, neither its title nor what it is like. Explicit labels would say what was liked afterwards; they are
sealed and not used, because policies read what simulated users say.

What a person knows: likes and dislikes among items and attribute values (lexicon.py), in the order in which
they were revealed, and then some attributes of the items that they liked. The fit of an item is

    fit(i) = Σ over likes n of link(n, i) − Σ over dislikes n of link(n, i),

with the idf-weighted links of `crsbench_features.links`. Item i suits the person where fit(i) > 0 and at most
5% of the catalogue fit strictly better, and comes near where at most 20% do.

What a person says: attribute values that together single out no item of the catalogue. Of those said, take
the ones that an item has: at least one other item has them all as well. A value that would break this is
known and not said. So nothing said is a paraphrase of the target, and nobody has to know the target for it.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from crsbench_features.links import LinkIndex
from numpy.typing import NDArray

from crsbench.audit.titles import spoken
from crsbench.errors import DataError
from crsbench.types import Catalog, Dialogue, Mention, State
from crsbench_simulators.lexicon import Lexicon

SUITS, NEAR = 0.05, 0.20  # shares of the catalogue that may fit better
TASTES = 2  # attributes of a liked item that are known to be why
FEWEST, MOST = 5, 1 / 3  # such an attribute is one of at least so many items, and of at most this share
VALUES = 62  # attribute values that a person can say: bits of an int64


@dataclass(frozen=True, slots=True)
class Preference:
    """An item or an attribute value that a person likes or not; `relation` is the value's, "" for an item."""

    mention: Mention
    likes: bool
    relation: str


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """`says`: what can be said, likes first. `knows`: items seen before → liked or not.

    `nodes` and `signs` (+1 or −1) are everything known, as in `LinkIndex`. An item suits from a fit of
    `suits` on and comes near from `near` on, where its fit is above 0.
    """

    dialogue: str
    says: tuple[Preference, ...]
    knows: dict[int, bool]
    nodes: NDArray[np.int64]
    signs: NDArray[np.float32]
    suits: float
    near: float


class People:
    """Whoever in some dialogues reveals something that they like and can say.

    Raises DataError where nobody does, or where nothing is known of the items.
    """

    def __init__(self, catalog: Catalog, dialogues: Sequence[Dialogue]) -> None:
        self.catalog = catalog
        self._index = LinkIndex(catalog)
        if not self._index.entities:
            raise DataError(
                "the items of this dataset have no attributes, so its people could not judge any by them",
                "take a dataset that says what its items are, such as redial or opendialkg",
            )
        self._owners = Counter(entity for _, entity in {(item, entity) for item, _, entity in catalog.links})
        self._lexicon = Lexicon(self._owners, len(catalog))
        ordered = sorted(dialogues, key=lambda one: hashlib.sha256(one.id.encode()).digest())
        revealed = ((one.id, self._revealed(one)) for one in ordered)
        self._told = [(name, told) for name, told in revealed if any(map(self._sayable, told))]
        if not self._told:
            raise DataError("nobody in these dialogues says what they like")

    def __len__(self) -> int:
        return len(self._told)

    def __getitem__(self, seed: int) -> Person:
        """The person of a seed: in the order of hashed dialogue ids, from the first again after the last."""
        return self._person(seed % len(self))

    def mention(self, item: int) -> Mention:
        """An item by its title."""
        return Mention(self.catalog.items[item].title, item)

    def fit(self, person: Person, item: int) -> float:
        """fit(item), see above."""
        return float(person.signs @ self._index.pairs(person.nodes, np.full(len(person.nodes), item)))

    def _revealed(self, dialogue: Dialogue) -> list[Preference]:
        """What the user says of items and values, each as it is judged first, less what the system names."""
        named = {m.item for turn in dialogue.turns if turn.speaker == "system" for m in turn.mentions}
        named |= {item for turn in dialogue.turns for item in turn.recommended}
        kept = {self._name(item) for item in named if item is not None}
        found: dict[int, Preference] = {}
        for turn in dialogue.turns:
            for mention, likes in self._lexicon.read(turn) if turn.speaker == "user" else ():
                node = self._index.node(mention)
                if node is None or (mention.item is not None and self._name(mention.item) in kept):
                    continue
                found.setdefault(node, self._preference(node, likes))
        return list(found.values())

    def _name(self, item: int) -> tuple[str, ...]:
        """What a remake shares: who names one film names the other."""
        title = self.catalog.items[item].title
        return spoken(title) or (title,)

    def _preference(self, node: int, likes: bool) -> Preference:
        """A node in the catalogue's own words."""
        items = self._index.items
        if node < items:
            return Preference(self.mention(node), likes, "")
        relation = self._index.relations[int(self._index.relation_of[node]) - 1]
        return Preference(Mention(self._index.entities[node - items]), likes, relation)

    def _sayable(self, one: Preference) -> bool:
        """Whether somebody can begin with it."""
        return one.likes and (one.mention.item is not None or self._owners[one.mention.name] > 1)

    @functools.cached_property
    def _person(self) -> Callable[[int], Person]:
        return functools.cache(self._made)

    def _made(self, at: int) -> Person:
        dialogue, told = self._told[at]
        known: dict[int, Preference] = {}
        for one in (*told, *self._reasons(dialogue, told)):
            known.setdefault(self._node(one), one)
        nodes = np.array(list(known), np.int64)
        signs = np.array([1 if one.likes else -1 for one in known.values()], np.float32)
        links = self._index.rows(nodes)
        fits = -np.sort(-(signs @ links))
        suits, near = (float(fits[int(share * len(fits))]) for share in (SUITS, NEAR))
        ordered = sorted(zip(known.values(), links, strict=True), key=lambda pair: not pair[0].likes)
        seen = {one.mention.item: one.likes for one in told if one.mention.item is not None}
        return Person(dialogue, tuple(_discreet(ordered)), seen, nodes, signs, suits, near)

    def _node(self, one: Preference) -> int:
        node = self._index.node(one.mention)
        assert node is not None  # it was made of one
        return node

    def _reasons(self, dialogue: str, told: Iterable[Preference]) -> Iterator[Preference]:
        """Attributes of the liked items: neither so rare that they mean one item nor so common that they mean
        nothing, the same ones whenever this dialogue is read."""
        luck = random.Random(dialogue)
        for one in told:
            if one.mention.item is None or not one.likes:
                continue
            attributes = self.catalog.items[one.mention.item].attributes
            values = dict.fromkeys(value for several in attributes.values() for value in several)
            usual = [v for v in values if FEWEST <= self._owners[v] <= MOST * len(self.catalog)]
            for value in luck.sample(usual, min(TASTES, len(usual))):
                yield self._preference(self._node(Preference(Mention(value), True, "")), True)


def session(state: State) -> int:
    """The seed of the user that a state is tied to."""
    if state.session is None:
        raise ValueError("the state has no session: it did not come from this simulator's start()")
    return state.session


def _discreet(known: Iterable[tuple[Preference, NDArray[np.float32]]]) -> Iterator[Preference]:
    """Those that can be said one after the other without singling out an item; see the module.

    known: each with its links [I]; an item has an attribute value where the link is above 0.
    """
    said: NDArray[np.int64] | None = None  # [I]: which of the values said an item has, one bit each
    values = 0
    for one, links in known:
        if one.mention.item is None:
            bits = (links > 0).astype(np.int64) << values
            tried = bits if said is None else said | bits
            counts = np.unique(tried[tried > 0], return_counts=True)
            alone = (counts[0][counts[1] == 1]).tolist()
            if values == VALUES or any(((tried & bit) == bit).sum() < 2 for bit in alone):
                continue
            said, values = tried, values + 1
        yield one
