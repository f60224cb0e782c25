"""The pieces of PPO against hand-computed values and an independent float64 loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from crsbench_ppo.objective import (
    Discounts,
    adapt,
    by_item,
    context_spread,
    entropy,
    exact_kl,
    gae,
    k3,
    policy_loss,
    shrinkage,
    value_loss,
    whiten,
)


def test_gae_by_hand_over_two_turns() -> None:
    """Two turns of two tokens; γ_turn .5, λ_turn .8, γ_token 1, λ_token 1; the rest is worth 4."""
    decides = torch.tensor([[False, True, True, False, True, True]])
    ends = torch.tensor([[False, False, True, False, False, True]])
    values = torch.tensor([[9.0, 1.0, 2.0, 9.0, 3.0, 0.5]])
    rewards = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0, 2.0]])
    advantages, returns = gae(
        values, rewards, decides, ends, torch.tensor([4.0]), Discounts(0.5, 0.8, 1.0, 1.0)
    )
    last = 2 + 0.5 * 4 - 0.5  # 3.5
    third = 0 + 1 * 0.5 - 3 + 1 * last  # 1.0
    second = 1 + 0.5 * 3 - 2 + 0.5 * 0.8 * third  # 0.9
    first = 0 + 1 * 2 - 1 + 1 * second  # 1.9
    expected = torch.tensor([[0.0, first, second, 0.0, third, last]])
    torch.testing.assert_close(advantages, expected)
    torch.testing.assert_close(returns, torch.where(decides, expected + values, 0.0))


@pytest.mark.parametrize("seed", range(5))
def test_gae_equals_an_independent_sum(seed: int) -> None:
    """A_t = Σ_k (Π γλ) δ_{t+k}, summed forwards in float64, on ragged random rows."""
    rng = np.random.default_rng(seed)
    B, L = 4, 17
    decides = rng.random((B, L)) < 0.6
    ends = decides & (rng.random((B, L)) < 0.3)
    values, rewards = rng.normal(size=(2, B, L))
    rewards *= ends
    bootstrap = rng.normal(size=B)
    d = Discounts(0.7, 0.9, 0.99, 0.95)
    got, _ = gae(
        *(torch.from_numpy(a) for a in (values, rewards, decides, ends, bootstrap)),
        d,
    )
    for b in range(B):
        at = np.flatnonzero(decides[b])
        for i, start in enumerate(at):
            total, weight = 0.0, 1.0
            for j in range(i, len(at)):
                here = at[j]
                after = values[b, at[j + 1]] if j + 1 < len(at) else bootstrap[b]
                gamma, lam = (d.turn, d.turn_lambda) if ends[b, here] else (d.token, d.token_lambda)
                total += weight * (rewards[b, here] + gamma * after - values[b, here])
                weight *= gamma * lam
            assert got[b, start] == pytest.approx(total, abs=1e-9)
    assert (got.numpy()[~decides] == 0).all()


def test_policy_loss_clips_only_where_it_would_gain() -> None:
    old = torch.zeros(4)
    logprobs = torch.tensor([1.5, 1.5, 0.5, 0.5]).log()
    advantages = torch.tensor([2.0, -2.0, 2.0, -2.0])
    expected = torch.tensor([-1.2 * 2, 1.5 * 2, -0.5 * 2, 0.8 * 2])
    torch.testing.assert_close(policy_loss(logprobs, old, advantages, 0.2), expected)


def test_policy_gradient_is_zero_where_the_ratio_is_clipped() -> None:
    logprobs = torch.tensor([1.5, 1.1]).log().requires_grad_()
    policy_loss(logprobs, torch.zeros(2), torch.ones(2), 0.2).sum().backward()
    assert logprobs.grad is not None
    torch.testing.assert_close(logprobs.grad, torch.tensor([0.0, -1.1]))


def test_value_loss_takes_the_worse_of_clipped_and_plain() -> None:
    values, old, returns = torch.tensor([1.0, 0.1]), torch.tensor([0.0, 0.0]), torch.tensor([1.0, 1.0])
    expected = torch.tensor([0.5 * (0.2 - 1) ** 2, 0.5 * (0.1 - 1) ** 2])
    torch.testing.assert_close(value_loss(values, old, returns, 0.2), expected)


def test_k3_is_never_negative_and_unbiased_for_the_exact_kl() -> None:
    torch.manual_seed(0)
    p, q = torch.randn(2, 6, dtype=torch.float64).log_softmax(-1)
    exact = exact_kl(p, q)
    assert exact == pytest.approx(float((p.exp() * (p - q)).sum()))
    each = k3(p, q)
    assert (each >= 0).all()
    assert float((p.exp() * each).sum()) == pytest.approx(float(exact))


def test_exact_kl_ignores_what_neither_may_choose() -> None:
    masked = torch.tensor([0.0, -math.inf, 0.0]).log_softmax(-1)
    other = torch.tensor([1.0, -math.inf, 0.0]).log_softmax(-1)
    masked.requires_grad_()
    exact_kl(masked, other).backward()
    assert masked.grad is not None
    assert masked.grad[[0, 2]].isfinite().all()
    p, q = masked.detach()[[0, 2]], other[[0, 2]]
    assert float(exact_kl(masked.detach(), other)) == pytest.approx(float((p.exp() * (p - q)).sum()))


def test_entropy_of_an_even_choice_among_what_is_allowed() -> None:
    table = torch.tensor([0.0, -math.inf, 0.0]).log_softmax(-1)
    assert float(entropy(table)) == pytest.approx(math.log(2))


def test_whiten() -> None:
    half = 0.5**0.5
    torch.testing.assert_close(whiten(torch.tensor([1.0, 3.0])), torch.tensor([-half, half]))
    assert whiten(torch.tensor([5.0])).tolist() == [0.0]


def test_the_coefficient_follows_the_kl() -> None:
    assert adapt(1.0, kl=2.0, target=1.0) == pytest.approx(1.1)
    assert adapt(1.0, kl=0.0, target=1.0) == pytest.approx(0.9)
    assert adapt(1.0, kl=1.05, target=1.0) == pytest.approx(1.025)


def test_the_spread_of_a_reward_that_depends_on_the_conversation() -> None:
    """Independent parts: item worth of variance 1, item in a state of variance 3, a state's own of 100."""
    rng = np.random.default_rng(0)
    item, both, state = rng.normal(size=(1, 3000)), rng.normal(size=(8, 3000)), rng.normal(size=(8, 1))
    scores = torch.from_numpy(item + math.sqrt(3) * both + 10 * state)
    assert context_spread(scores) == pytest.approx(math.sqrt(3), rel=0.02)  # in spite of so few states
    assert context_spread(torch.from_numpy(item + 10 * state)) == pytest.approx(0, abs=1e-12)
    assert context_spread(torch.tensor([[0.1, 0.9]])) == 0.0


def test_what_a_reward_says_of_an_item_in_all_conversations_alike() -> None:
    """What a state adds to every item does not count; item 0 is worth 1 less than the mean, item 2 more."""
    scores = torch.tensor([[5.0, 6.0, 7.0], [-2.0, -1.0, 0.0]])
    torch.testing.assert_close(by_item(scores), torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(by_item(torch.tensor([[0.0, 2.0], [2.0, 0.0]])), torch.zeros(2))


def test_what_shrinks_with_a_spread() -> None:
    assert shrinkage(0.1, 0.2) == pytest.approx(0.25)
    assert shrinkage(0.2, 0.2) == shrinkage(0.3, 0.2) == shrinkage(0.0, 0.0) == 1.0
    assert shrinkage(0.0, 0.2) == 0.0
