"""The recommender that wrote the log: mediocre on purpose, and it does not understand "no"."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Mention, State
from crsbench_synthetic import system_grammar as grammar
from crsbench_synthetic.text import Writer
from crsbench_synthetic.users import shown
from crsbench_synthetic.world import World


def named_last(world: World, state: State) -> int | None:
    """The entity that the user named last, liked or not."""
    for turn in reversed(state.history):
        if turn.speaker == "user":
            for mention in reversed(turn.mentions):
                if mention.item is None and mention.name in world.entity:
                    return world.entity[mention.name]
    return None


def distribution(
    world: World, state: State, released: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """float64 [I], sums to 1: what the logger would recommend next of what is `released` (None: all)."""
    fresh = np.ones(len(world.popularity)) if released is None else released.astype(np.float64)
    fresh[list(shown(state))] = 0.0
    popular = world.popularity * fresh
    popular /= popular.sum()
    named = named_last(world, state)
    if named is None:
        return popular
    matching = (world.x == named).any(axis=1) * world.root_popularity * fresh
    total = matching.sum()
    if total == 0:
        return popular
    share = world.scenario.matches
    return share * matching / total + (1 - share) * popular


def say(world: World, state: State, item: int, luck: Iterator[float]) -> tuple[str, tuple[Mention, ...]]:
    """A recommendation of the item with a reason, in the words of the log."""
    writer = Writer(luck)
    last = state.history[-1].text if state.history else ""
    if last.endswith("?") and len(state.history) > 1:
        if writer.chance(0.6):
            writer.say(grammar.ANSWER)
    elif writer.chance(0.25):
        writer.say(grammar.ACKNOWLEDGE)
    elif len(state.history) > 1 and writer.chance(0.2):
        writer.say(grammar.RETRY)
    writer.say(grammar.RECOMMEND, {"title": world.title(item)})
    named = named_last(world, state)
    # A reason or two, or none: how much is said does not depend on how well the item fits.
    reason, another = writer.chance(0.7), writer.chance(0.4)
    if reason and named is not None and named in world.x[item]:
        entity = world.entities[named]
        writer.say(grammar.MATCH[entity.relation], {"v": entity})
    elif reason:
        _describe(writer, world, item)
    if another and writer.chance(0.7):
        _describe(writer, world, item)
    elif another:
        writer.say(grammar.PLAIN)
    return writer.result()


def _describe(writer: Writer, world: World, item: int) -> None:
    writer.say(grammar.DESCRIBE, {world.entities[v].relation: world.entities[v] for v in world.x[item]})
