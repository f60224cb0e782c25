"""The trainer: what is fixed is fixed, and a reward that is known is learnt."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from crsbench_features.folds import left_out
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.evidence import Evidences
from crsbench_lm.masks import unseen
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import SftOptions, TinyOptions
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.packing import decisions, read, sayable
from crsbench_ppo.policy import PpoIufPolicy, evenly
from crsbench_ppo.ppo import DivergedError, PpoTrainer, by_dialogue, choose, permute_rewards
from crsbench_ppo.rollout import logged_rollout, model_rollout

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


def test_by_row_no_turn_of_a_talk_sees_the_row_that_it_began_with(toy_context: Any) -> None:
    """Nor does what follows: whatever that row recommends, memory says the same."""
    torch.manual_seed(0)
    (own, *others), catalog = toy_context.train.dialogues, toy_context.catalog
    begun, label, *rest = own.turns
    (item,) = label.recommended
    rewritten = replace(own, turns=(begun, replace(label, recommended=((item + 1) % 12,)), *rest))
    known, changed = (Evidences.fit([one, *others], catalog, by_row=True) for one in (own, rewritten))
    model, codec = build_model("tiny", TINY, [own.turns], catalog, 128, known)
    (seed,) = (t for t in seeds(toy_context, 8) if t.dialogue == own.id)
    rng = np.random.default_rng(0)
    (talk,), _ = model_rollout(model, codec, KnownReward(), [seed], 2, 6, rng)
    fold = left_out((begun,), own.fold, True)
    assert codec.left_out(talk.row) == [fold] * 3  # two turns, and the next
    states = [State(talk.row.history[:t]) for t in talk.row.turns]
    (row,) = codec.evident([talk.row])
    for read_here, state in zip(row.evidence or (), states, strict=True):
        expected, seen, other = (
            asked.of([state], [left])[0].features
            for asked, left in ((changed, fold), (known, None), (changed, None))
        )
        np.testing.assert_array_equal(read_here.features, expected)
        assert (seen != other).any()  # where the row is not left out
    (logged,) = logged_rollout(model, codec, KnownReward(), [[seed]], rng)
    assert codec.left_out(logged.row)[0] == fold


def test_before_the_first_step_the_ratio_is_one(start: Any, toy_context: Any) -> None:
    """Reading the packed rows twice gives the same log-probabilities, and the rollout's mask is in them."""
    model, codec = start
    found, _ = model_rollout(
        model, codec, KnownReward(), seeds(toy_context, 8), 2, 6, np.random.default_rng(0)
    )
    d = decisions(found, codec, "cpu")
    with torch.no_grad():
        first, second = (read(model, None, d, sayable(codec)) for _ in range(2))
    assert torch.equal(choose(first.items, d), choose(second.items, d))
    assert (first.items.exp()[~d.allowed[d.item_ok]] == 0).all()
    assert torch.isfinite(choose(first.items, d)).all()
    assert torch.isfinite(first.words).all()
    # Every decision is an item or a word, each turn ends with one, and rewards stand at turn ends alone.
    assert torch.equal(d.decides, d.item_at | d.word_at)
    assert not (d.item_at & d.word_at).any()
    assert int(d.item_at.sum()) == int(d.item_ok.sum())
    assert int(d.turn_ends.sum()) == int(d.item_ok.sum())
    assert (d.rewards[~d.turn_ends] == 0).all()


def test_sampled_words_keep_their_exact_tokens(start: Any, toy_context: Any) -> None:
    """Re-encoding the text could cut it otherwise; the update must see what was drawn."""
    _, codec = start
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
        entropy_floor=0.0,
        kl_spread=0.0,
        item_spread=0.0,
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
        rollout="logged", iterations=6, dialogues=48, value_warmup=0, kl=100.0, kl_target=1e-6, kl_stop=1e9,
        kl_spread=0.0, item_spread=0.0,
    )  # fmt: skip
    PpoTrainer(model, codec, KnownReward(), options, toy_context).train(seeds(toy_context, 100))
    assert toy_context.scalars[-1]["ppo/kl_items"] < 0.05


class ByLength(KnownReward):
    """Which film is worth something depends on how long the conversation is."""

    def score_items(self, states: Sequence[State]) -> np.ndarray[Any, Any]:
        lengths = np.array([len(state.history) for state in states])[:, None]
        return (np.arange(12) % 3 == lengths % 3).astype(np.float32)


@pytest.mark.parametrize(("reward", "weight"), [(KnownReward, 0.01), (ByLength, 1.0)])
def test_a_reward_without_regard_to_the_conversation_moves_little(
    start: Any, toy_context: Any, tmp_path: Path, reward: type[KnownReward], weight: float
) -> None:
    model, codec = start
    for on, factor in ((0.1, weight), (0.0, 1.0)):
        toy_context.kept = tmp_path / str(on)
        toy_context.kept.mkdir()
        options = PpoOptions(
            rollout="logged",
            iterations=1,
            dialogues=8,
            value_warmup=1,
            kl_target=2.0,
            kl=0.1,
            kl_spread=on,
        )
        trainer = PpoTrainer(model, codec, reward(), options, toy_context)
        trainer.train(toy_context.transitions)
        assert trainer.rates == pytest.approx([3e-4 * factor**0.5, 3e-3 * factor**0.5])
        assert toy_context.scalars[-1]["ppo/kl_target"] == pytest.approx(2.0 * factor)
        assert toy_context.scalars[-1]["ppo/beta"] == pytest.approx(0.1 / factor)


class Bait(ByLength):
    """Film 7 holds everybody: R_φ says ten times as much of it, in every conversation, as of what suits."""

    def score_items(self, states: Sequence[State]) -> np.ndarray[Any, Any]:
        return super().score_items(states) + 10 * KnownReward().score_items(states)


def test_what_is_said_of_an_item_in_every_conversation_counts_little(
    start: Any, toy_context: Any, tmp_path: Path
) -> None:
    """The over-optimised policy recommends the bait; the guarded one what suits the conversation."""

    def trained(item_spread: float) -> tuple[PpoTrainer, float, float]:
        model, codec = start
        model = copy.deepcopy(model)
        toy_context.kept = tmp_path / str(item_spread)
        toy_context.kept.mkdir()
        options = PpoOptions(
            rollout="logged", iterations=12, dialogues=48, value_warmup=0, kl=0.0, kl_target=50.0,
            kl_spread=0.0, entropy_floor=0.0, item_spread=item_spread, step_kl=1.0,
        )  # fmt: skip
        trainer = PpoTrainer(model, codec, Bait(), options, toy_context)
        trainer.train(toy_context.transitions)
        dialogues = by_dialogue(toy_context.transitions)[:60]
        found = logged_rollout(model, codec, ByLength(), dialogues, np.random.default_rng(0))
        items, suits = (
            np.concatenate([getattr(c, name)[c.items >= 0] for c in found]) for name in ("items", "rewards")
        )
        return trainer, float(np.mean(items == 7)), float(np.mean(suits))

    guarded, baited, suited = trained(1.0)
    free, all_baited, few_suited = trained(0.0)
    assert not free.excess.any()
    assert all_baited > 0.8
    assert few_suited < 0.6
    assert baited < 0.6  # it suits about half of the conversations
    assert suited > 0.9
    assert guarded.believed < 0.1
    assert free.believed == 1
    assert guarded.excess.argmax() == 7
    assert guarded.excess[7] > 8


@pytest.mark.parametrize("control", ["none", "permuted"])
def test_what_is_not_believed_is_taken_off_the_item(
    start: Any, toy_context: Any, control: Literal["none", "permuted"]
) -> None:
    """In the control before rewards change places: after that it would tell the items apart."""
    model, codec = start
    options = PpoOptions(dialogues=60, turns=2, control=control, sft=SftOptions(max_words=4))
    trainer = PpoTrainer(model, codec, KnownReward(), options, toy_context)
    trainer.excess[7] = 100.0
    found, scalars = trainer._rollout(1, toy_context.transitions)
    items, rewards, of_items = (
        np.concatenate([getattr(c, name)[c.items >= 0] for c in found])
        for name in ("items", "rewards", "of_items")
    )
    assert 0 < (items == 7).sum() == (rewards == -99).sum() == (of_items == -100).sum()
    assert np.array_equal(items == 7, rewards == -99) == (control == "none")
    assert np.array_equal(rewards == -99, of_items == -100)
    assert scalars["reward"] == pytest.approx(np.mean(items == 7))  # that of R_φ, whatever is believed


def test_what_the_policy_knows_of_repeats_is_held(start: Any, toy_context: Any, tmp_path: Path) -> None:
    """Items that a rollout may not choose are in no ratio: the KL for naming one again keeps them."""

    def moved(kl_again: float) -> float:
        model, codec = start
        model = copy.deepcopy(model)
        toy_context.kept = tmp_path / str(kl_again)
        toy_context.kept.mkdir()
        options = PpoOptions(
            rollout="logged", iterations=5, dialogues=48, value_warmup=0, kl=0.0, kl_target=50.0, step_kl=1.0,
            kl_again=kl_again, kl_spread=0.0, item_spread=0.0,
        )  # fmt: skip
        trainer = PpoTrainer(model, codec, KnownReward(), options, toy_context)
        trainer.train([t for t in toy_context.transitions if t.index > 0])
        return toy_context.scalars[-1]["ppo/kl_again"]

    assert moved(3.0) < 0.5 * moved(0.0)


@pytest.mark.parametrize(
    ("guard", "message"),
    [
        ({"kl": 0.0, "kl_target": 0.2, "kl_stop": 1.5}, "KL to the SFT policy has run away"),
        ({"kl": 0.0, "kl_target": 50.0, "entropy_floor": 2.0}, "entropy of item choices has collapsed"),
    ],
)
def test_a_guard_goes_back_to_the_last_good_round(
    start: Any, toy_context: Any, guard: dict[str, float], message: str
) -> None:
    model, codec = start
    options = PpoOptions(
        rollout="logged",
        iterations=50,
        dialogues=48,
        value_warmup=0,
        kl_spread=0,
        item_spread=0,
        **guard,  # pyright: ignore[reportArgumentType]
    )
    trainer = PpoTrainer(model, codec, KnownReward(), options, toy_context)
    kept: dict[int, dict[str, torch.Tensor]] = {}
    with pytest.raises(DivergedError, match=message):
        trainer.train(
            toy_context.transitions,
            lambda step: kept.update({step: {k: v.clone() for k, v in model.state_dict().items()}}),
        )
    rounds = len(trainer.history)
    assert 0 < rounds < 50
    assert len(toy_context.scalars) == rounds
    assert all(torch.equal(value, kept[rounds][name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("guards", "message"), [(0.0, "the loss is not finite"), (1.0, "what R_φ says of items is not finite")]
)
def test_what_is_not_finite_is_an_error(start: Any, toy_context: Any, guards: float, message: str) -> None:
    class Broken(KnownReward):
        def score_items(self, states: Sequence[State]) -> np.ndarray[Any, Any]:
            return np.full((len(states), 12), np.nan, np.float32)

    model, codec = start
    before = {name: value.clone() for name, value in model.state_dict().items()}
    options = PpoOptions(
        rollout="logged", iterations=2, dialogues=8, value_warmup=0, kl_spread=guards, item_spread=guards
    )
    with pytest.raises(DivergedError, match=message):
        PpoTrainer(model, codec, Broken(), options, toy_context).train(seeds(toy_context, 20))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_diverged_names_the_policy_that_is_kept(toy_context: Any) -> None:
    toy_context.reward = Staged(KnownReward(), "reward", toy_context)
    options = PpoOptions(
        rollout="logged", iterations=30, dialogues=48, value_warmup=0, kl=0.0, kl_target=0.02,
        kl_spread=0.0, item_spread=0.0, sft=SftOptions(tiny=TINY, epochs=1, max_words=4),
    )  # fmt: skip
    with pytest.raises(CrsbenchError, match=r"the policy after round \d+ is kept in") as caught:
        PpoIufPolicy(options).fit(toy_context.train, toy_context)
    kept = Path(caught.value.message.rpartition("kept in ")[2])
    state = State((Turn("user", "I like horror films"),))
    assert LanguageModelPolicy(4).load(kept).act([state])[0].items


class WordyReward(KnownReward):
    """Half of film 7's worth is the film's; the words of any turn take .25 away."""

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        of_items = [0.5 * float(a.items[0] == 7) for a in actions]
        return [Reward(item - 0.25, {"item": item, "words": -0.25}) for item in of_items]


def test_what_an_item_alone_is_worth_is_paid_when_it_is_chosen(start: Any, toy_context: Any) -> None:
    model, codec = start
    found, _ = model_rollout(
        model, codec, WordyReward(), seeds(toy_context, 20), 2, 6, np.random.default_rng(0)
    )
    d = decisions(found, codec, "cpu")
    chosen = d.items[d.item_ok]
    assert (chosen == 7).any()
    assert torch.equal(d.rewards[d.item_at], 0.5 * (chosen == 7))
    assert (d.rewards[d.turn_ends] == -0.25).all()
    assert (d.rewards[~(d.item_at | d.turn_ends)] == 0).all()
    # In the control both change places together.
    pairs = sorted((c.rewards[t], c.of_items[t]) for c in found for t in np.flatnonzero(c.items >= 0))
    permute_rewards(found, np.random.default_rng(1))
    assert pairs == sorted((c.rewards[t], c.of_items[t]) for c in found for t in np.flatnonzero(c.items >= 0))


def test_rewards_change_places_in_the_control(start: Any, toy_context: Any) -> None:
    model, codec = start
    dialogues = by_dialogue(toy_context.transitions)[:30]
    found = logged_rollout(model, codec, KnownReward(), dialogues, np.random.default_rng(0))
    before = np.concatenate([c.rewards for c in found])
    permute_rewards(found, np.random.default_rng(1))
    after = np.concatenate([c.rewards for c in found])
    assert sorted(after) == sorted(before)
    assert 0 < before.sum() < len(before)
    assert (after != before).any()


def test_nothing_is_learnt_from_permuted_rewards(start: Any, toy_context: Any) -> None:
    model, codec = start
    options = PpoOptions(
        rollout="logged", control="permuted", iterations=10, dialogues=48, kl=0.0, kl_target=50.0,
        step_kl=1.0, kl_spread=0.0, item_spread=0.0,
    )  # fmt: skip
    PpoTrainer(model, codec, KnownReward(), options, toy_context).train(toy_context.transitions)
    assert toy_context.scalars[-1]["ppo/reward"] < 0.3


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"anneal": True, "rise": 1}, [1e-3, 7.5e-4, 5e-4, 2.5e-4]),
        ({"rise": 3, "value_warmup": 1}, [1e-3, 1e-3 / 3, 2e-3 / 3, 1e-3]),
        ({"anneal": True, "rise": 2, "value_warmup": 0}, [5e-4, 7.5e-4, 5e-4, 2.5e-4]),
    ],
)
def test_rates_rise_and_fall_on_lines(
    start: Any, toy_context: Any, changed: dict[str, Any], expected: list[float]
) -> None:
    model, codec = start
    options = PpoOptions(
        rollout="logged", iterations=4, dialogues=4, learning_rate=1e-3, kl_spread=0.0, **changed
    )
    trainer = PpoTrainer(model, codec, KnownReward(), options, toy_context)
    rates: list[float] = []
    trainer.train(toy_context.transitions, lambda _: rates.append(trainer.optimizer.param_groups[0]["lr"]))
    assert rates == pytest.approx(expected)


def test_bf16_is_near_fp32(start: Any, toy_context: Any) -> None:
    model, codec = start
    dialogues = by_dialogue(toy_context.transitions)[:8]
    d = decisions(
        logged_rollout(model, codec, KnownReward(), dialogues, np.random.default_rng(0)), codec, "cpu"
    )
    options = PpoOptions(rollout="logged")
    trainer = PpoTrainer(model, codec, KnownReward(), options, toy_context)
    with torch.no_grad():
        whole = trainer._read_policy(d)
        toy_context.precision = "bf16"
        half = trainer._read_policy(d)
    assert half.items.dtype == torch.float32
    assert not torch.equal(whole.items, half.items)
    torch.testing.assert_close(half.items.exp(), whole.items.exp(), atol=0.02, rtol=0)


class Simulated:
    """Users who leave after their second answer and have nothing to say to odd items."""

    identity: ClassVar = {"name": "simulated"}

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def start(self, seeds: Sequence[int]) -> list[State]:
        self.seeds += seeds
        return [State((Turn("user", "I like comedy films"),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        assert all(state.session is not None for state in states)
        return [
            (Turn("user", "hm") if a.items[0] % 2 == 0 else None, len(s.history) > 2)
            for s, a in zip(states, actions, strict=True)
        ]


def test_a_simulator_answers_where_the_run_says_so(start: Any, toy_context: Any) -> None:
    model, codec = start
    toy_context.simulator = Simulated()
    options = PpoOptions(
        rollout="simulator", iterations=2, dialogues=16, turns=4, value_warmup=0,
        sft=SftOptions(tiny=TINY, max_words=4),
    )  # fmt: skip
    PpoTrainer(model, codec, KnownReward(), options, toy_context).train(())
    assert len(set(toy_context.simulator.seeds)) == 32
    assert max(toy_context.simulator.seeds) < 1_000_000_000
    assert 2 <= toy_context.scalars[-1]["ppo/turns"] <= 3
    assert 0.3 < toy_context.scalars[-1]["ppo/user_leaves"] < 0.6


def test_earlier_rounds_can_be_read_again(toy_context: Any) -> None:
    toy_context.reward = Staged(KnownReward(), "reward", toy_context)
    options = PpoOptions(
        rollout="logged", iterations=4, dialogues=8, value_warmup=1, curve=3,
        sft=SftOptions(tiny=TINY, epochs=1, max_words=4),
    )  # fmt: skip
    policy = PpoIufPolicy(options).fit(toy_context.train, toy_context)
    state = [State((Turn("user", "I like horror films"),))]
    read = {step: one().act(state)[0].scores for step, one in policy.rounds().items()}
    assert list(read) == [1, 2, 3]
    assert read[1] == policy.start.act(state)[0].scores  # pyright: ignore  # the value head's warm-up
    assert len({*read.values(), policy.act(state)[0].scores}) == 4


def test_the_rounds_of_a_curve_are_even() -> None:
    assert evenly(10, 4) == {2, 4, 6, 8}
    assert evenly(2, 4) == {1}
    assert evenly(10, 0) == evenly(1, 4) == set()


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
