"""The control: nothing in its words tells one user from another, or one recommendation from another."""

from __future__ import annotations

from crsbench_features.vader import compound
from crsbench_simulators.options import SilentOptions
from crsbench_simulators.silent import GREETINGS, Silent

from crsbench.types import Action, Turn


def test_says_nothing_for_some_turns() -> None:
    silent = Silent(SilentOptions(episodes=9, turns=3))
    assert silent.episodes == 9
    states = silent.start(range(12))
    for turn in range(3):
        replies = silent.reply(states, [Action((seed,)) for seed in range(12)])
        assert set(replies) == {
            (Turn("user", "Hm."), turn == 2)
        }  # nobody leaves: it is stopped, and censored
        states = [s.then(Turn("system", "this", recommended=(0,)), Turn("user", "Hm.")) for s in states]
    assert silent.truth(states) is None


def test_its_words_have_no_mood() -> None:
    assert {compound(text) for text in (*GREETINGS, "Hm.")} == {0.0}
