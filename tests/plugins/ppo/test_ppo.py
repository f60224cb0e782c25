"""The trainer: what is fixed is fixed, and a reward that is known is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import SftOptions, TinyOptions
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.policy import PpoIufPolicy
from crsbench_ppo.ppo import PpoTrainer, choose, decisions, read
from crsbench_ppo.rollout import logged_rollout, model_rollout, unseen

from crsbench.errors import CrsbenchError
from crsbench.protocols import Staged
from crsbench.types import Action, Reward, State, Turn

TINY = TinyOptions(width=32, layers=1, heads=2, vocabulary=400)


class KnownReward:
    """Film 7 is worth 1, all else nothing; the user always answers the same, and leaves at the third turn."""

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(float(a.items[0] == 7)) for a in actions]

    def score_items(self, states: Sequence[State]) -> np.ndarray[Any, Any]:
        return np.tile(np.arange(12) == 7, (len(states), 1)).astype(np.float32)

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        return [Turn("user", "what else?", ends=len(s.history) >= 6) for s in states]


@pytest.fixture
def start(toy_context: Any) -> tuple[GroundedLM, DialogueCodec]:
    torch.manual_seed(0)
    texts = [d.turns for d in toy_context.train.dialogues]
    model, codec = build_model("tiny", TINY, texts, toy_context.catalog, 128)
    return model.eval(), codec


def seeds(toy_context: Any, n: int) -> list[Any]:
    return [t for t in toy_context.transitions if t.index == 0][:n]


def test_what_was_recommended_may_not_be_chosen_again(toy_context: Any) -> None:
    second = next(t for t in toy_context.transitions if t.index == 1)
    allowed = unseen([second.state, State(())], 12)
    assert not allowed[0, second.state.history[1].recommended[0]]
    assert allowed[0].sum() == 11
    assert allowed[1].all()


def test_a_rollout_packs_what_was_said(start: Any, toy_context: Any) -> None:
    model, codec = start
    found, behaviour = model_rollout(
        model, codec, KnownReward(), seeds(toy_context, 8), 2, 6, np.random.default_rng(0)
    )
    for c in found:
        assert (c.items >= 0).sum() == 2
        first, second = c.items[c.items >= 0]
        assert first != second  # the mask of the second turn knows the first
        assert not c.allowed[1, first]
        assert c.rewards.tolist()[:2] == [float(first == 7), float(second == 7)]
        assert c.row.shown[-1] == -1  # an open turn whose value stands for the rest
        assert not c.ended
    assert behaviour.leaves == 0
    assert behaviour.reply_words == 2


def test_before_the_first_step_the_ratio_is_one(start: Any, toy_context: Any) -> None:
    """Reading the packed rows twice gives the same log-probabilities, and the rollout's mask is in them."""
    model, codec = start
    found, _ = model_rollout(
        model, codec, KnownReward(), seeds(toy_context, 8), 2, 6, np.random.default_rng(0)
    )
    d = decisions(found, codec, "cpu")
    sayable = torch.from_numpy(codec.sayable.copy())
    sayable[codec.end] = False
    with torch.no_grad():
        first, second = (read(model, None, d, sayable) for _ in range(2))
    assert torch.equal(choose(first.items, d), choose(second.items, d))
    assert (first.items.exp()[~d.allowed[d.item_ok]] == 0).all()
    assert torch.isfinite(choose(first.items, d)).all()
    assert torch.isfinite(first.words).all()
    # Every decision is an item or a word, each turn ends with one, and rewards stand at turn ends alone.
    assert int(d.decides.sum()) == int(d.item_ok.sum()) + int(d.word_ok.sum())
    assert int(d.turn_ends.sum()) == int(d.item_ok.sum())
    assert (d.rewards[~d.turn_ends] == 0).all()


def test_sampled_words_keep_their_exact_tokens(start: Any, toy_context: Any) -> None:
    """Re-encoding the text could cut it otherwise; the update must see what was drawn."""
    model, codec = start
    [c] = logged_rollout(model, codec, KnownReward(), seeds(toy_context, 1), np.random.default_rng(0))
    assert not c.words
    assert c.ended
    pieces = [*codec.tokenizer.encode("Y").ids, *codec.tokenizer.encode("ou").ids]
    assert pieces != codec.tokenizer.encode("You").ids
    state = seeds(toy_context, 1)[0].state
    turns = (*state.history, Turn("system", "You", (), (3,)))
    row = codec.encode(turns, said={len(state.history): pieces})
    start_of_words = int(row.rec[0]) + 2
    assert row.ids[start_of_words:].tolist() == [*pieces, codec.eot]


@pytest.mark.parametrize("rollout", ["model", "logged"])
def test_it_learns_a_reward_that_is_known(start: Any, toy_context: Any, rollout: str) -> None:
    model, codec = start
    options = PpoOptions(
        rollout=rollout,  # pyright: ignore[reportArgumentType]
        iterations=14,
        dialogues=48,
        minibatch=24,
        turns=2,
        value_warmup=1,
        kl=0.0,
        kl_target=50.0,
        step_kl=1.0,
        sft=SftOptions(tiny=TINY, max_words=4),
    )
    PpoTrainer(model, codec, KnownReward(), options, toy_context).train(seeds(toy_context, 100))
    rewards = [s["ppo/reward"] for s in toy_context.scalars]
    assert rewards[0] < 0.2
    # with two turns and no repeats, half of the turns can be worth 1
    assert np.mean(rewards[-2:]) > (0.4 if rollout == "model" else 0.8)


def test_the_reference_holds_the_policy_back(start: Any, toy_context: Any) -> None:
    model, codec = start
    options = PpoOptions(
        rollout="logged", iterations=6, dialogues=48, value_warmup=0, kl=100.0, kl_target=1e-6, kl_stop=1e9
    )
    PpoTrainer(model, codec, KnownReward(), options, toy_context).train(seeds(toy_context, 100))
    assert toy_context.scalars[-1]["ppo/kl_items"] < 0.05


def test_a_kl_that_runs_away_stops_the_training(start: Any, toy_context: Any) -> None:
    model, codec = start
    options = PpoOptions(
        rollout="logged", iterations=50, dialogues=48, value_warmup=0, kl=0.0, kl_target=0.02, kl_stop=1.5
    )
    PpoTrainer(model, codec, KnownReward(), options, toy_context).train(seeds(toy_context, 100))
    assert len(toy_context.scalars) < 50


def test_a_loss_that_is_not_finite_is_an_error(start: Any, toy_context: Any) -> None:
    class Broken(KnownReward):
        def score_items(self, states: Sequence[State]) -> np.ndarray[Any, Any]:
            return np.full((len(states), 12), np.nan, np.float32)

    model, codec = start
    options = PpoOptions(rollout="logged", iterations=2, dialogues=8)
    with pytest.raises(CrsbenchError, match="not finite"):
        PpoTrainer(model, codec, Broken(), options, toy_context).train(seeds(toy_context, 20))


def test_the_policy_keeps_its_start_beside_the_end(toy_context: Any) -> None:
    toy_context.reward = Staged(KnownReward(), "reward", toy_context)
    options = PpoOptions(
        iterations=2,
        dialogues=8,
        value_warmup=0,
        sft=SftOptions(tiny=TINY, epochs=1, max_words=4),
    )
    policy = PpoIufPolicy(options).fit(toy_context.train, toy_context)
    stages = policy.stages()
    assert list(stages) == ["sft", "final"]
    state = [State((Turn("user", "I like horror films"),))]
    before, after = (stages[name].act(state)[0] for name in ("sft", "final"))
    assert sorted(before.items) == sorted(after.items) == list(range(12))
    assert before.scores != after.scores
    assert np.logaddexp.reduce(before.scores) == pytest.approx(0, abs=1e-6)
