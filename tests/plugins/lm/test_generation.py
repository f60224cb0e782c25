"""What was read is kept: going on gives what reading everything again would give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec, Encoded
from crsbench_lm.generation import Generation, RoomyLayer
from crsbench_lm.options import TinyOptions
from transformers.cache_utils import DynamicLayer

from crsbench.types import Turn

TINY = TinyOptions(width=32, layers=2, heads=2, vocabulary=400)


@pytest.fixture
def made(toy_context: Any) -> tuple[Any, DialogueCodec]:
    torch.manual_seed(0)
    texts = [d.turns for d in toy_context.train.dialogues]
    model, codec = build_model("tiny", TINY, texts, toy_context.catalog, 128)
    with torch.no_grad():
        model.bias.normal_()
        model.gate.out.weight.normal_()
    return model.eval(), codec


def grown(
    codec: DialogueCodec, turns: Any, item: int, pieces: list[int], reply: str
) -> tuple[tuple[Turn, ...], Encoded]:
    """The dialogue and its row after a turn that was said in these very pieces, and an answer to it."""
    said = {len(turns): pieces[:-1]}
    after = (*turns, Turn("system", codec.text(pieces, item), (), (item,)), Turn("user", reply))
    return after, codec.encode(after, "system", said)


@torch.no_grad()
def test_going_on_is_reading_again(made: Any, toy_context: Any) -> None:
    model, codec = made
    texts = [d.turns[: 1 + 2 * (n % 2)] for n, d in enumerate(toy_context.train.dialogues[:5])]
    generation = Generation(model, codec, [codec.encode(turns, "system") for turns in texts])
    for kept, replies in (
        ([0, 2, 3, 4], ["hm", "I like horror films", "no", "great, I love it"]),
        ([3, 1], ["what else?", "yes"]),
    ):
        _, items, pieces = generation.turn(None, 5, np.random.default_rng(0))
        found = [
            grown(codec, texts[n], int(items[n]), pieces[n], reply)
            for n, reply in zip(kept, replies, strict=True)
        ]
        texts, rows = [turns for turns, _ in found], [row for _, row in found]
        read = sum(len(row.ids) for row in generation.rows)
        generation.go_on(kept, rows)
        assert int(generation.attend.sum()) == sum(len(row.ids) for row in rows)
        assert generation.ids.shape[1] < read + 100
        again = Generation(model, codec, rows)
        torch.testing.assert_close(generation.item_logits(), again.item_logits(), atol=1e-5, rtol=1e-5)
        alone = torch.cat([Generation(model, codec, [row]).item_logits() for row in rows])
        torch.testing.assert_close(again.item_logits(), alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_what_was_read_is_not_read_again(made: Any, toy_context: Any, monkeypatch: Any) -> None:
    model, codec = made
    turns = toy_context.train.dialogues[0].turns[:1]
    generation = Generation(model, codec, [codec.encode(turns, "system")])
    _, items, [pieces] = generation.turn(None, 5, np.random.default_rng(0))
    _, row = grown(codec, turns, int(items[0]), pieces, "hm")
    read: list[int] = []
    trunk = model.trunk
    monkeypatch.setattr(
        model, "trunk", lambda inputs, **options: (read.append(inputs.shape[1]), trunk(inputs, **options))[1]
    )
    before = int(generation.attend.sum())
    generation.go_on([0], [row])
    assert read == [len(row.ids) - before]
    assert read[0] < 12


@torch.no_grad()
def test_a_row_that_lost_its_oldest_turns_is_read_anew(made: Any, toy_context: Any) -> None:
    model, codec = made
    short = DialogueCodec(codec.tokenizer, codec.catalog, codec.links, 40)
    turns = toy_context.train.dialogues[0].turns[:3]
    generation = Generation(model, short, [short.encode(turns, "system")])
    _, items, [pieces] = generation.turn(None, 8, np.random.default_rng(0))
    _, row = grown(short, turns, int(items[0]), pieces, "I like horror films, and then some more of them")
    known = generation.ids[0][generation.attend[0].bool()].numpy()
    assert not np.array_equal(row.ids[: len(known)], known)
    generation.go_on([0], [row])
    fresh = Generation(model, short, [row])
    torch.testing.assert_close(generation.item_logits(), fresh.item_logits())
    assert generation.ids.shape == fresh.ids.shape


def test_a_cache_with_room_holds_what_one_without_holds() -> None:
    rng = torch.Generator().manual_seed(0)
    roomy, plain = RoomyLayer(), DynamicLayer()
    rows, places = 4, set()
    for step in range(150):
        for layer in (roomy, plain):
            if step in (40, 90):
                layer.batch_select_indices(torch.tensor([2, 0, 1])[: rows - 1])
            if step == 60:
                layer.reorder_cache(torch.tensor([2, 1, 0]))
            if step == 120:
                layer.crop(-3)
                layer.update(*torch.zeros(2, rows, 2, 3, 3))
        rows -= step in (40, 90)
        new = [torch.randn(rows, 2, 7 if step == 0 else 1, 3, generator=rng) for _ in range(2)]
        for ours, theirs in zip(roomy.update(*new), plain.update(*new), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
        assert roomy.get_seq_length() == plain.get_seq_length() == 7 + step
        assert roomy.keys is not None
        places.add(roomy.keys.data_ptr())
    assert len(places) < 8  # it moved where it was full, or where rows left or changed places
