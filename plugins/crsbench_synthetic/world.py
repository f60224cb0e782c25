"""The catalogue and what is hidden about it, drawn once for a scenario, a size and a seed."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Catalog, Item
from crsbench_synthetic import words
from crsbench_synthetic.scenario import Scenario
from crsbench_synthetic.scenarios import SYNTHETIC
from crsbench_synthetic.text import Named

# First word of every random stream: a stream never meets another's numbers.
CATALOG, TRAIN, VALID, TEST, EPISODE = range(5)
_BAIT, _COLD = 1, 2  # streams of the catalogue beside its own


def stream(*key: int) -> np.random.Generator:
    """The random numbers of a key: equal in every process, independent between keys."""
    return np.random.default_rng(key)


@dataclass(frozen=True)
class ScenarioCatalog(Catalog):
    """A catalogue that says which world it is of: by these two and its size `make_world` finds the rest."""

    scenario: str
    seed: int


@dataclass(frozen=True, eq=False)
class World:
    """`x` int64 [I, R] holds each item's value of each relation as an index into `entities`;
    `quality` float64 [I]; `popularity` float64 [I], sums to 1; `bait` and `cold` bool [I];
    `tastes` float64 [archetypes, V].
    """

    scenario: Scenario
    seed: int
    catalog: ScenarioCatalog
    entities: tuple[Named, ...]
    relations: dict[str, NDArray[np.int64]]  # relation → its entities
    x: NDArray[np.int64]
    quality: NDArray[np.float64]
    popularity: NDArray[np.float64]
    bait: NDArray[np.bool_]
    cold: NDArray[np.bool_]
    tastes: NDArray[np.float64]

    @functools.cached_property
    def entity(self) -> dict[str, int]:
        """Entity name → index."""
        return {named.name: v for v, named in enumerate(self.entities)}

    @functools.cached_property
    def root_popularity(self) -> NDArray[np.float64]:
        return np.sqrt(self.popularity)

    def released(self, source: int) -> NDArray[np.bool_]:
        """bool [I]: what is out when the users of a stream are served."""
        return ~self.cold if source in (TRAIN, VALID) else np.ones(len(self.cold), dtype=bool)

    def title(self, item: int) -> Named:
        return Named(self.catalog.items[item].title, item)


def make_world(items: int, seed: int, scenario: Scenario = SYNTHETIC) -> World:
    """The world of a size and a seed: the same object while it is in use."""
    return _draw(items, seed, scenario)


@functools.lru_cache(maxsize=4)
def _draw(items: int, seed: int, scenario: Scenario) -> World:
    """The order of items tells nothing of their popularity or quality."""
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
    catalog = ScenarioCatalog(tuple(_items(_titles(items, rng), x, years, entities)), scenario.name, seed)
    bait = stream(CATALOG, seed, _BAIT).random(items) < (scenario.bait.share if scenario.bait else 0)
    return World(
        scenario=scenario,
        seed=seed,
        catalog=catalog,
        entities=entities,
        relations=relations,
        x=x,
        quality=quality - bait * (scenario.bait.disappoints if scenario.bait else 0),
        popularity=popularity / popularity.sum(),
        bait=bait,
        cold=stream(CATALOG, seed, _COLD).random(items) < (scenario.cold or 0),
        tastes=np.hstack(tastes),
    )


def _items(
    titles: list[str], x: NDArray[np.int64], years: NDArray[np.int64], entities: tuple[Named, ...]
) -> Iterator[Item]:
    """Items with the same values share them: a million items have few combinations."""

    @functools.cache
    def attributes(values: tuple[int, ...]) -> dict[str, tuple[str, ...]]:
        return {entities[v].relation: (entities[v].name,) for v in values}

    for i, (title, values, year) in enumerate(zip(titles, x, years, strict=True)):
        own = attributes(tuple(values.tolist()))
        decade = words.DECADES.get(own.get("decade", ("",))[0])
        yield Item(f"film-{i:04d}", title, None if decade is None else decade + int(year), own)


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
    numbers: dict[str, int] = {}  # the last number of a title that came again
    numbered = count >= 5000
    while len(found) < count:
        form, noun = rng.random(), pick(words.TITLE_NOUNS)
        if form < 0.6:
            title = f"{pick(words.TITLE_ADJECTIVES)} {noun}"
        elif form < 0.75:
            title = f"{pick(words.TITLE_LEADS)} {noun}"
        else:
            title = f"{noun} {'of' if form < 0.9 else 'and'} {pick(words.TITLE_NOUNS)}"
        if numbered and title in found:
            numbers[title] = numbers.get(title, 1) + 1
            title = f"{title} #{numbers[title]}"
        found[title] = None  # few titles: one that came again is drawn anew
    return list(found)
