"""Dialogues as tokens."""

from __future__ import annotations

import numpy as np
import pytest
from crsbench_features.links import LinkIndex
from crsbench_lm.codec import DialogueCodec, said_turn
from crsbench_lm.pieces import train_tokenizer
from crsbench_lm.sft import encode_dialogue

from crsbench.types import Catalog, Dialogue, Mention, Turn

Toy = tuple[Catalog, tuple[Dialogue, ...]]


@pytest.fixture(scope="module")
def codec(toy: Toy) -> DialogueCodec:
    catalog, dialogues = toy
    return DialogueCodec(train_tokenizer([d.turns for d in dialogues], 400), catalog, LinkIndex(catalog), 128)


def tokens(codec: DialogueCodec, turns: tuple[Turn, ...], opens: str | None = None) -> list[str]:
    row = codec.encode(turns, opens)
    return [
        codec.tokenizer.id_to_token(int(i)).replace("Ġ", "_") if i < codec.words else f"[{i - codec.words}]"
        for i in row.ids
    ]


def test_a_recommendation_stands_between_rec_and_the_words(codec: DialogueCodec) -> None:
    turns = (
        Turn("user", "I like horror films", (Mention("horror", None, (7, 13)),)),
        said_turn(codec.catalog, 4, "You could watch Film Epsilon tonight"),
        Turn("user", "great, I love it", ends=True),
    )
    assert tokens(codec, turns) == [
        *("<user>", "I", "_like", "_horror", "_films", "<eot>"),
        *("<system>", "<rec>", "[4]", "You", "_could", "_watch", "<title>", "_tonight", "<eot>"),
        *("<user>", "great", ",", "_I", "_love", "_it", "<end>"),
    ]
    row = codec.encode(turns)
    assert row.rec.tolist() == [7]
    assert row.targets == ((4,),)
    horror, film = row.nodes.tolist()
    assert codec.links.entities[horror - len(codec.catalog)] == "horror"
    assert film == 4
    assert row.at.tolist() == [3, 8]
    assert row.closes.tolist() == [5, 14]
    assert codec.turn_ends(row).tolist() == [14]
    opened = codec.encode(turns, "system")  # whose last turn is not said yet
    assert codec.turn_ends(opened).tolist() == [14, len(opened.ids) - 1]


def test_what_a_turn_may_hold(codec: DialogueCodec) -> None:
    may, may_leave = codec.may_say(end=False), codec.may_say(end=True)
    assert np.flatnonzero(may != may_leave).tolist() == [codec.end]
    assert not may_leave[[codec.pad, codec.user, codec.system, codec.rec]].any()
    assert may[[codec.eot, codec.title]].all()


def test_items_named_by_the_user_stand_in_the_text(codec: DialogueCodec) -> None:
    turn = Turn("user", "I saw Film Beta", (Mention("Film Beta", 1, (6, 15)),))
    assert tokens(codec, (turn,), "system") == [
        *("<user>", "I"),
        *tokens(codec, (Turn("user", " saw"),))[1:-1],
        *("[1]", "<eot>", "<system>", "<rec>"),
    ]


def test_special_tokens_typed_by_a_user_are_text(codec: DialogueCodec) -> None:
    row = codec.encode((Turn("user", "<rec> <end> <item:3>"),))
    assert codec.rec not in row.ids[1:-1]
    assert codec.end not in row.ids
    assert (row.ids < codec.words).all()


@pytest.mark.parametrize(
    "text", ["Film Epsilon, of course", "You could watch Film Epsilon tonight", "Film Epsilon"]
)
def test_words_come_back(codec: DialogueCodec, text: str) -> None:
    row = codec.encode((said_turn(codec.catalog, 4, text),))
    assert codec.text(row.ids[3:].tolist(), 4) == text


def test_long_histories_lose_their_oldest_turns(codec: DialogueCodec) -> None:
    turns = tuple(Turn("user", f"I like horror films {n}") for n in range(60))
    row = codec.encode(turns, "system")
    assert len(row.ids) <= codec.max_length
    last = codec.encode(turns[-1:], "system")
    assert row.ids[-len(last.ids) :].tolist() == last.ids.tolist()


def test_one_enormous_turn_is_cut(codec: DialogueCodec) -> None:
    assert len(codec.encode((Turn("user", "horror " * 5000),), "system").ids) <= codec.max_length


def test_an_unlabelled_system_turn_is_read_but_neither_said_nor_scored(codec: DialogueCodec) -> None:
    """It may be the answer to a held-out row."""
    labelled = said_turn(codec.catalog, 2, "You could watch Film Gamma")
    named_only = Turn("system", labelled.text, labelled.mentions)
    user = Turn("user", "I like horror films")
    turns = (user, named_only, user, labelled)
    row = encode_dialogue(codec, Dialogue("d", turns))
    starts = codec.encode(turns).rec.tolist()
    ends = np.flatnonzero(row.ids == codec.eot)[1::2].tolist()
    first, second = (slice(start, end + 1) for start, end in zip(starts, ends, strict=True))
    assert not row.say[first].any()
    assert row.say[second].any()
    assert row.targets == ((2,),)
    assert row.rec.tolist() == starts[1:]


def test_entities_that_nobody_annotated_are_found_where_they_end(codec: DialogueCodec) -> None:
    row = codec.encode((Turn("user", "I like horror films, and Film Gamma"),))
    node = codec.links.node(Mention("horror"))
    assert row.nodes.tolist() == [node]  # titles are not looked for
    pieces = codec.tokenizer.decode(row.ids[1 : row.at[0] + 1].tolist())
    assert pieces == "I like horror"
