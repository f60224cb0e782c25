"""What speaks for an item, in words: how it is connected with what was named, what is counted of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crsbench.types import Catalog, Item, Mention

MOST = 2  # what two items share is told of this much: the rarest
HAS, LIKE = "it has what was named", "it is like what was named"
OTHER = "what else is counted"
GUESSED = "guessed "  # begins the name of a feature of what a generous reader finds (candidates.py)
CONTEXT = (  # what is known of a state alone (candidates.py)
    "turns",
    "items named",
    "entities named",
    "items named last",
    "entities named last",
    "words last",
    "asks",
    "system spoke last",
    "repeats",
)
PAIRED = ("ease", "together", "lift")
GROUPS = {  # by the names of features up to their colon (grounding.py, memory.py, sentences.py)
    "named before": ("copy", "times", "repeated"),
    HAS: ("entity", "walk", "link", "linked", "hops", "popularity-linked"),
    LIKE: ("item", "itemwalk", "shared"),
    "words of its title were said": ("title",),
    "what was said means what it is": ("item-sentences",),
    "what it is about": ("description", "description-sentences"),
    "recommended in dialogues that read alike": ("text", "centroid", "dialogue-text", "ridge"),
    "recommended in dialogues that mean alike": ("sentences", "dialogue-sentences"),
    "recommended where the same was named": ("entities", "cooccurrence", "dialogue-entities", *PAIRED),
    "what it is by itself: popularity, year": ("popularity", "named", "degree", "year"),
    "where the conversation stands": CONTEXT,
}


def group_of(name: str) -> str:
    """The group of `GROUPS` that a feature belongs to, by its name."""
    kind = name.removeprefix(GUESSED).partition(":")[0]
    return next((group for group, kinds in GROUPS.items() if kind in kinds), OTHER)


class Connections:
    """Looks up what of a catalogue's items connects them with a mention."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._uses = Counter(entity.casefold() for _, _, entity in catalog.links)

    def told(self, mention: Mention, item: int) -> str:
        """ "named before", "same director: Michael Mann", "director"; "" where nothing connects them."""
        if mention.item == item:
            return "named before"
        facts = self._catalog.items[item].attributes.items()
        if mention.item is None:
            name = mention.name.casefold()
            return ", ".join(r for r, values in facts if name in (value.casefold() for value in values))
        shared = sorted(_shared(self._catalog.items[mention.item], self._catalog.items[item]), key=self._rank)
        return "; ".join(f"same {relation}: {value}" for relation, value in shared[:MOST])

    def _rank(self, fact: tuple[str, str]) -> int:
        return self._uses[fact[1].casefold()]


def _shared(one: Item, other: Item) -> Iterator[tuple[str, str]]:
    for relation, values in other.attributes.items():
        of_one = one.attributes.get(relation, ())
        yield from ((relation, value) for value in values if value in of_one)
