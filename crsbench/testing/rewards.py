"""What a reward model has to hold.

That a reward does not read the reply follows from what `score` is handed: histories that end before it.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crsbench.data import learnable
from crsbench.testing.asked import EMPTY, ODD
from crsbench.testing.bench import Bench, Fitted
from crsbench.testing.common import no_network
from crsbench.testing.files import no_code
from crsbench.testing.policies import SEALED
from crsbench.testing.reach import reaches
from crsbench.testing.suite import Ask, demand
from crsbench.types import Action, Reward, State, Turn

MOST_SECONDS = 60.0
_CLOSE = 1e-3


def fits_in_time(bench: Bench) -> None:
    """`fit` returns the model, fitted to two dozen dialogues within a minute of CPU time."""
    fitted = bench.fitted
    demand(hasattr(fitted.value, "score_items"), f"fit returns {type(fitted.value).__name__}, not the model")
    demand(fitted.seconds < MOST_SECONDS, f"fit takes {fitted.seconds:.0f} s for 24 dialogues")


def scores_actions(bench: Bench) -> None:
    """`score` gives one finite Reward an action: with words, without words, and without an item."""
    states = bench.states
    for action in (Action((1,), text="You could watch it"), Action((1,)), Action((), text="hello")):
        rewards = _score(bench, bench.fitted, states, [action] * len(states))
        for reward in rewards:
            numbers = [reward.total, *reward.parts.values()]
            demand(all(math.isfinite(n) for n in numbers), f"a reward is not finite: {reward}")
    demand(_score(bench, bench.fitted, [], []) == [], "no action is not answered with an empty list")


def scores_the_catalogue(bench: Bench) -> None:
    """`score_items` gives float32 [S, I], all of it finite."""
    items = len(bench.corpus.catalog)
    table = _table(bench, bench.fitted, bench.states)
    expected = (len(bench.states), items)
    demand(table.shape == expected, f"score_items has shape {table.shape}, not {expected}")
    demand(table.dtype == np.float32, f"score_items is {table.dtype}, not float32")
    demand(bool(np.isfinite(table).all()), "score_items is not finite")


def scores_agree(bench: Bench) -> None:
    """What `score` says of an item without words and what `score_items` says of it stand on one scale."""
    states, items = bench.states[:6], len(bench.corpus.catalog)
    table = _table(bench, bench.fitted, states)
    asked = [(state, Action((item,))) for state in states for item in range(items)]
    rewards = _score(bench, bench.fitted, [s for s, _ in asked], [a for _, a in asked])
    totals = np.array([reward.total for reward in rewards])
    apart = abs(float(totals.mean()) - float(table.mean()))
    spread = max(float(table.std()), float(totals.std()), 0.1)
    demand(apart < 3 * spread, f"the mean of score is {totals.mean():.3g}, of score_items {table.mean():.3g}")


def does_not_depend_on_the_batch(bench: Bench) -> None:
    """A reward depends on its own state and action, not on what else is asked with it."""
    states = bench.states[:5]
    actions = [Action((n % 3,), text=f"number {n}") for n in range(len(states))]
    together = _score(bench, bench.fitted, states, actions)
    table = _table(bench, bench.fitted, states)
    for n, state in enumerate(states):
        [alone] = _score(bench, bench.fitted, [state], [actions[n]])
        demand(abs(alone.total - together[n].total) < _CLOSE, "a reward changes with the batch")
        row = _table(bench, bench.fitted, [state])[0]
        demand(np.allclose(row, table[n], 0, _CLOSE), "score_items changes with the batch")


def leaves_states_alone(bench: Bench) -> None:
    """Neither `fit` nor `score` changes what it is handed."""
    corpus = bench.corpus
    before = learnable(corpus.catalog, corpus.train, corpus.valid)
    bench.fitted  # noqa: B018 (fits)
    demand(learnable(corpus.catalog, corpus.train, corpus.valid) == before, "fit changes the train data")
    kept = copy.deepcopy(bench.states)
    given = copy.deepcopy(kept)
    _score(bench, bench.fitted, given, [Action((0,), text="hello")] * len(given))
    _table(bench, bench.fitted, given)
    demand(given == kept, "score changes the states")


def users_reply(bench: Bench) -> None:
    """`sample_reply` gives a user's turn a state, the same for the same generator."""
    spoken = [s.then(Turn("system", "You could watch it", (), (0,))) for s in bench.states]
    once, twice = (_replies(bench, spoken, seed=3) for _ in range(2))
    demand(once == twice, "the same generator gives two replies")
    items = len(bench.corpus.catalog)
    for turn in once:
        demand(turn.speaker == "user", f"the reply is a turn of the {turn.speaker}")
        named = [mention.item for mention in turn.mentions if mention.item is not None]
        demand(all(0 <= item < items for item in named), "the reply mentions an item outside the catalogue")


def same_seed_same_rewards(bench: Bench) -> None:
    """Fitted twice with one seed it scores the same."""
    _same(bench, bench.fit(), "fitted again with the same seed it")


def saves_and_loads(bench: Bench) -> None:
    """A new one that loads what was saved scores the same; the files hold data, not pickled code."""
    again, folder = bench.reloaded(bench.fitted)
    no_code(folder)
    demand(again is not None, "load returns None, not the model")
    _same(bench, replace(bench.fitted, value=again), "loaded from what it saved it")


def learns_nothing_from_sealed_labels(bench: Bench) -> None:
    """Nothing that it is handed or holds leads to explicit labels or truth."""
    chain = bench.chain(bench.corpus)
    for handed in (chain.transitions, bench.context(chain)):
        demand(reaches(handed, SEALED) is None, "what fit is handed leads to sealed labels")
    held = reaches(bench.fitted.value, SEALED)
    demand(held is None, f"the fitted model holds a {type(held).__name__}, which is sealed")


def needs_no_network(bench: Bench) -> None:
    """It fits without reaching for the network."""
    no_network(bench.fitted.seen)


def scores_odd_histories(bench: Bench) -> None:
    """Empty and very long histories, unknown items, text beyond ASCII."""
    _finite(bench, bench.fitted, list(ODD))


def serves_one_item(bench: Bench) -> None:
    """A catalogue of one item: it fits and scores that one."""
    fitted = bench.fit(bench.narrow())
    _finite(bench, fitted, [EMPTY, bench.narrow().test.rows[0].state])


CHECKS: tuple[Ask, ...] = (
    fits_in_time,
    scores_actions,
    scores_the_catalogue,
    scores_agree,
    does_not_depend_on_the_batch,
    leaves_states_alone,
    users_reply,
    same_seed_same_rewards,
    saves_and_loads,
    learns_nothing_from_sealed_labels,
    needs_no_network,
    scores_odd_histories,
    serves_one_item,
)


def _score(bench: Bench, fitted: Fitted, states: list[State], actions: list[Action]) -> list[Reward]:
    with bench.guard():
        rewards: Any = fitted.value.score(states, actions)
    demand(isinstance(rewards, list), f"score returns {type(rewards).__name__}, not a list")
    demand(len(rewards) == len(states), f"score gives {len(rewards)} rewards for {len(states)} states")
    odd = next((type(one).__name__ for one in rewards if not isinstance(one, Reward)), None)
    demand(odd is None, f"score gives a list with {odd} in it, not Reward alone")
    return rewards


def _table(bench: Bench, fitted: Fitted, states: list[State]) -> NDArray[np.float32]:
    with bench.guard():
        return fitted.value.score_items(states)


def _replies(bench: Bench, states: list[State], seed: int) -> list[Turn]:
    with bench.guard():
        turns: Any = bench.fitted.value.sample_reply(states, np.random.default_rng(seed))
    demand(len(turns) == len(states), f"sample_reply gives {len(turns)} turns for {len(states)} states")
    odd = next((type(one).__name__ for one in turns if not isinstance(one, Turn)), None)
    demand(odd is None, f"sample_reply gives a {odd}, not a Turn")
    return turns


def _finite(bench: Bench, fitted: Fitted, states: list[State]) -> None:
    demand(bool(np.isfinite(_table(bench, fitted, states)).all()), "score_items is not finite")
    for reward in _score(bench, fitted, states, [Action((0,), text="hello")] * len(states)):
        demand(math.isfinite(reward.total), "a reward is not finite")


def _same(bench: Bench, other: Fitted, who: str) -> None:
    actions = [Action((0,), text="hello")] * len(bench.states)
    one, two = (_score(bench, fitted, bench.states, actions) for fitted in (bench.fitted, other))
    demand([r.total for r in one] == [r.total for r in two], f"{who} gives other rewards")
    tables = [_table(bench, fitted, bench.states) for fitted in (bench.fitted, other)]
    demand(np.array_equal(tables[0], tables[1]), f"{who} gives other score_items")
