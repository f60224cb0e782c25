"""SFT on the turns that were probably liked, and as much more SFT on all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_features import rankers
from crsbench_lm import evidence, sft
from crsbench_lm.options import SftOptions, TinyOptions
from crsbench_lm.sft import encode_dialogue
from crsbench_ppo.filtered import FilteredSftPolicy, kept
from crsbench_ppo.options import FilteredSftOptions

from crsbench.protocols import Staged
from crsbench.types import State, Turn, WeakLabel

SFT = SftOptions(tiny=TinyOptions(width=32, layers=1, heads=2, vocabulary=400), epochs=1, max_words=4)


def low_share(policy: Any) -> float:
    """How probable the films 0 … 5 are."""
    [action] = policy.act([State((Turn("user", "I like horror films"),))])
    return sum(np.exp(score) for item, score in zip(action.items, action.scores, strict=True) if item < 6)


def fitted(ctx: Any, folder: Path, keep: str) -> FilteredSftPolicy:
    liked = np.array([t.action.items[0] < 6 for t in ctx.transitions])
    ctx.labels = Staged(WeakLabel(np.where(liked, 0.8, 0.2), np.ones(len(liked))), "labels", folder)
    options = FilteredSftOptions(sft=SFT, keep=keep, epochs=3, head_learning_rate=0.02)  # pyright: ignore
    return FilteredSftPolicy(options).fit(ctx.train, ctx)


@pytest.mark.parametrize("keep", ["positive", "all"])
def test_what_was_liked_is_said_more(toy_context: Any, tmp_path: Path, keep: str) -> None:
    policy = fitted(toy_context, tmp_path, keep)
    before, after = (low_share(one) for one in policy.stages().values())
    assert after > 0.8 if keep == "positive" else 0.3 < after < 0.7
    assert 0.3 < before < 0.7
    policy.save(tmp_path)
    again = FilteredSftPolicy(policy.options).load(tmp_path)
    assert low_share(again) == after


def test_the_trees_of_the_start_stay(
    toy_context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "CANDIDATES", 6)
    monkeypatch.setattr(sft, "TREES", 5)
    policies = fitted(toy_context, tmp_path, "positive").stages().values()
    before, after = ([b.model_to_string() for b in one.codec.evidences.rankers.boosters] for one in policies)
    assert len(before) == rankers.RANKERS + rankers.WHOLE
    assert after == before


def test_the_control_takes_as_many_steps(toy_context: Any, tmp_path: Path) -> None:
    steps = {}
    for keep in ("positive", "all"):
        reported: list[int] = []
        toy_context.step = lambda step, scalars, to=reported: to.append(step)
        fitted(toy_context, tmp_path, keep)
        steps[keep] = max(reported)
    assert steps["positive"] == steps["all"]


def test_labels_of_other_turns_are_gone_and_their_words_unsaid(toy_context: Any, tmp_path: Path) -> None:
    dialogue = toy_context.train.dialogues[0]
    [one] = kept([dialogue], toy_context.transitions[:2], np.array([False, True]))
    assert [turn.recommended for turn in one.turns] == [
        (),
        (),
        (),
        dialogue.turns[3].recommended,
        (),
    ]
    assert [turn.text for turn in one.turns] == [turn.text for turn in dialogue.turns]
    codec = fitted(toy_context, tmp_path, "positive").codec
    row = encode_dialogue(codec, one)
    closes = np.flatnonzero((row.ids == codec.eot) | (row.ids == codec.end))
    first, second = slice(closes[0] + 1, closes[1] + 1), slice(closes[2] + 1, closes[3] + 1)
    assert not row.say[first].any()
    assert row.say[second].any()
    assert row.say[: closes[0]].any()  # what users say is learnt as before
