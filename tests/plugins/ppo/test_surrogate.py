"""The whole loss against an independent float64 loop over single numbers, and against TRL's formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from crsbench_ppo.objective import Discounts, gae, k3, policy_loss, value_loss, whiten
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.packing import Decisions, Reading
from crsbench_ppo.ppo import Counts, Prepared, estimate, surrogate
from torch import Tensor

OPTIONS = PpoOptions(entropy=0.01, words=0.3, kl_again=0.6, kl_words=0.4, value_weight=0.7)
BETA = 0.05
DISCOUNTS = Discounts(0.6, 0.9, 0.98, 0.95)


def packed(
    items: Sequence[Sequence[int]], rec: Sequence[Sequence[int]], words: Sequence[Sequence[int]], rng: Any
) -> Decisions:
    """Conversations without tokens: turn t of row b opens at rec[b][t] with an item and says words[b][t]."""
    B, T, L = len(items), len(items[0]), 14
    chosen, ok = torch.tensor(items), torch.tensor(items) >= 0
    item_at, word_at, ends = (torch.zeros(B, L, dtype=torch.bool) for _ in range(3))
    rewards = torch.zeros(B, L, dtype=torch.float64)
    for b in range(B):
        for t in range(T):
            if items[b][t] < 0:
                continue
            at, last = rec[b][t], rec[b][t] + words[b][t]
            item_at[b, at], ends[b, last] = True, True
            word_at[b, at + 1 : last + 1] = True
            rewards[b, last] = rng.normal()
    allowed = torch.from_numpy(rng.random((B, T, 5)) < 0.7).scatter(2, chosen.clamp(min=0)[..., None], True)
    return Decisions(
        batch=None,  # pyright: ignore[reportArgumentType]
        items=chosen,
        item_ok=ok,
        allowed=allowed,
        item_at=item_at,
        word_at=word_at,
        decides=item_at | word_at,
        turn_ends=ends,
        rewards=rewards,
        bootstrap=torch.tensor([12] * B),
        ended=torch.tensor([b % 2 == 0 for b in range(B)]),
    )


def reading(d: Decisions, rng: Any, near: Reading | None = None) -> Reading:
    """Random log-probabilities; `near` another reading, so that some ratios are clipped and some not."""
    n, m = int(d.item_ok.sum()), int(d.word_at.sum())
    noise = [torch.from_numpy(rng.normal(size=shape)) for shape in ((n, 5), (m,), d.rewards.shape)]
    logits = noise[0] if near is None else near.items.masked_fill(near.items.isinf(), 0) + 0.4 * noise[0]
    allowed = d.allowed[d.item_ok]
    tables = logits.masked_fill(~allowed, -math.inf).log_softmax(-1)
    whole = torch.cat([logits.masked_fill(allowed, -math.inf), noise[0][:, :1]], dim=1)
    words = -noise[1].abs() - 0.1 if near is None else near.words + 0.3 * noise[1]
    values = noise[2] if near is None else near.values + 0.4 * noise[2]
    return Reading(tables, whole.log_softmax(-1), words, values)


@pytest.fixture
def prepared() -> Prepared:
    rng = np.random.default_rng(0)
    d = packed([[1, 3], [0, -1], [4, 2]], [[0, 6], [1, 0], [2, 7]], [[3, 2], [0, 0], [2, 4]], rng)
    old = reading(d, rng)
    [p] = estimate([(d, old, reading(d, rng, old))], DISCOUNTS, white=True)
    return p


def by_hand(p: Prepared, tables: Any, again: Any, words: Any, values: Any) -> float:
    """The loss as a loop in plain float64 numbers."""
    d, o = p.d, OPTIONS
    clip: Callable[[float, float], float] = lambda x, e: min(max(x, 1 - e), 1 + e)  # noqa: E731
    item_terms, squares, kls, agains, spreads, word_terms, word_kls = [], [], [], [], [], [], []
    n = m = 0
    for b in range(len(d.ended)):
        for at in range(d.decides.shape[1]):
            if not d.decides[b, at]:
                continue
            advantage, back = float(p.advantages[b, at]), float(p.returns[b, at])
            old_value, value = float(p.old.values[b, at]), float(values[b, at])
            near = old_value + min(max(value - old_value, -o.value_clip), o.value_clip)
            squares.append(0.5 * max((value - back) ** 2, (near - back) ** 2))
            if d.item_at[b, at]:
                turn = int(d.item_at[b, :at].sum())
                choice = int(d.items[b, turn])
                ratio = math.exp(tables[n][choice] - float(p.old.items[n, choice]))
                item_terms.append(-min(ratio * advantage, clip(ratio, o.clip) * advantage))
                allowed = [i for i in range(5) if d.allowed[b, turn, i]]
                kls.append(sum(math.exp(tables[n][i]) * (tables[n][i] - float(p.reference.items[n, i]))
                               for i in allowed))  # fmt: skip
                others = [*(i for i in range(5) if i not in allowed), 5]
                agains.append(sum(math.exp(again[n][i]) * (again[n][i] - float(p.reference.again[n, i]))
                                  for i in others))  # fmt: skip
                spreads.append(-sum(math.exp(tables[n][i]) * tables[n][i] for i in allowed))
                n += 1
            else:
                ratio = math.exp(words[m] - float(p.old.words[m]))
                word_terms.append(-min(ratio * advantage, clip(ratio, o.clip) * advantage))
                log = float(p.reference.words[m]) - words[m]
                word_kls.append(math.exp(log) - 1 - log)
                m += 1
    mean: Callable[[list[float]], float] = lambda xs: sum(xs) / len(xs)  # noqa: E731
    return (
        mean(item_terms) + o.words * mean(word_terms) + o.value_weight * mean(squares)
        + BETA * mean(kls) + o.kl_again * mean(agains) + o.kl_words * mean(word_kls)
        - o.entropy * mean(spreads)
    )  # fmt: skip


def test_the_loss_and_its_gradient_equal_a_loop_over_numbers(prepared: Prepared) -> None:
    p, rng = prepared, np.random.default_rng(1)
    now = reading(p.d, rng, p.old)
    tables = (now.items, now.again)
    finite = [torch.where(table.isfinite(), table, 0.0) for table in tables]
    parts = [part.clone().requires_grad_() for part in (*finite, now.words, now.values)]
    items, again = (
        part.masked_fill(table.isinf(), -math.inf) for part, table in zip(parts[:2], tables, strict=True)
    )
    loss, scalars = surrogate(Reading(items, again, parts[2], parts[3]), p, OPTIONS, BETA)
    arrays = [part.detach().numpy().copy() for part in parts]
    assert float(loss.detach()) == pytest.approx(by_hand(p, *arrays), abs=1e-9)
    assert 0 < scalars["clip_fraction"] < 1
    loss.backward()
    for which, part in enumerate(parts):
        assert part.grad is not None
        for index in np.ndindex(*arrays[which].shape):
            ends = []
            for step in (1e-6, -1e-6):
                arrays[which][index] += step
                ends.append(by_hand(p, *arrays))
                arrays[which][index] -= step
            assert float(part.grad[index]) == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6), index


def test_logged_words_are_held_and_not_judged(prepared: Prepared) -> None:
    """Where no word was chosen, the words only stay near the reference: KL(π_ref ‖ π) by k3."""
    d = replace(prepared.d, decides=prepared.d.item_at, turn_ends=prepared.d.item_at)
    p = replace(prepared, d=d, counts=Counts.of(d))
    now = reading(d, np.random.default_rng(2), p.old)
    log = (now.words - p.reference.words).numpy()
    apart = surrogate(now, p, OPTIONS, BETA)[0] - surrogate(replace_words(now, p), p, OPTIONS, BETA)[0]
    assert float(apart) == pytest.approx(OPTIONS.kl_words * float((np.exp(log) - 1 - log).mean()), abs=1e-9)


def replace_words(now: Reading, p: Prepared) -> Reading:
    return replace(now, words=p.reference.words)


def test_whitening_is_over_the_rollout_and_not_its_minibatches() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(2):
        d = packed([[1, 3], [0, 2]], [[0, 6], [1, 8]], [[3, 2], [1, 0]], rng)
        found.append((d, reading(d, rng), reading(d, rng)))
    whole = estimate(found, DISCOUNTS, white=True)
    raw = estimate(found, DISCOUNTS, white=False)
    flat = [torch.cat([p.advantages[p.d.decides] for p in parts]) for parts in (whole, raw)]
    torch.testing.assert_close(flat[0], (flat[1] - flat[1].mean()) / flat[1].std(), atol=1e-6, rtol=0)
    assert torch.equal(whole[0].returns, raw[0].returns)
    assert abs(float(whole[0].advantages[whole[0].d.decides].mean())) > 1e-3


# TRL 1.12, experimental/ppo: one episode is one turn, ended by its last token, the score on that token.


def trl_advantages(rewards: Tensor, values: Tensor, gamma: float, lam: float) -> Tensor:
    """δ_t = r_t + γ V_{t+1} − V_t with V after the last token 0; A_t = Σ (γλ)^k δ_{t+k}, as matrices."""
    T = rewards.shape[1]
    after = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    delta = rewards + gamma * after - values
    steps = torch.arange(T)
    powers = (steps[None] - steps[:, None]).clamp(min=0)
    weights = torch.triu((gamma * lam) ** powers.double())
    return delta @ weights.T


def test_on_one_turn_episodes_it_is_what_trl_computes() -> None:
    torch.manual_seed(0)
    B, T, gamma, lam, clip = 6, 9, 0.97, 0.9, 0.2
    values, new, old, reference = torch.randn(4, B, T)
    scores = torch.randn(B)
    rewards = torch.zeros(B, T)
    rewards[:, -1] = scores
    decides = torch.ones(B, T, dtype=torch.bool)
    ends = torch.zeros(B, T, dtype=torch.bool)
    ends[:, -1] = True
    advantages, returns = gae(values, rewards, decides, ends, torch.zeros(B), Discounts(0.5, 0.3, gamma, lam))
    theirs = trl_advantages(rewards.double(), values.double(), gamma, lam)
    torch.testing.assert_close(advantages.double(), theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(returns.double(), theirs + values, atol=1e-5, rtol=0)

    # masked_whiten with nothing masked: Bessel's correction, 1e-8 inside of the root
    flat = theirs.flatten()
    n = len(flat)
    variance = ((flat - flat.mean()) ** 2).sum() / (n - 1)
    white = (flat - flat.mean()) / (variance + 1e-8).sqrt()
    torch.testing.assert_close(whiten(advantages.flatten()).double(), white, atol=1e-5, rtol=0)

    ratio = (new - old).exp()
    losses = torch.max(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))
    torch.testing.assert_close(policy_loss(new, old, advantages, clip), losses, atol=1e-5, rtol=0)
    moved = values + 0.5 * torch.randn(B, T)
    held = moved.clamp(values - clip, values + clip)
    squares = 0.5 * torch.max((moved - returns) ** 2, (held - returns) ** 2)
    torch.testing.assert_close(value_loss(moved, values, returns, clip), squares, atol=1e-5, rtol=0)
    log = reference - new
    torch.testing.assert_close(k3(new, reference), torch.expm1(log) - log, atol=1e-4, rtol=1e-5)
