"""How a recommendation is answered: a feeling, more of what the user likes, a question; and when.

See `scenario.py` for the equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crsbench.types import Mention, State, Turn
from crsbench_synthetic import feelings
from crsbench_synthetic import user_grammar as grammar
from crsbench_synthetic.scenario import Bait, Scenario
from crsbench_synthetic.text import Writer
from crsbench_synthetic.users import EVENTS, Event, User, satisfied, shown, turns_taken
from crsbench_synthetic.world import World

PAUSE = 1.0  # seconds a system takes to answer
_HARMLESS = Bait(share=0, disappoints=0, dwell=0, asks=0)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a user answers, and what only the scenario knows of it."""

    turn: Turn
    satisfied: bool
    over: bool


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
    bait = s.bait if s.bait and item is not None and world.bait[item] else _HARMLESS
    leaves = user.luck(t, Event.STAYS) < s.leaves[z]
    asks = not leaves and user.luck(t, Event.STAYS) < s.leaves[z] + s.asks[z] + bait.asks
    again = item is not None and user.luck(t, Event.TAKES_UP) < s.takes_up[z]
    text, mentions = _words(world, user, t, item if again else None, z, leaves, asks)
    since = next((turn.seconds for turn in reversed(state.history) if turn.seconds is not None), 0.0)
    seconds = round(since + PAUSE + _dwell(s, user, t, z, bait, words), 2)
    turn = Turn("user", text, mentions, seconds=seconds, ends=leaves)
    return Reply(turn, z, leaves or t + 1 >= user.horizon)


def _dwell(s: Scenario, user: User, t: int, z: bool, bait: Bait, words: int) -> float:
    noise, far = user.normals[t]
    is_away = user.luck(t, Event.DISTRACTED) < s.distracted
    away = abs(s.distraction_mean + s.distraction_sd * far) if is_away else 0.0
    reading = s.reaction + s.per_word * words
    held = s.dwell_effect * z + bait.dwell
    return math.exp(math.log(reading) + user.speed + held + s.dwell_noise * noise + away)


def _words(
    world: World, user: User, t: int, again: int | None, z: bool, leaves: bool, asks: bool
) -> tuple[str, tuple[Mention, ...]]:
    """A feeling (which names the item `again`), perhaps a preference, perhaps a question or a goodbye."""
    s = world.scenario
    writer = Writer(iter(user.uniforms[t + 1][EVENTS:]))
    if not z and user.polite and user.luck(t, Event.HIDE) < s.hides:
        families = feelings.POLITE, feelings.POLITE_TITLE
    elif user.luck(t, Event.NEUTRAL) < s.neutral:
        families = feelings.NEUTRAL, feelings.NEUTRAL_TITLE
    elif z != (user.luck(t, Event.FLIP) < s.flips):
        families = feelings.POSITIVE, feelings.POSITIVE_TITLE
    else:
        families = feelings.NEGATIVE, feelings.NEGATIVE_TITLE
    if again is not None:
        writer.say(families[1], {"title": world.title(again)})
    else:
        writer.say(families[0])
    told = user.reveals[t]
    if told is not None and not leaves:
        family = grammar.LIKE if user.tastes[t + 1][told] > 0 else grammar.DISLIKE
        writer.say(family, {"np": world.entities[told]})
    if leaves:
        writer.say(grammar.GOODBYE)
    elif asks:
        writer.say(grammar.QUESTION)
    return writer.result()
