"""The people of real dialogues: the same whoever talks to them, and readable."""

from __future__ import annotations

import random

import pytest
from crsbench_simulators import grammar
from crsbench_simulators.options import ReplayOptions
from crsbench_simulators.people import Preference
from crsbench_simulators.replay import PATIENCE, Replay, Verdict

from crsbench.protocols import GroundedSimulator
from crsbench.types import Action, Catalog, Dialogue, Mention, State, Turn


@pytest.fixture
def replay(library: Catalog, dialogues: tuple[Dialogue, ...]) -> Replay:
    made = Replay()
    made.ground(library, dialogues)
    return made


def talk(replay: Replay, seed: int, items: list[int]) -> list[Turn]:
    """What a user says while one item after the other is recommended, until they leave."""
    state = replay.start([seed])[0]
    said = [state.history[0]]
    for item in items:
        ((turn, over),) = replay.reply([state], [Action((item,))])
        assert turn is not None
        said.append(turn)
        assert over == turn.ends
        if over:
            break
        state = state.then(Turn("system", "", recommended=(item,)), turn)
    return said


def items_of(replay: Replay, seed: int, verdict: Verdict) -> list[int]:
    return [i for i in range(60) if replay.verdict(replay.people[seed], i) is verdict]


def test_is_a_grounded_simulator(replay: Replay) -> None:
    assert isinstance(replay, GroundedSimulator)
    assert Replay(ReplayOptions(episodes=7)).episodes == 7
    assert replay.truth(replay.start([0])) is None
    assert replay.dialogue(3) == replay.people[3].dialogue


def test_opens_with_what_was_revealed_first(replay: Replay) -> None:
    for seed in range(40):
        opening = replay.start([seed])[0].history[0]
        first = opening.mentions[0]
        assert first.name == replay.people[seed].says[0].mention.name
        for mention in opening.mentions:
            assert mention.span is not None
            assert opening.text[slice(*mention.span)] == mention.name


def test_who_is_content_leaves(replay: Replay) -> None:
    lengths = set()
    for seed in range(40):
        said = talk(replay, seed, items_of(replay, seed, Verdict.SUITS))
        assert said[-1].ends
        assert any(word in said[-1].text.lower() for word in ("thank", "thanks"))
        lengths.add(len(said) - 1)
    assert lengths == {1, 2}


def test_whom_nothing_suits_gives_up(replay: Replay) -> None:
    lengths = set()
    for seed in range(40):
        said = talk(replay, seed, items_of(replay, seed, Verdict.FAR))
        assert said[-1].ends
        assert "thank" not in said[-1].text.lower()
        lengths.add(len(said) - 1)
        told = [m.name for turn in said for m in turn.mentions]
        assert len(told) == len(set(told))  # nothing is revealed twice
    assert lengths == set(PATIENCE)


def test_what_was_seen_is_declined(replay: Replay) -> None:
    for seed in range(40):
        (seen,) = replay.people[seed].knows
        assert replay.verdict(replay.people[seed], seen) in (Verdict.SEEN_LIKED, Verdict.SEEN_DISLIKED)
        assert "one" in talk(replay, seed, [seen])[1].text


def test_words_vary(replay: Replay) -> None:
    assert len({replay.start([seed])[0].history for seed in range(200)}) > 100
    far = {talk(replay, seed, items_of(replay, seed, Verdict.FAR))[1].text for seed in range(40)}
    assert len(far) > 25


def test_the_same_user_whoever_else_is_asked(
    replay: Replay, library: Catalog, dialogues: tuple[Dialogue, ...]
) -> None:
    other = Replay()
    other.ground(library, dialogues[::-1])
    states = replay.start(range(20))
    actions = [Action(((seed * 11) % 60,)) for seed in range(20)]
    together = replay.reply(states, actions)
    assert other.reply(other.start(range(20))[::-1], actions[::-1])[::-1] == together
    assert [other.reply([s], [a])[0] for s, a in zip(states, actions, strict=True)] == together


def test_a_strange_state(replay: Replay) -> None:
    with pytest.raises(ValueError, match="no session"):
        replay.reply([State((Turn("user", "hi"),))], [Action((0,))])


def test_likes_and_dislikes_read_as_such() -> None:
    """Whatever is drawn: what is disliked is never "something", and every sentence names what it is about."""
    for relation in (*grammar.PHRASES, "mood", ""):
        mention = Mention("Xyz", None if relation else 7)
        for likes in (True, False):
            for seed in range(30):
                writer = grammar.Writer(random.Random(seed))
                writer.tell(Preference(mention, likes, relation))
                turn = writer.turn()
                (named,) = turn.mentions
                assert named.span is not None
                assert (turn.text[slice(*named.span)], named.item) == ("Xyz", mention.item)
                assert likes or "something" not in turn.text
