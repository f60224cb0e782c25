"""What a simulator has to hold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from crsbench.asking import Users
from crsbench.episode import FIRST_USER, MAX_TURNS
from crsbench.errors import UsageError
from crsbench.testing.bench import Bench
from crsbench.testing.common import no_network
from crsbench.testing.suite import Ask, NotAskedError, demand
from crsbench.testing.watch import watching
from crsbench.types import Action, Mention, State, Truth, Turn

SEEDS = tuple(range(FIRST_USER, FIRST_USER + 6))
Reply = tuple[Turn | None, bool]


def users_begin(bench: Bench) -> None:
    """`start` gives a state a seed: the user's opening, under the seed as its session."""
    states = _start(bench, SEEDS)
    for seed, state in zip(SEEDS, states, strict=True):
        demand(state.session == seed, f"the session of seed {seed} is {state.session}")
        opened = bool(state.history) and state.history[-1].speaker == "user"
        demand(opened, "a conversation does not begin with a turn of the user")
    demand(_start(bench, ()) == [], "no seed is not answered with an empty list")


def same_seed_same_user(bench: Bench) -> None:
    """A seed is a user: asked again, of a new simulator, they say the same."""
    one, two = _start(bench, SEEDS), _start(bench, SEEDS)
    demand(one == two, "the same seeds begin otherwise")
    demand(_reply(bench, one) == _reply(bench, two), "the same users answer otherwise")
    demand(len({state.history for state in one}) > 1, "six users all begin in the same words")


def does_not_depend_on_the_batch(bench: Bench) -> None:
    """Who begins and who answers does not depend on who else is asked."""
    states = _start(bench, SEEDS)
    demand([_start(bench, [seed])[0] for seed in SEEDS] == states, "a user begins otherwise alone")
    together = _reply(bench, states)
    backwards = _reply(bench, states[::-1])[::-1]
    demand(backwards == together, "a user answers otherwise in another order")
    alone = [_reply(bench, [state])[0] for state in states]
    demand(alone == together, "a user answers otherwise alone")


def answers_as_a_user(bench: Bench) -> None:
    """Each answer is a turn of the user, or None, and whether the conversation is over."""
    for reply, over in _reply(bench, _start(bench, SEEDS)):
        known: Any = over
        demand(isinstance(known, bool | np.bool_), f"whether it is over is {type(known).__name__}")
        demand(reply is None or reply.speaker == "user", "the answer is not a turn of the user")
        demand(reply is not None or over, "a user says nothing, and the conversation goes on")


def comes_to_an_end(bench: Bench) -> None:
    """Users leave: of six conversations at least one ends within the turns that a run allows."""
    simulator = _made(bench)
    states, ended = _start(bench, SEEDS, simulator), 0
    for turn in range(MAX_TURNS):
        replies = _reply(bench, states, turn, simulator)
        going: list[State] = []
        for state, (reply, over) in zip(states, replies, strict=True):
            ended += over
            if not over:
                going.append(state.then(_said(turn), *([reply] if reply else [])))
        states = going
        if ended:
            return
    demand(False, f"nobody has left after {MAX_TURNS} turns")


def leaves_states_alone(bench: Bench) -> None:
    """`reply` and `truth` do not change the states."""
    states = _start(bench, SEEDS)
    kept = copy.deepcopy(states)
    _reply(bench, states)
    _truth(bench, states)
    demand(states == kept, "it changes the states")


def answers_any_words(bench: Bench) -> None:
    """Actions without words, with empty ones, and with text beyond ASCII are answered."""
    states = _start(bench, SEEDS)
    for text in (None, "", "要不要看《千与千寻》？ 🎬"):
        _reply(bench, states, text=text)


def knows_the_truth_or_says_so(bench: Bench) -> None:
    """`truth` is None, or gives utilities in [0, 1] and one z for each recommendation so far."""
    states = _start(bench, SEEDS)
    simulator = _made(bench)
    replies = _reply(bench, states, simulator=simulator)
    later = [s.then(_said(0), *([r] if r else [])) for s, (r, _) in zip(states, replies, strict=True)]
    for n, some in enumerate((states, later)):
        truths = _truth(bench, some)
        if truths is None:
            return
        for truth in truths:
            known = truth.utilities
            if known is not None:
                demand(bool(((known >= 0) & (known <= 1)).all()), "a utility leaves [0, 1]")
            demand(len(truth.satisfied) == n, f"{len(truth.satisfied)} z after {n} recommendations")


def needs_no_network(bench: Bench) -> None:
    """It answers without reaching for the network."""
    with watching() as seen:
        _reply(bench, _start(bench, SEEDS))
    no_network(seen)


CHECKS: tuple[Ask, ...] = (
    users_begin,
    same_seed_same_user,
    does_not_depend_on_the_batch,
    answers_as_a_user,
    comes_to_an_end,
    leaves_states_alone,
    answers_any_words,
    knows_the_truth_or_says_so,
    needs_no_network,
)


def _said(turn: int, text: str | None = "How about this one?") -> Turn:
    return Turn("system", text or "", (Mention("this one", turn),), (turn,))


def _made(bench: Bench) -> Any:
    """A new one, that has met the people it plays where it plays any.

    One that cannot begin before it is told more (which model, which endpoint) is not asked.
    """
    simulator = bench.part.make()
    corpus = bench.corpus
    try:
        Users(simulator, bench.offer.full, bench.guard).ground(corpus.catalog, corpus.train.dialogues)
    except UsageError as reason:
        raise NotAskedError(str(reason)) from reason
    return simulator


def _start(bench: Bench, seeds: Sequence[int], simulator: Any = None) -> list[State]:
    simulator = simulator or _made(bench)
    with bench.guard():
        states: Any = simulator.start(seeds)
    demand(isinstance(states, list), f"start returns {type(states).__name__}, not a list")
    demand(len(states) == len(seeds), f"start gives {len(states)} states for {len(seeds)} seeds")
    return states


def _reply(
    bench: Bench,
    states: Sequence[State],
    turn: int = 0,
    simulator: Any = None,
    text: str | None = "How about this one?",
) -> list[Reply]:
    """The answers to a recommendation of item number `turn`, as far as the smallest catalogue goes."""
    actions = [Action((turn % 10,), text=text) for _ in states]
    simulator = simulator or _made(bench)
    with bench.guard():
        replies: Any = simulator.reply(states, actions)
    demand(isinstance(replies, list), f"reply returns {type(replies).__name__}, not a list")
    demand(len(replies) == len(states), f"reply gives {len(replies)} answers for {len(states)} states")
    return replies


def _truth(bench: Bench, states: Sequence[State]) -> list[Truth] | None:
    simulator = _made(bench)
    with bench.guard():
        truths: Any = simulator.truth(states)
    if truths is not None:
        odd = next((type(one).__name__ for one in truths if not isinstance(one, Truth)), None)
        demand(odd is None, f"truth gives a {odd}, not a Truth")
        demand(len(truths) == len(states), f"truth gives {len(truths)} for {len(states)} states")
    return truths
