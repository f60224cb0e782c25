"""Dialogues as transitions, and conversations with simulated users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crsbench.asking import BATCH, Actor, Users
from crsbench.episode import MAX_TURNS, rollout, system_turn, transitions
from crsbench.errors import PluginError
from crsbench.types import Action, Catalog, Dialogue, Item, State, Truth, Turn
from crsbench.ui import SilentUi

CATALOG = Catalog(tuple(Item(str(i), f"film {i}") for i in range(8)))


def user(text: str = "u", **more: Any) -> Turn:
    return Turn("user", text, **more)


def system(*items: int) -> Turn:
    return Turn("system", "s", recommended=items)


def test_transitions_of_a_dialogue() -> None:
    turns = (
        user(),
        system(1),
        user("a"),
        Turn("system", "chat"),
        user(),
        system(2, 3, 2),
        user("b", ends=True),
    )
    first, second = transitions(Dialogue("d", turns, user="me"))
    assert first.state.history == turns[:1]
    assert first.action == Action((1,), text="s")
    assert first.reply == turns[2]
    assert first.next_state.history == turns[:3]
    assert (first.done, first.censored, first.index, first.user) == (False, False, 0, "me")
    assert second.action.items == (2, 3)
    assert second.next_state.history == turns
    assert first.next_state.history + first.later == turns
    assert second.later == ()
    assert (second.done, second.censored, second.index) == (True, False, 1)
    assert second.fold == Dialogue("d", ()).fold
    assert second.dialogue == "d"


@pytest.mark.parametrize(
    ("turns", "reply", "censored"),
    [
        ((user(), system(1)), None, True),  # the recording stops at the recommendation
        ((user(), system(1), user("a")), "a", True),  # … or right after the reply
        ((user(), system(1), system(2), user(ends=True)), None, False),  # silence that was observed
        ((user(), system(1), user("a"), Turn("system", "s")), "a", False),
    ],
)
def test_where_the_recording_stops(turns: tuple[Turn, ...], reply: str | None, censored: bool) -> None:
    first = transitions(Dialogue("d", turns))[0]
    assert (first.reply.text if first.reply else None) == reply
    assert first.censored == censored
    assert not first.done


def test_system_turn() -> None:
    turn = system_turn(Action((3, 1), text="try film 3!"), CATALOG)
    assert turn.recommended == (3,)
    assert turn.text[slice(*turn.mentions[0].span)] == "film 3"
    assert turn.mentions[0].item == 3
    silent = system_turn(Action((3,)), CATALOG)
    assert (silent.text, silent.mentions[0].span) == ("", None)


class Upwards:
    """Recommends the first allowed item; sampled, a random one. Notes what it was asked."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def act(
        self, states: Sequence[State], want: str, k: int, mask: Any, rng: np.random.Generator | None
    ) -> list[Action]:
        self.batches.append(len(states))
        assert want == "turn"
        assert all(state.session is None for state in states)
        allowed = [np.flatnonzero(row) for row in mask]
        mask[:] = False  # a policy may do so with what it was given
        return [Action((int(rng.choice(row) if rng else row[0]),), text="take it") for row in allowed]


class Leaving:
    """User n leaves after n + 1 turns, and is satisfied by even items."""

    def start(self, seeds: Sequence[int]) -> list[State]:
        return [State((user(f"I am {seed}"),), seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        found: list[tuple[Turn | None, bool]] = []
        for state, action in zip(states, actions, strict=True):
            leaves = sum(t.speaker == "system" for t in state.history) >= state.session
            found.append((user(f"{action.items[0]}?", ends=leaves), leaves))
        return found

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        return [Truth(None, tuple(i % 2 == 0 for t in s.history for i in t.recommended)) for s in states]


def actor(policy: Any, **more: Any) -> Actor:
    return Actor("final", policy, "toy/p", len(CATALOG), **more)


def play(
    policy: Any, simulator: Any, seeds: Sequence[int] = (0, 1, 3), decoding: Any = "greedy", seed: int = 0
):
    rng = np.random.default_rng(seed)
    return rollout(actor(policy), Users(simulator, "toy/s"), CATALOG, seeds, decoding, rng, SilentUi())


def test_users_advance_together_until_each_leaves() -> None:
    policy = Upwards()
    episodes = play(policy, Leaving())
    assert policy.batches == [3, 2, 1, 1]
    assert [episode.seed for episode in episodes] == [0, 1, 3]
    assert [len(episode.transitions) for episode in episodes] == [1, 2, 4]
    last = episodes[2]
    assert [step.action.items[0] for step in last.transitions] == [0, 1, 2, 3]  # masked once recommended
    assert last.truth == Truth(None, (True, False, True, False))
    assert [step.done for step in last.transitions] == [False, False, False, True]
    assert last.transitions[-1].reply == user("3?", ends=True)
    assert last.transitions[1].state == last.transitions[0].next_state
    assert [turn.speaker for turn in last.transitions[-1].next_state.history] == ["user", "system"] * 4 + [
        "user"
    ]
    assert last.transitions[0].dialogue == "3"


def test_sampling_follows_its_seed() -> None:
    one, same, other = (play(Upwards(), Leaving(), (5, 6), "sampled", seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert one[0].decoding == "sampled"
    greedy = play(Upwards(), Leaving(), (5, 6), "greedy", 1)
    assert [step.action.items[0] for step in greedy[0].transitions] == [0, 1, 2, 3, 4, 5]


def test_an_endless_conversation_is_cut_and_censored() -> None:
    class Endless(Leaving):
        def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
            return [(None, False) for _ in states]

        def truth(self, states: Sequence[State]) -> None:
            return None

    (episode,) = play(Upwards(), Endless(), (1,))
    assert len(episode.transitions) == min(MAX_TURNS, len(CATALOG))
    assert [step.censored for step in episode.transitions] == [False] * 7 + [True]
    assert not any(step.done for step in episode.transitions)
    assert episode.truth is None
    assert len(episode.transitions[-1].next_state.history) == 9


@pytest.mark.parametrize("speaks", [True, False])
def test_a_conversation_that_is_over_is_not_left(speaks: bool) -> None:
    """Nobody left: the simulator's horizon was reached, and a log of it says the same."""

    class Patient(Leaving):
        def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
            answers = super().reply(states, actions)
            return [(user("more?") if speaks else None, over) for _, over in answers]

    (episode,) = play(Upwards(), Patient(), (1,))
    first, last = episode.transitions
    assert (first.done, first.censored) == (False, False)
    assert (last.done, last.censored) == (False, True)
    assert not any(turn.ends for turn in last.next_state.history)
    logged = transitions(Dialogue("1", last.next_state.history))
    assert [(step.done, step.censored) for step in logged] == [(False, False), (False, True)]


def test_utilities_are_not_kept() -> None:
    class Knowing(Leaving):
        def truth(self, states: Sequence[State]) -> list[Truth] | None:
            assert len(states) <= BATCH
            return [Truth(np.ones(8, np.float32), (True,)) for _ in states]

    episodes = play(Upwards(), Knowing(), (0,) * (BATCH + 3))
    assert [episode.truth for episode in episodes] == [Truth(None, (True,))] * (BATCH + 3)


def test_a_privileged_policy_is_handed_the_truth_before_each_turn() -> None:
    class Knowing(Upwards):
        def act(self, *args: Any, truths: Sequence[Truth], **kwargs: Any) -> list[Action]:
            seen.append([len(truth.satisfied) for truth in truths])
            return super().act(*args, **kwargs)

    seen: list[list[int]] = []
    users = Users(Leaving(), "toy/s")
    rng = np.random.default_rng(0)
    rollout(actor(Knowing(), privileged=True), users, CATALOG, (0, 1), "greedy", rng, SilentUi())
    assert seen == [[0, 0], [1]]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([Action((0,))], "answered 1 of 2"),
        ([Action((0,)), Action(())], "returned 0 items where 1"),
        ([Action((0,)), Action((0, 1))], "returned 2 items where 1"),
        ([Action((0,)), Action((8,))], "outside the catalogue of 8"),
        ([Action((0,)), Action((-1,))], "outside the catalogue of 8"),
        ([Action((0,)), Action((0,), (float("nan"),))], "not a number"),
        ([Action((0,)), Action((0,), (1.0, 0.5))], "2 scores for 1 items"),
    ],
)
def test_a_wrong_answer_names_the_policy(answer: list[Action], fault: str) -> None:
    class Wrong:
        def act(self, *args: Any, **kwargs: Any) -> list[Action]:
            return answer

    with pytest.raises(PluginError, match=f"toy/p: act .*{fault}") as caught:
        play(Wrong(), Leaving(), (1, 2))
    assert caught.value.plugin == "toy/p"


def test_a_policy_that_ignores_the_mask_is_told_so() -> None:
    class Stubborn:
        def act(self, states: Sequence[State], **kwargs: Any) -> list[Action]:
            return [Action((3,))] * len(states)

    with pytest.raises(PluginError, match="an item that the mask excludes"):
        play(Stubborn(), Leaving())


def test_a_simulator_that_loses_users_is_named() -> None:
    class Losing(Leaving):
        def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
            return super().reply(states[:1], actions[:1])

    with pytest.raises(PluginError, match="toy/s: reply gave 1 of 3"):
        play(Upwards(), Losing())


def test_a_policy_cannot_tell_users_by_their_session() -> None:
    state = State((user(),), 7)
    assert state.blank() == replace(state, session=None)
