"""The catalogue and what is hidden about it, drawn once for a scenario, a size and a seed."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Catalog, Item
from crsbench_synthetic import words
from crsbench_synthetic.scenario import SYNTHETIC, Scenario
from crsbench_synthetic.text import Named

# First word of every random stream: a stream never meets another's numbers.
CATALOG, TRAIN, VALID, TEST, EPISODE = range(5)


def stream(*key: int) -> np.random.Generator:
    """The random numbers of a key: equal in every process, independent between keys."""
    return np.random.default_rng(key)


@dataclass(frozen=True, eq=False)
class World:
    """`x` int64 [I, R] holds each item's value of each relation as an index into `entities`;
    `quality` float64 [I]; `popularity` float64 [I], sums to 1; `tastes` float64 [archetypes, V].
    """

    scenario: Scenario
    seed: int
    catalog: Catalog
    entities: tuple[Named, ...]
    relations: dict[str, NDArray[np.int64]]  # relation → its entities
    x: NDArray[np.int64]
    quality: NDArray[np.float64]
    popularity: NDArray[np.float64]
    tastes: NDArray[np.float64]

    @functools.cached_property
    def entity(self) -> dict[str, int]:
        """Entity name → index."""
        return {named.name: v for v, named in enumerate(self.entities)}

    @functools.cached_property
    def root_popularity(self) -> NDArray[np.float64]:
        return np.sqrt(self.popularity)

    def title(self, item: int) -> Named:
        return Named(self.catalog.items[item].title, item)


@functools.lru_cache(maxsize=4)
def make_world(items: int, seed: int, scenario: Scenario = SYNTHETIC) -> World:
    """Draw the world. The order of items tells nothing of their popularity or quality."""
    rng = stream(CATALOG, seed)
    names = _entity_names(scenario, rng)
    entities = tuple(Named(name, relation=relation) for relation, values in names.items() for name in values)
    relations: dict[str, NDArray[np.int64]] = {}
    columns: list[NDArray[np.int64]] = []
    tastes: list[NDArray[np.float64]] = []
    start = 0
    for relation, size, zipf in scenario.relations:
        relations[relation] = np.arange(start, start + size)
        weight = np.arange(1, size + 1, dtype=float) ** -zipf
        columns.append(start + rng.choice(size, size=items, p=weight / weight.sum()))
        own = rng.dirichlet(np.full(size, scenario.concentration), size=scenario.archetypes)
        tastes.append(scenario.archetype_share * own + (1 - scenario.archetype_share) / size)
        start += size
    x = np.stack(columns, axis=1)
    popularity = (rng.permutation(items) + 1.0) ** -scenario.popularity
    quality = rng.normal(0.0, scenario.quality, size=items)
    years = rng.integers(0, 10, size=items)
    titles = _titles(items, rng)
    catalog = Catalog(
        tuple(
            _item(i, titles[i], {entities[v].relation: entities[v].name for v in x[i]}, int(years[i]))
            for i in range(items)
        )
    )
    return World(
        scenario,
        seed,
        catalog,
        entities,
        relations,
        x,
        quality,
        popularity / popularity.sum(),
        np.hstack(tastes),
    )


def _item(index: int, title: str, values: dict[str, str], year: int) -> Item:
    decade = words.DECADES.get(values.get("decade", ""))
    return Item(
        id=f"film-{index:04d}",
        title=title,
        year=None if decade is None else decade + year,
        attributes={relation: (value,) for relation, value in values.items()},
    )


def _entity_names(scenario: Scenario, rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """Relation → names. People never share a first or a last name while there are enough of them."""
    first, last = rng.permutation(words.FIRST_NAMES), rng.permutation(words.LAST_NAMES)
    people = (
        f"{first[i % len(first)]} {last[(i + i // len(first)) % len(last)]}" for i in range(len(first) ** 2)
    )
    return {
        relation: words.VALUES[relation][:size]
        if relation in words.VALUES
        else tuple(next(people) for _ in range(size))
        for relation, size, _ in scenario.relations
    }


def _titles(count: int, rng: np.random.Generator) -> list[str]:
    """Unique titles of two or three words, none part of another; numbered when the words run out."""

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    found: dict[str, None] = {}
    while len(found) < count:
        form, noun = rng.random(), pick(words.TITLE_NOUNS)
        if form < 0.6:
            title = f"{pick(words.TITLE_ADJECTIVES)} {noun}"
        elif form < 0.75:
            title = f"{pick(words.TITLE_LEADS)} {noun}"
        else:
            title = f"{noun} {'of' if form < 0.9 else 'and'} {pick(words.TITLE_NOUNS)}"
        number = 2
        while title in found:
            number, title = number + 1, f"{title.rsplit(' #', 1)[0]} #{number}"
            if count < 5000:
                break  # few titles: draw another one instead
        if " #" not in title or count >= 5000:
            found[title] = None
    return list(found)
