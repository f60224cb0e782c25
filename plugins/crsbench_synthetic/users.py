"""Who talks: hidden preferences, and how a recommendation is answered. See `scenario.py` for the equations.

A user's luck is drawn once, a row of uniforms and normals for each turn. A reply is then a plain function of
the user, the number of the turn and the item: two policies that do the same meet the same answer, and two
that differ meet the same luck (common random numbers), which makes paired comparisons tight.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.types import Mention, State, Turn
from crsbench_synthetic import feelings
from crsbench_synthetic import user_grammar as grammar
from crsbench_synthetic.scenario import Scenario
from crsbench_synthetic.text import Writer
from crsbench_synthetic.world import World, stream

PAUSE = 1.0  # seconds a system takes to answer
_EVENTS = 10  # uniforms a turn for what happens, before those for its words
_WORDS = 30
(_Z, _STAYS, _NEUTRAL, _FLIP, _HIDE, _REVEAL, _DISLIKE, _DISTRACTED, _TAKES_UP) = range(9)


@dataclass(frozen=True, slots=True, eq=False)
class User:
    """`weights` float64 [V]; `opening` the two likes that are told first; `reveals` what each turn would
    tell; `uniforms` [1 + turns] rows of luck, the first for the opening; `normals` [turns] pairs.
    """

    weights: NDArray[np.float64]
    opening: tuple[int, int]
    reveals: tuple[int | None, ...]
    horizon: int
    speed: float
    polite: bool
    uniforms: list[list[float]]
    normals: list[list[float]]

    def luck(self, turn: int, event: int) -> float:
        return self.uniforms[turn + 1][event]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a user answers, and what only the scenario knows of it."""

    turn: Turn
    satisfied: bool
    over: bool


@functools.lru_cache(maxsize=4096)
def draw_user(world: World, source: int, index: int) -> User:
    """The user `index` of the stream `source` (TRAIN, VALID, TEST, EPISODE)."""
    s = world.scenario
    rng = stream(source, world.seed, index)
    most = s.turns[1]
    uniforms = rng.random((1 + most, _EVENTS + _WORDS)).tolist()
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
    reveals: list[int | None] = []
    for row in uniforms[1:]:
        told = row[_REVEAL] < s.reveals and bool(likes or dislikes)
        from_dislikes = not likes or (bool(dislikes) and row[_DISLIKE] < s.reveals_dislike)
        reveals.append((dislikes if from_dislikes else likes).pop() if told else None)
    return User(weights, opening, tuple(reveals), horizon, speed, polite, uniforms, normals)


def shown(state: State) -> tuple[int, ...]:
    """The items recommended so far, one a system turn."""
    return tuple(
        turn.recommended[0] for turn in state.history if turn.speaker == "system" and turn.recommended
    )


def turns_taken(state: State) -> int:
    return sum(turn.speaker == "system" for turn in state.history)


def revealed(user: User, turn: int) -> NDArray[np.float64]:
    """float64 [V]: the weights of what the user has told when turn number `turn` is to be answered."""
    told = [*user.opening, *(v for v in user.reveals[:turn] if v is not None)]
    weights = np.zeros_like(user.weights)
    weights[told] = user.weights[told]
    return weights


def utilities(world: World, user: User, before: tuple[int, ...] = ()) -> NDArray[np.float64]:
    """float64 [I]: u of every item; 0 for those recommended `before`."""
    logits = world.scenario.bias + user.weights[world.x].sum(axis=1) + world.quality
    values = 1 / (1 + np.exp(-logits))
    values[list(before)] = 0.0
    return values


def satisfied(world: World, user: User, turn: int, item: int | None, before: tuple[int, ...]) -> bool:
    """z of recommendation number `turn`; no item, or one seen before, satisfies nobody."""
    if item is None or item in before:
        return False
    logit = world.scenario.bias + float(user.weights[world.x[item]].sum()) + float(world.quality[item])
    return user.luck(turn, _Z) < 1 / (1 + math.exp(-logit))


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


def open_dialogue(world: World, user: User) -> Turn:
    """The user's first turn: two likes."""
    writer = Writer(iter(user.uniforms[0]))
    first, second = user.opening
    writer.say(grammar.OPENING, {"np": world.entities[first], "np2": world.entities[second]})
    text, mentions = writer.result()
    return Turn("user", text, mentions, seconds=0.0)


def answer(world: World, user: User, state: State, item: int | None, words: int) -> Reply:
    """The reply to a system turn of so many `words` that recommends `item` in `state`."""
    s = world.scenario
    t = turns_taken(state)
    z = satisfied(world, user, t, item, shown(state))
    leaves = user.luck(t, _STAYS) < s.leaves[z]
    asks = not leaves and user.luck(t, _STAYS) < s.leaves[z] + s.asks[z]
    text, mentions = _words(world, user, t, item, z, leaves, asks)
    since = next((turn.seconds for turn in reversed(state.history) if turn.seconds is not None), 0.0)
    seconds = round(since + PAUSE + _dwell(s, user, t, z, words), 2)
    turn = Turn("user", text, mentions, seconds=seconds, ends=leaves)
    return Reply(turn, z, leaves or t + 1 >= user.horizon)


def _dwell(s: Scenario, user: User, t: int, z: bool, words: int) -> float:
    noise, far = user.normals[t]
    away = (
        abs(s.distraction_mean + s.distraction_sd * far) if user.luck(t, _DISTRACTED) < s.distracted else 0.0
    )
    reading = s.reaction + s.per_word * words
    return math.exp(math.log(reading) + user.speed + s.dwell_effect * z + s.dwell_noise * noise + away)


def _words(
    world: World, user: User, t: int, item: int | None, z: bool, leaves: bool, asks: bool
) -> tuple[str, tuple[Mention, ...]]:
    """A feeling, perhaps a preference, perhaps a question or a goodbye."""
    s = world.scenario
    writer = Writer(iter(user.uniforms[t + 1][_EVENTS:]))
    if not z and user.polite and user.luck(t, _HIDE) < s.hides:
        families = feelings.POLITE, feelings.POLITE_TITLE
    elif user.luck(t, _NEUTRAL) < s.neutral:
        families = feelings.NEUTRAL, feelings.NEUTRAL_TITLE
    elif z != (user.luck(t, _FLIP) < s.flips):
        families = feelings.POSITIVE, feelings.POSITIVE_TITLE
    else:
        families = feelings.NEGATIVE, feelings.NEGATIVE_TITLE
    if item is not None and user.luck(t, _TAKES_UP) < s.takes_up[z]:
        writer.say(families[1], {"title": world.title(item)})
    else:
        writer.say(families[0])
    told = user.reveals[t]
    if told is not None and not leaves:
        family = grammar.LIKE if user.weights[told] > 0 else grammar.DISLIKE
        writer.say(family, {"np": world.entities[told]})
    if leaves:
        writer.say(grammar.GOODBYE)
    elif asks:
        writer.say(grammar.QUESTION)
    return writer.result()
