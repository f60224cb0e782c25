"""The pieces of PPO as pure functions. Shapes: B conversations, L positions; masks are bool [B, L]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Discounts:
    """γ and λ from turn to turn and from token to token inside a turn."""

    turn: float
    turn_lambda: float
    token: float
    token_lambda: float


def gae(
    values: Tensor,
    rewards: Tensor,
    decides: Tensor,
    turn_ends: Tensor,
    bootstrap: Tensor,
    discounts: Discounts,
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (arXiv 1506.02438, eq. 16) with one discount inside a turn and one
    between turns.

    values, rewards [B, L]; `decides`: a token is chosen at this position; `turn_ends`: it is the last one
    of its system turn; bootstrap [B]: the value of the state after the last turn, 0 where the user left.
    Returns advantages and returns [B, L], zero where nothing is decided.
    """
    advantages = torch.zeros_like(values)
    next_value, next_advantage = bootstrap.clone(), torch.zeros_like(bootstrap)
    turn = turn_ends.to(values.dtype)
    gammas = discounts.turn * turn + discounts.token * (1 - turn)
    lambdas = discounts.turn_lambda * turn + discounts.token_lambda * (1 - turn)
    for at in range(values.shape[1] - 1, -1, -1):
        here, gamma, lam = decides[:, at], gammas[:, at], lambdas[:, at]
        delta = rewards[:, at] + gamma * next_value - values[:, at]
        advantage = delta + gamma * lam * next_advantage
        advantages[:, at] = torch.where(here, advantage, 0.0)
        next_value = torch.where(here, values[:, at], next_value)
        next_advantage = torch.where(here, advantage, next_advantage)
    return advantages, torch.where(decides, advantages + values, 0.0)


def whiten(values: Tensor, mean: Callable[[Tensor], Tensor] = torch.mean, n: int | None = None) -> Tensor:
    """Mean 0 and (unbiased) variance 1 over all entries of values [N].

    `mean` and `n` are those of more values than these, of which other processes hold the rest.
    """
    n = len(values) if n is None else n
    centred = values - mean(values)
    variance = mean(centred.square()) * n / max(1, n - 1)
    return centred * (variance + 1e-8).rsqrt()


def policy_loss(logprobs: Tensor, old: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """−min(r A, clip(r, 1 − ε, 1 + ε) A) elementwise, r = exp(logprobs − old) (arXiv 1707.06347, eq. 7)."""
    ratio = (logprobs - old).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def value_loss(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> Tensor:
    """½ max((V − R)², (V_clipped − R)²) elementwise."""
    near = old + (values - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((values - returns).square(), (near - returns).square())


def k3(logprobs: Tensor, reference: Tensor) -> Tensor:
    """The k3 estimator of KL(π ‖ π_ref) from samples of π: r − 1 − ln r ≥ 0 with r = π_ref / π."""
    log_ratio = reference - logprobs
    return log_ratio.exp() - 1 - log_ratio


def exact_kl(logprobs: Tensor, reference: Tensor) -> Tensor:
    """KL(π ‖ π_ref) over the last axis of two tables of log-probabilities; −inf in both counts as 0."""
    # The difference is masked before it is used: −inf − (−inf) would poison the gradient.
    difference = torch.where(logprobs.isfinite(), logprobs - reference, 0.0)
    return (logprobs.exp() * difference).sum(-1)


def entropy(logprobs: Tensor) -> Tensor:
    """Entropy in nats over the last axis of a table of log-probabilities; −inf counts as 0."""
    return -(logprobs.exp() * logprobs.masked_fill(~logprobs.isfinite(), 0.0)).sum(-1)


def adapt(coefficient: float, kl: float, target: float) -> float:
    """The proportional controller of Ziegler et al. 2019 (arXiv 1909.08593), error clipped to ± 0.2."""
    error = min(0.2, max(-0.2, kl / target - 1.0))
    return coefficient * (1.0 + 0.5 * error)


def by_item(scores: Tensor) -> Tensor:
    """What a reward says of each item in all conversations alike, [I], mean 0.

    scores [S, I]: of each item in S states. What is worth the same for all items of a state does not count.
    """
    return (scores - scores.mean(1, keepdim=True)).mean(0)


def context_spread(scores: Tensor) -> float:
    """The standard deviation of a reward over the items, as far as it depends on the conversation.

    scores [S, I]: of each item in S states. What is worth the same for all items of a state does not count,
    nor what an item is worth in all states.
    """
    rest = scores - scores.mean(1, keepdim=True) - by_item(scores)
    return float((rest.square().mean(1).sum() / max(1, len(scores) - 1)).sqrt())


def shrinkage(spread: float, threshold: float) -> float:
    """What is left of something that is to shrink as `spread` falls below a threshold: the squared ratio."""
    return min(1.0, (spread / threshold) ** 2) if threshold else 1.0
