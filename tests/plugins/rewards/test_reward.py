"""R_φ on a toy world where the right reward is known: does the item fit the genre that the user named?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_lm.options import TinyOptions
from crsbench_rewards.network import RewardNetwork
from crsbench_rewards.options import RewardOptions
from crsbench_rewards.reward import IufReward
from crsbench_rewards.training import examples, pair_loss
from sklearn.metrics import roc_auc_score

from crsbench.types import Action, State, Turn, WeakLabel

OPTIONS = RewardOptions(
    tiny=TinyOptions(width=32, layers=2, heads=2, vocabulary=400), epochs=12, batch_tokens=400
)
GENRES = ("comedy", "horror", "western")


@pytest.fixture
def fitted(toy_context: Any, toy_labels: WeakLabel) -> IufReward:
    torch.manual_seed(0)
    return IufReward(OPTIONS).fit(toy_context.transitions, toy_labels, toy_context)


def test_it_finds_what_users_like_saves_it_and_answers_them(
    fitted: IufReward, toy_context: Any, tmp_path: Path
) -> None:
    states = [t.state for t in toy_context.transitions if t.index == 0][:60]
    table = fitted.score_items(states)
    assert table.shape == (60, 12)
    assert table.dtype == np.float32
    assert ((table > 0) & (table < 1)).all()
    fits = np.array([[g in s.history[0].text for g in np.array(GENRES)[np.arange(12) % 3]] for s in states])
    assert table[fits].mean() > table[~fits].mean() + 0.3

    fitted.save(tmp_path)
    again = IufReward(OPTIONS).load(tmp_path)
    np.testing.assert_array_equal(again.score_items(states), table)
    actions = [t.action for t in toy_context.transitions if t.index == 0][:60]
    assert again.score(states, actions) == fitted.score(states, actions)
    assert again.signal_names == ("sentiment",)

    spoken = [s.then(Turn("system", "You could watch Film Nu", (), (11,))) for s in states]
    replies = fitted.sample_reply(spoken, np.random.default_rng(0))
    assert replies == fitted.sample_reply(spoken, np.random.default_rng(0))
    assert all(r.speaker == "user" for r in replies)
    assert np.mean(["great" in r.text or "bad" in r.text for r in replies]) > 0.5


def test_the_reply_is_never_seen(fitted: IufReward, toy_context: Any) -> None:
    """What is read for a turn does not change with what the user says after it."""
    transition = toy_context.transitions[0]
    swapped = transition.state.then(
        transition.next_state.history[-2], Turn("user", "no, that is bad, bad, bad")
    )
    rows = [fitted.codec.encode(s.history) for s in (transition.next_state, swapped)]
    from crsbench_lm.batch import collate
    from crsbench_rewards.network import turn_closes

    logits = []
    for row in rows:
        batch = collate([row], fitted.codec)
        closes = torch.from_numpy(turn_closes([row], fitted.codec, batch.rec.shape))
        with torch.no_grad():
            logits.append(fitted.network.turns(fitted.network.core.hidden(batch), batch, closes)[0][0, 0])
    torch.testing.assert_close(logits[0], logits[1], atol=1e-6, rtol=0)


def test_a_turn_that_recommends_nothing_is_worth_the_average_item(fitted: IufReward) -> None:
    state = State((Turn("user", "I like horror films"),))
    [reward] = fitted.score([state], [Action((), text="hello")])
    assert reward.total == pytest.approx(float(fitted.score_items([state]).mean()), abs=1e-6)


def test_a_reward_is_what_the_item_is_worth_and_what_the_words_add(
    fitted: IufReward, toy_context: Any
) -> None:
    steps = toy_context.transitions[:8]
    states, actions = [t.state for t in steps], [t.action for t in steps]
    table = fitted.score_items(states)
    for n, reward in enumerate(fitted.score(states, actions)):
        assert reward.parts["item"] == pytest.approx(float(table[n, actions[n].items[0]]), abs=1e-6)
        assert reward.parts["item"] + reward.parts["words"] == pytest.approx(reward.total, abs=1e-9)


def test_labels_meet_their_turns(toy_context: Any, toy_labels: WeakLabel) -> None:
    from crsbench_features.links import LinkIndex
    from crsbench_lm.codec import DialogueCodec
    from crsbench_lm.pieces import train_tokenizer

    catalog, dialogues = toy_context.catalog, toy_context.train.dialogues
    codec = DialogueCodec(
        train_tokenizer([d.turns for d in dialogues], 400), catalog, LinkIndex(catalog), 128
    )
    signals = toy_context.signals[0].values[:, None]
    data = examples(toy_context.transitions, toy_labels, signals, codec)
    assert len(data) == len(dialogues)
    for n in (0, 7, 100):
        np.testing.assert_allclose(data[n].label, toy_labels.probability[2 * n : 2 * n + 2], rtol=1e-6)
        liked = ["love" in dialogues[n].turns[at].text for at in (2, 4)]
        assert (data[n].signals[:, 0] > 0).tolist() == liked
    assert 0.03 < np.mean([e.held_out for e in data]) < 0.25


def test_the_words_of_each_turn_are_weighed_by_hand(fitted: IufReward, toy_context: Any) -> None:
    """Those of the turn alone, its end included, without the item: padding and what follows do not count."""
    from crsbench_lm.batch import collate
    from crsbench_rewards.network import turn_closes

    rows = [fitted.codec.encode(toy_context.transitions[n].next_state.history) for n in (1, 6)]
    batch, network = collate(rows, fitted.codec), fitted.network
    closes = turn_closes(rows, fitted.codec, batch.rec.shape)
    with torch.no_grad():
        network.words.weight.copy_(torch.linspace(-1, 1, network.core.words)[:, None])
        found = network.wording(batch, torch.from_numpy(closes)).numpy()
    weights = np.linspace(-1, 1, network.core.words)
    for b, row in enumerate(rows):
        for t, at in enumerate(row.rec):
            said = [weights[w] for w in row.ids[at + 1 : closes[b, t] + 1] if w < network.core.words]
            assert len(said) == closes[b, t] - at - 1  # one of them is the item
            assert found[b, t] == pytest.approx(sum(said) / len(said) ** 0.5, abs=1e-5)


def test_unobserved_behaviour_teaches_nothing(toy_context: Any) -> None:
    n = len(toy_context.transitions)
    nothing = WeakLabel(np.full(n, np.nan), np.zeros(n))
    torch.manual_seed(0)
    model = IufReward(OPTIONS.model_copy(update={"epochs": 1})).fit(
        toy_context.transitions, nothing, toy_context
    )
    assert np.isfinite(model.score_items([toy_context.transitions[0].state])).all()


def test_turns_of_one_dialogue_are_compared_by_hand() -> None:
    logit = torch.tensor([[1.0, 0.0, 5.0], [0.5, 2.0, -1.0]])
    label = torch.tensor([[0.9, 0.4, float("nan")], [0.0, 1.0, 1.0]])
    weight = torch.tensor([[1.0, 0.5, 0.0], [1.0, 0.5, 0.25]])
    loss, total = pair_loss(logit, label, weight)
    pairs = [(0.5 * 0.5, 1.0), (0.5, 1.5), (0.25, -1.5)]  # (w_ab, logit_a − logit_b)
    assert total == pytest.approx(sum(w for w, _ in pairs))
    assert float(loss) == pytest.approx(sum(w * np.log1p(np.exp(-d)) for w, d in pairs))


def test_a_plain_head_on_the_end_of_the_turn_learns_nothing(
    fitted: IufReward, toy_context: Any, toy_labels: WeakLabel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an item fits is a match of two things; the state after the turn does not hold it."""
    steps = toy_context.transitions
    genre = np.array(GENRES)[[t.action.items[0] % 3 for t in steps]]
    fits = np.array([g in t.state.history[0].text for g, t in zip(genre, steps, strict=True)])

    def auc(model: IufReward) -> float:
        scores = model.score([t.state for t in steps], [t.action for t in steps])
        return float(roc_auc_score(fits, [s.total for s in scores]))

    whole = auc(fitted)
    monkeypatch.setattr(
        RewardNetwork, "items", lambda self, hidden, batch: hidden.new_zeros(*batch.rec.shape, 12)
    )
    torch.manual_seed(0)
    plain = auc(IufReward(OPTIONS).fit(steps, toy_labels, toy_context))
    assert whole > 0.9
    assert plain < 0.6
