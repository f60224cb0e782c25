"""Proximal policy optimisation of a grounded language model, turn by turn of a dialogue.

A state s_t is the dialogue so far; an action a_t is a system turn: first an item out of the catalogue, then
words, token by token. Each round

1. rolls out conversations with the current policy (`rollout.py`),
2. reads log-probabilities and values of every decision in one pass, and those of the reference in another,
3. estimates advantages by GAE over the tokens of a turn and over turns,
4. takes clipped steps on minibatches of conversations, for K epochs,
5. steers the coefficient of the KL to the reference towards its target.

A conversation is one packed row: it is read once, whatever its number of turns. A decision at position l
chooses the token at l + 1: an item at a recommendation position, else a word.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from crsbench_lm.batch import Batch, collate
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM
from numpy.typing import NDArray
from torch import Tensor, nn

from crsbench.errors import CrsbenchError
from crsbench.protocols import Context, RewardModel
from crsbench.types import Transition
from crsbench_ppo.objective import (
    Discounts,
    adapt,
    entropy,
    exact_kl,
    gae,
    k3,
    policy_loss,
    value_loss,
    whiten,
)
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.rollout import Conversation, logged_rollout, model_rollout


class ValueHead(nn.Module):
    """V(s) on the trunk's hidden states; the last layer starts at zero."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        nn.init.zeros_(self.layers[2].weight)
        nn.init.zeros_(self.layers[2].bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., d] → [...]."""
        return self.layers(hidden)[..., 0]


@dataclass(frozen=True, slots=True)
class Decisions:
    """A minibatch of conversations and where something was decided in it.

    item_ok [B, T] with `items`, `allowed` [B, T, I]; word_ok [B, L]: the token at l + 1 is a chosen word;
    decides, turn_ends, rewards [B, L] for GAE; last [B]: the open position whose value stands for the rest.
    """

    batch: Batch
    items: Tensor
    item_ok: Tensor
    allowed: Tensor
    word_ok: Tensor
    decides: Tensor
    turn_ends: Tensor
    rewards: Tensor
    last: Tensor
    ended: Tensor


def decisions(chosen: Sequence[Conversation], codec: DialogueCodec, device: str) -> Decisions:
    batch = collate([c.row for c in chosen], codec.links, codec.pad, device)
    B, L = batch.ids.shape
    T = batch.rec.shape[1]
    items = np.full((B, T), -1, np.int64)
    allowed = np.ones((B, T, len(codec.catalog)), bool)
    word_ok, decides, turn_ends = (np.zeros((B, L), bool) for _ in range(3))
    rewards = np.zeros((B, L), np.float32)
    for b, c in enumerate(chosen):
        n = len(c.row.rec)
        items[b, :n], allowed[b, :n] = c.items, c.allowed
        closes = np.flatnonzero((c.row.ids == codec.eot) | (c.row.ids == codec.end))
        for t in np.flatnonzero(c.items >= 0):
            start = end = c.row.rec[t]
            if c.words:
                end = closes[np.searchsorted(closes, start)] - 1
                word_ok[b, start + 1 : end + 1] = True
            decides[b, start : end + 1] = True
            turn_ends[b, end] = True
            rewards[b, end] = c.rewards[t]

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(device)

    return Decisions(
        batch=batch,
        items=tensor(items),
        item_ok=tensor(items >= 0),
        allowed=tensor(allowed),
        word_ok=tensor(word_ok),
        decides=tensor(decides),
        turn_ends=tensor(turn_ends),
        rewards=tensor(rewards),
        last=tensor(np.array([c.row.rec[-1] for c in chosen])),
        ended=tensor(np.array([c.ended for c in chosen])),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """Log-probabilities of item tables [n, I] at item_ok and of words [m] at word_ok; values [B, L]."""

    items: Tensor
    words: Tensor
    values: Tensor


def read(model: GroundedLM, value: ValueHead | None, d: Decisions, sayable: Tensor) -> Reading:
    """One pass over the packed rows; the item mask is that of the rollout, for policy and reference alike."""
    hidden = model.hidden(d.batch)
    tables = model.item_logits(hidden, d.batch)[d.item_ok].float()
    tables = tables.masked_fill(~d.allowed[d.item_ok], -torch.inf).log_softmax(-1)
    logits = model.word_logits(hidden[d.word_ok]).float().masked_fill(~sayable, -torch.inf)
    said = d.batch.ids.roll(-1, dims=1)[d.word_ok]
    words = logits.log_softmax(-1).gather(1, said[:, None])[:, 0]
    values = value(hidden.float()) if value is not None else hidden.new_zeros(d.batch.ids.shape)
    return Reading(tables, words, values)


def choose(tables: Tensor, d: Decisions) -> Tensor:
    """Log-probabilities [n] of the items that were chosen."""
    return tables.gather(1, d.items[d.item_ok][:, None])[:, 0]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A minibatch with everything that stays fixed while the policy changes."""

    d: Decisions
    old: Reading
    reference: Reading
    advantages: Tensor
    returns: Tensor


class PpoTrainer:
    """Tunes `policy` in place. `history` holds the scalars of every round."""

    def __init__(
        self, policy: GroundedLM, codec: DialogueCodec, reward: RewardModel, options: PpoOptions, ctx: Context
    ) -> None:
        self.policy, self.codec, self.reward, self.options, self.ctx = policy, codec, reward, options, ctx
        self.reference = copy.deepcopy(policy).eval().requires_grad_(requires_grad=False)
        self.value = ValueHead(policy.free.embedding_dim).to(ctx.device)
        body = {id(p) for p in policy.lm.parameters()}
        rest = [p for p in policy.parameters() if id(p) not in body]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(policy.lm.parameters()), "lr": options.learning_rate},
                {"params": [*rest, *self.value.parameters()], "lr": options.head_learning_rate},
            ],
            betas=(0.9, 0.95),
            weight_decay=0.0,
        )
        self.beta = options.kl
        self.rng = np.random.default_rng([ctx.seed, 1])
        self.discounts = Discounts(
            options.turn_discount, options.turn_lambda, options.token_discount, options.token_lambda
        )
        sayable = torch.from_numpy(codec.sayable.copy())
        sayable[codec.end] = False
        self.sayable = sayable.to(ctx.device)

    def train(self, transitions: Sequence[Transition]) -> None:
        """Raises CrsbenchError where a loss is not finite; stops where the KL has run away."""
        options = self.options
        rounds = range(1, options.iterations + 1)
        for step in self.ctx.progress(rounds, options.iterations, "PPO"):
            self.policy.eval()  # dropout stays off: the ratio of the first step is exactly 1
            conversations, scalars = self._rollout(transitions)
            prepared = self._prepare(conversations)
            scalars |= self._update(prepared, warmup=step <= options.value_warmup)
            self.ctx.step(step, {f"ppo/{name}": value for name, value in scalars.items()})
            if scalars["kl_items"] > options.kl_stop * options.kl_target:
                break
            self.beta = adapt(self.beta, scalars["kl_items"], options.kl_target)

    def _rollout(self, transitions: Sequence[Transition]) -> tuple[list[Conversation], dict[str, float]]:
        options = self.options
        picks = self.rng.choice(
            len(transitions), options.dialogues, replace=len(transitions) < options.dialogues
        )
        seeds = [transitions[i] for i in picks]
        if options.rollout == "logged":
            conversations = logged_rollout(self.policy, self.codec, self.reward, seeds, self.rng)
            extra: dict[str, float] = {}
        else:
            conversations, behaviour = model_rollout(
                self.policy, self.codec, self.reward, seeds, options.turns, options.sft.max_words, self.rng
            )
            extra = {"user_leaves": behaviour.leaves, "user_words": behaviour.reply_words}
        rewards = np.concatenate([c.rewards[c.items >= 0] for c in conversations])
        chosen = np.concatenate([c.items[c.items >= 0] for c in conversations])
        return conversations, {
            "reward": float(rewards.mean()),
            "turns": len(rewards) / len(conversations),
            "items": float(len(np.unique(chosen))),
            **extra,
        }

    @torch.no_grad()
    def _prepare(self, conversations: Sequence[Conversation]) -> list[Prepared]:
        """Read old and reference log-probabilities and values; advantages are whitened over the rollout."""
        found: list[tuple[Decisions, Reading, Reading, Tensor, Tensor]] = []
        order = np.argsort([len(c.row.ids) for c in conversations], kind="stable")
        for start in range(0, len(order), self.options.minibatch):
            part = [conversations[i] for i in order[start : start + self.options.minibatch]]
            d = decisions(part, self.codec, self.ctx.device)
            old = self._read(self.policy, self.value, d)
            reference = self._read(self.reference, None, d)
            after = old.values.gather(1, d.last[:, None])[:, 0].masked_fill(d.ended, 0.0)
            advantages, returns = gae(old.values, d.rewards, d.decides, d.turn_ends, after, self.discounts)
            found.append((d, old, reference, advantages, returns))
        # Whitened over the whole rollout, not minibatch by minibatch.
        white = whiten(torch.cat([a[d.decides] for d, _, _, a, _ in found]))
        prepared: list[Prepared] = []
        for d, old, reference, advantages, returns in found:
            here, white = white[: int(d.decides.sum())], white[int(d.decides.sum()) :]
            prepared.append(Prepared(d, old, reference, advantages.masked_scatter(d.decides, here), returns))
        return prepared

    def _read(self, model: GroundedLM, value: ValueHead | None, d: Decisions) -> Reading:
        with torch.autocast(self.ctx.device, torch.bfloat16, enabled=self.ctx.precision == "bf16"):
            return read(model, value, d, self.sayable)

    def _update(self, prepared: Sequence[Prepared], warmup: bool) -> dict[str, float]:
        """K epochs of minibatch steps; the scalars are means over them."""
        sums: dict[str, list[float]] = {}
        for _ in range(self.options.epochs):
            for i in self.rng.permutation(len(prepared)):
                scalars = self._step(prepared[i], warmup)
                for name, value in scalars.items():
                    sums.setdefault(name, []).append(value)
            if sums["step_kl"][-1] > self.options.step_kl:
                break
        means = {name: float(np.mean(values)) for name, values in sums.items()}
        means["kl_items"] = float(np.mean(sums["kl_items"][-len(prepared) :]))
        returns = torch.cat([p.returns[p.d.decides] for p in prepared])
        values = torch.cat([p.old.values[p.d.decides] for p in prepared])
        spread = float(returns.var(correction=0))
        unexplained = float((returns - values).var(correction=0))
        return {**means, "beta": self.beta, "explained_variance": 1 - unexplained / max(spread, 1e-8)}

    def _step(self, p: Prepared, warmup: bool) -> dict[str, float]:
        options, d = self.options, p.d
        now = self._read(self.policy, self.value, d)
        values = value_loss(now.values, p.old.values, p.returns, options.value_clip)[d.decides].mean()
        item, old_item = choose(now.items, d), choose(p.old.items, d)
        at_items = torch.zeros_like(d.decides).scatter(1, d.batch.rec, d.item_ok) & d.decides
        item_advantages = p.advantages[at_items]
        items = policy_loss(item, old_item, item_advantages, options.clip).mean()
        kl_items = exact_kl(now.items, p.reference.items).mean()
        spread = entropy(now.items).mean()
        loss = options.value_weight * values
        loss = loss + items + self.beta * kl_items - options.entropy * spread
        kl_words = now.words.new_zeros(())
        if now.words.numel():
            words = policy_loss(now.words, p.old.words, p.advantages[d.word_ok], options.clip).mean()
            kl_words = k3(now.words, p.reference.words).mean()
            loss = loss + options.words * words + options.kl_words * kl_words
        if warmup:
            loss = options.value_weight * values
        if not math.isfinite(float(loss.detach())):
            raise CrsbenchError("PPO: the loss is not finite", "lower learning_rate or head_learning_rate")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_([*self.policy.parameters(), *self.value.parameters()], 1.0)
        if warmup:
            for parameter in self.policy.parameters():
                parameter.grad = None
        self.optimizer.step()
        ratio = (item - old_item).detach()
        return {
            "loss": float(loss.detach()),
            "value_loss": float(values.detach()),
            "kl_items": float(kl_items.detach()),
            "kl_words": float(kl_words.detach()),
            "entropy": float(spread.detach()),
            "step_kl": float(k3(item, old_item).mean().detach()),
            "clip_fraction": float((ratio.exp() - 1).abs().gt(options.clip).float().mean()),
            "gradient_norm": float(norm),
        }
