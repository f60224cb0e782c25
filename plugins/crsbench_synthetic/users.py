"""Who talks: hidden preferences, and whom an item satisfies. See `scenario.py` for the equations.

A user's luck is drawn once, a row of uniforms and normals for each turn. A reply is then a plain function of
the user, the number of the turn and the item: two policies that do the same meet the same answer, and two
that differ meet the same luck (common random numbers), which makes paired comparisons tight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from crsbench.types import State
from crsbench_synthetic.world import World, stream

EVENTS = 10  # uniforms a turn for what happens, before those for its words
_WORDS = 30
_DRIFT = 2  # a user's stream beside their own; the logger that serves them has number 1


class Event(IntEnum):
    """What a uniform of a turn decides."""

    Z = 0
    STAYS = 1
    NEUTRAL = 2
    FLIP = 3
    HIDE = 4
    REVEAL = 5
    DISLIKE = 6
    DISTRACTED = 7
    TAKES_UP = 8


@dataclass(frozen=True, slots=True, eq=False)
class User:
    """`tastes` float64 [V], the weights w_t in each turn and after the last one; `opening` the two likes that
    are told first; `reveals` what each turn would tell; `uniforms` [1 + turns] rows of luck, the first for
    the opening; `normals` [turns] pairs.
    """

    tastes: tuple[NDArray[np.float64], ...]
    opening: tuple[int, int]
    reveals: tuple[int | None, ...]
    horizon: int
    speed: float
    polite: bool
    uniforms: list[list[float]]
    normals: list[list[float]]

    def luck(self, turn: int, event: Event) -> float:
        return self.uniforms[turn + 1][event]


def draw_user(world: World, source: int, index: int) -> User:
    """The user `index` of the stream `source` (TRAIN, VALID, TEST, EPISODE)."""
    s = world.scenario
    rng = stream(source, world.seed, index)
    most = s.turns[1]
    uniforms = rng.random((1 + most, EVENTS + _WORDS)).tolist()
    normals = rng.standard_normal((most, 2)).tolist()
    weights = np.zeros(len(world.entities))
    sizes = rng.uniform(1 - s.spread, 1 + s.spread, size=len(weights))
    # The largest of log p + Gumbel noise are a draw without replacement with probability ∝ p.
    evenly, taste = rng.gumbel(size=(2, len(weights)))
    taste += np.log(world.tastes[rng.integers(s.archetypes)])

    def choose(relation: str, count: int, weight: float, keys: NDArray[np.float64]) -> list[int]:
        """`count` values of the relation that have no weight yet, those with the largest keys."""
        values = world.relations[relation]
        free = values[weights[values] == 0]
        chosen = free[np.argsort(-keys[free])[:count]]
        weights[chosen] = weight * sizes[chosen]
        return chosen.tolist()

    likes = [v for relation, n, weight in s.likes for v in choose(relation, n, weight, taste)]
    dislikes = [v for relation, n, weight in s.dislikes for v in choose(relation, n, -weight, evenly)]
    rng.shuffle(likes)
    rng.shuffle(dislikes)
    horizon = int(rng.integers(s.turns[0], most + 1))
    speed, polite = float(rng.normal(0, s.speed)), bool(rng.random() < s.polite)
    opening = (likes.pop(), likes.pop())
    moves = stream(source, world.seed, index, _DRIFT) if s.drift else None
    tastes = [weights]
    reveals: list[int | None] = []
    for row in uniforms[1:]:
        weights = weights if moves is None else _moved(world, weights, likes, moves)
        told = row[Event.REVEAL] < s.reveals and bool(likes or dislikes)
        from_dislikes = not likes or (bool(dislikes) and row[Event.DISLIKE] < s.reveals_dislike)
        reveals.append((dislikes if from_dislikes else likes).pop() if told else None)
        tastes.append(weights)
    return User(tuple(tastes), opening, tuple(reveals), horizon, speed, polite, uniforms, normals)


def _moved(
    world: World, weights: NDArray[np.float64], untold: list[int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """The weights of the next turn; a like that moved becomes the last, and next told, of the `untold`."""
    if rng.random() >= (world.scenario.drift or 0):
        return weights
    old = int(rng.choice(np.flatnonzero(weights > 0)))
    values = world.relations[world.entities[old].relation]
    new = int(rng.choice(values[weights[values] == 0]))
    if old in untold:
        untold.remove(old)
    untold.append(new)
    weights = weights.copy()
    weights[new], weights[old] = weights[old], 0.0
    return weights


def shown(state: State) -> tuple[int, ...]:
    """The items recommended so far, one a system turn."""
    return tuple(
        turn.recommended[0] for turn in state.history if turn.speaker == "system" and turn.recommended
    )


def turns_taken(state: State) -> int:
    return sum(turn.speaker == "system" for turn in state.history)


def revealed(user: User, turn: int) -> NDArray[np.float64]:
    """float64 [V]: the weights that what the user has told has when turn number `turn` is to be answered."""
    told = [*user.opening, *(v for v in user.reveals[:turn] if v is not None)]
    weights = np.zeros_like(user.tastes[turn])
    weights[told] = user.tastes[turn][told]
    return weights


def utilities(world: World, user: User, turn: int, before: tuple[int, ...] = ()) -> NDArray[np.float64]:
    """float64 [I]: u of every item in recommendation number `turn`; 0 for those recommended `before`."""
    logits = world.scenario.bias + user.tastes[turn][world.x].sum(axis=1) + world.quality
    values = 1 / (1 + np.exp(-logits))
    values[list(before)] = 0.0
    return values


def satisfied(world: World, user: User, turn: int, item: int | None, before: tuple[int, ...]) -> bool:
    """z of recommendation number `turn`; no item, or one seen before, satisfies nobody."""
    if item is None or item in before:
        return False
    weights = user.tastes[turn][world.x[item]]
    logit = world.scenario.bias + float(weights.sum()) + float(world.quality[item])
    return user.luck(turn, Event.Z) < 1 / (1 + math.exp(-logit))


def satisfied_so_far(world: World, user: User, state: State) -> tuple[bool, ...]:
    """z of every system turn of the history."""
    values: list[bool] = []
    before: tuple[int, ...] = ()
    for turn in state.history:
        if turn.speaker == "system":
            item = turn.recommended[0] if turn.recommended else None
            values.append(satisfied(world, user, len(values), item, before))
            before += () if item is None else (item,)
    return tuple(values)
