"""Proximal policy optimisation of a grounded language model, turn by turn of a dialogue.

A state s_t is the dialogue so far; an action a_t is a system turn: first an item out of the catalogue, then
words, token by token. Each round

1. rolls out conversations with the current policy (`rollout.py`),
2. reads log-probabilities and values of every decision in one pass, and those of the reference in another
   (`packing.py`),
3. estimates advantages by GAE over the tokens of a turn and over turns,
4. takes clipped steps on minibatches of conversations, for K epochs,
5. steers the coefficient of the KL to the reference towards its target,

and leaves a checkpoint from which a run that was cut short goes on, bit for bit (`checkpoint.py`). Several
processes do it together, each with its part of the conversations (`processes.py`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.model import GroundedLM
from torch import Tensor, nn

from crsbench.errors import CrsbenchError
from crsbench.protocols import Context, RewardModel
from crsbench.types import State, Transition
from crsbench_ppo import checkpoint, memory, processes
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
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.packing import Conversation, Decisions, Reading, ValueHead, decisions, read, sayable
from crsbench_ppo.rollout import logged_rollout, model_rollout, simulator_rollout

Scalars = dict[str, float]


class DivergedError(CrsbenchError):
    """Training cannot go on: a number that is none, a collapse, or a policy far from its reference."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of each kind a minibatch holds, in all processes together: what its means divide by."""

    choices: int  # of items
    decisions: int  # of items and of words
    said: int  # words that the policy chose
    words: int  # those, or the logged ones in their place

    @classmethod
    def of(cls, d: Decisions) -> Counts:
        numbers = {
            "choices": d.item_ok.sum(),
            "decisions": d.decides.sum(),
            "said": d.decides[d.word_at].sum(),
            "words": d.word_at.sum(),
        }
        here = {name: float(number) for name, number in numbers.items()}
        return cls(**{name: int(n) for name, n in processes.totals(here).items()})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A minibatch with everything that stays fixed while the policy changes."""

    d: Decisions
    old: Reading
    reference: Reading
    advantages: Tensor
    returns: Tensor
    counts: Counts


def estimate(
    found: Sequence[tuple[Decisions, Reading, Reading]], discounts: Discounts, white: bool
) -> list[Prepared]:
    """Advantages and returns of (decisions, old, reference); whitened over the rollout as a whole."""
    estimates: list[tuple[Tensor, Tensor]] = []
    for d, old, _ in found:
        after = old.values.gather(1, d.bootstrap[:, None])[:, 0].masked_fill(d.ended, 0.0)
        estimates.append(gae(old.values, d.rewards, d.decides, d.turn_ends, after, discounts))
    flat = torch.cat([a[d.decides] for (d, _, _), (a, _) in zip(found, estimates, strict=True)])
    counts = [Counts.of(d) for d, _, _ in found]
    if white:
        flat = whiten(flat, processes.mean, sum(count.decisions for count in counts))
    parts = flat.split([int(d.decides.sum()) for d, _, _ in found])
    return [
        Prepared(d, old, reference, a.masked_scatter(d.decides, part), returns, count)
        for (d, old, reference), (a, returns), part, count in zip(
            found, estimates, parts, counts, strict=True
        )
    ]


def surrogate(now: Reading, p: Prepared, options: PpoOptions, beta: float) -> tuple[Tensor, Scalars]:
    """The loss of a minibatch, each term a mean over its decisions (a process's share of it, where there are
    several: the shares add up to the mean):

    L = L_items + w L_words + c1 L_value + β KL_items + β_a KL_again + β_w KL_words − c2 H

    KL_items is exact over the items that could be chosen, KL_again over each of the others and all that
    could. KL_words is the k3 estimate: from the policy's own words of KL(π ‖ π_ref), from logged words, which
    π_ref has learnt to say, of KL(π_ref ‖ π).
    """
    d, n = p.d, p.counts
    items, old_items = choose(now.items, d), choose(p.old.items, d)
    item_loss = policy_loss(items, old_items, p.advantages[d.item_at], options.clip).sum() / n.choices
    squares = value_loss(now.values, p.old.values, p.returns, options.value_clip)[d.decides].sum()
    squares = squares / n.decisions
    kl_items = exact_kl(now.items, p.reference.items).sum() / n.choices
    kl_again = exact_kl(now.again, p.reference.again).sum() / n.choices
    spread = entropy(now.items).sum() / n.choices
    loss = item_loss + options.value_weight * squares + beta * kl_items - options.entropy * spread
    kl_words = torch.zeros_like(loss)
    if n.said:
        chosen = d.decides[d.word_at]
        words, old_words = now.words[chosen], p.old.words[chosen]
        advantages = p.advantages[d.word_at][chosen]
        word_loss = policy_loss(words, old_words, advantages, options.clip).sum() / n.said
        loss = loss + options.words * word_loss
        kl_words = k3(words, p.reference.words[chosen]).sum() / n.said
    elif n.words:
        kl_words = k3(p.reference.words, now.words).sum() / n.words
    loss = loss + options.kl_again * kl_again + options.kl_words * kl_words
    ratio = (items - old_items).detach().exp()
    return loss, {
        "loss": float(loss.detach()),
        "value_loss": float(squares.detach()),
        "kl_items": float(kl_items.detach()),
        "kl_again": float(kl_again.detach()),
        "kl_words": float(kl_words.detach()),
        "entropy": float(spread.detach()),
        "step_kl": float(k3(items, old_items).detach().sum()) / n.choices,
        "clip_fraction": float((ratio - 1).abs().gt(options.clip).sum()) / n.choices,
    }


def choose(tables: Tensor, d: Decisions) -> Tensor:
    """Log-probabilities [n] of the items that were chosen."""
    return tables.gather(1, d.items[d.item_ok][:, None])[:, 0]


def improve(
    reader: Callable[[Decisions], Reading],
    optimizer: torch.optim.Optimizer,
    prepared: Sequence[Prepared],
    options: PpoOptions,
    beta: float,
    rng: np.random.Generator,
) -> Scalars:
    """K epochs of clipped steps on the minibatches; means over them, of the KL and entropy the last epoch's.

    Ends early once the policy is `step_kl` away from that of the rollout. Raises DivergedError where a loss
    is not finite: nothing has been stepped on then.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    epochs: list[list[Scalars]] = []
    for _ in range(options.epochs):
        epochs.append([])
        for i in rng.permutation(len(prepared)):
            loss, scalars = surrogate(reader(prepared[i].d), prepared[i], options, beta)
            scalars = processes.totals(scalars)
            if not math.isfinite(scalars["loss"]):
                raise DivergedError("PPO: the loss is not finite", "lower learning_rate, or look at R_φ")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            processes.sum_gradients(parameters)
            norm = nn.utils.clip_grad_norm_(parameters, options.gradient_norm)
            optimizer.step()
            epochs[-1].append({**scalars, "gradient_norm": float(norm)})
        if epochs[-1][-1]["step_kl"] > options.step_kl:
            break
    means = mean_of([scalars for epoch in epochs for scalars in epoch])
    last = mean_of(epochs[-1])
    return means | {name: last[name] for name in ("kl_items", "kl_again", "kl_words", "entropy")}


def mean_of(rows: Sequence[Scalars]) -> Scalars:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def explained_variance(prepared: Sequence[Prepared]) -> float:
    """1 − Var(R − V) / Var(R): 0 for a constant value, 1 for a perfect one."""
    returns = torch.cat([p.returns[p.d.decides] for p in prepared])
    values = torch.cat([p.old.values[p.d.decides] for p in prepared])

    def variance(x: Tensor) -> Tensor:
        return processes.mean((x - processes.mean(x)).square())

    return float(1 - variance(returns - values) / variance(returns).clamp(min=1e-8))


class PpoTrainer:
    """Tunes `policy` in place, from the state it is in, which is also its reference."""

    def __init__(
        self, policy: GroundedLM, codec: DialogueCodec, reward: RewardModel, options: PpoOptions, ctx: Context
    ) -> None:
        self.policy, self.codec, self.reward, self.options, self.ctx = policy, codec, reward, options, ctx
        self.reference = copy.deepcopy(policy).eval().requires_grad_(requires_grad=False)
        memory.prepare(policy, options)
        self.value = ValueHead(policy.free.embedding_dim).to(ctx.device)
        body = {id(p) for p in policy.lm.parameters()}
        trained = [p for p in policy.parameters() if p.requires_grad]
        self.rates = [options.learning_rate, options.head_learning_rate]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in trained if id(p) in body]},
                {"params": [*(p for p in trained if id(p) not in body), *self.value.parameters()]},
            ],
            betas=(0.9, 0.95),
            weight_decay=0.0,
            fused=True,
        )
        self.beta, self.kl_target = options.kl, options.kl_target
        self.history: list[Scalars] = []
        self.rng = np.random.default_rng([ctx.seed, 1])
        follows = options.turn_discount if options.rollout != "logged" else 0.0
        self.discounts = Discounts(follows, options.turn_lambda, options.token_discount, options.token_lambda)
        self.sayable = sayable(codec).to(ctx.device)
        self.believed = 1.0  # the share of what the reward says of an item in all conversations alike,
        self.excess = np.zeros(policy.items, np.float32)  # and the rest of that, which is taken off
        self.minibatch = processes.share(options.minibatch, "minibatch")

    def train(self, transitions: Sequence[Transition], after: Callable[[int], None] = lambda _: None) -> None:
        """All rounds, or those that are left; `after` is called with the number of each.

        Raises DivergedError on a reward or a loss that is not finite, a collapse of the entropy or a KL that
        runs away; the policy is then that of the last good round.
        """
        self._weigh(transitions)
        self._resume()
        total = self.options.iterations
        for step in self.ctx.progress(range(len(self.history) + 1, total + 1), total, "PPO"):
            try:
                scalars = self._round(step, transitions)
            except DivergedError:
                self._restore()
                raise
            self.history.append(scalars)
            self._report(step, scalars)
            after(step)
            self._keep()

    def _weigh(self, transitions: Sequence[Transition]) -> None:
        """Believe the reward as far as it knows of the conversations; from one alone nothing can be told.

        What it says of an item in all of them alike may be bait, which holds people and disappoints them, and
        leads to one list for all: the more it outweighs the rest, the less of it counts. And the policy goes
        from its reference only as far as the rest goes: the KL of the best policy under a penalty β KL grows
        with Var(r) / 2β². It goes there in smaller steps, because whitened advantages are as large as ever,
        and hold more noise.
        """
        options = self.options
        some = transitions[:: max(1, len(transitions) // WEIGHED_STATES)]
        if len(some) < 2 or not (options.kl_spread or options.item_spread):
            return
        scores = torch.from_numpy(self.reward.score_items([State(t.state.history) for t in some]))
        if not scores.isfinite().all():
            raise DivergedError("PPO: what R_φ says of items is not finite", "look at how R_φ was trained")
        spread = float(processes.mean(torch.tensor([context_spread(scores)])))
        if options.item_spread:
            alike = processes.total(by_item(scores)) / processes.size()
            self.believed = shrinkage(spread, float(alike.std(correction=0)) * options.item_spread)
            self.excess = (1 - self.believed) * alike.numpy()
        if options.kl_spread:
            weight = max(0.01, shrinkage(spread, options.kl_spread))
            self.kl_target *= weight
            self.beta /= weight
            self.rates = [rate * math.sqrt(weight) for rate in self.rates]

    def _round(self, step: int, transitions: Sequence[Transition]) -> Scalars:
        options = self.options
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * rate_share(step, options)
        self.policy.eval()  # dropout stays off: the ratio of the first step is exactly 1
        conversations, scalars = self._rollout(step, transitions)
        prepared = self._prepare(conversations)
        scalars |= {
            "beta": self.beta,
            "kl_target": self.kl_target,
            "believed": self.believed,
            "explained_variance": explained_variance(prepared),
        }
        if step <= options.value_warmup:
            return scalars | self._warm_up(prepared)
        memory.recompute(self.policy, options)
        scalars |= improve(self._read_policy, self.optimizer, prepared, options, self.beta, self.rng)
        if scalars["entropy"] < options.entropy_floor and self.policy.items > 1:
            text = f"PPO: the entropy of item choices has collapsed to {scalars['entropy']:.3g} nats"
            raise DivergedError(text, "raise entropy or kl, or lower entropy_floor")
        if scalars["kl_items"] > options.kl_stop * options.kl_target:
            text = f"PPO: the KL to the SFT policy has run away, to {scalars['kl_items']:.3g} nats a choice"
            raise DivergedError(text, "raise kl, or lower learning_rate")
        self.beta = adapt(self.beta, scalars["kl_items"], self.kl_target)
        return scalars

    def _rollout(self, step: int, transitions: Sequence[Transition]) -> tuple[list[Conversation], Scalars]:
        """This process's part of the conversations; what is said of them is said of all."""
        options = self.options
        rng = np.random.default_rng([self.ctx.seed, 2, step, processes.rank()])
        talk = (options.turns, options.sft.max_words, rng)
        parts = (self.policy, self.codec, self.reward)
        behaviour = None
        if options.rollout == "logged":
            dialogues = by_dialogue(transitions)
            picks = self._pick(len(dialogues))
            conversations = logged_rollout(*parts, [dialogues[i] for i in picks], rng)
        elif options.rollout == "simulator":
            users = self.rng.integers(0, 2**29, options.dialogues)[self._mine].tolist()
            conversations, behaviour = simulator_rollout(*parts, self.ctx.simulator, users, *talk)
        else:
            picks = self._pick(len(transitions))
            conversations, behaviour = model_rollout(*parts, [transitions[i] for i in picks], *talk)
        rewards = np.concatenate([c.rewards[c.items >= 0] for c in conversations])
        chosen = np.concatenate([c.items[c.items >= 0] for c in conversations])
        for c in conversations:
            taken = c.items >= 0
            for paid in (c.rewards, c.of_items):
                paid[taken] -= self.excess[c.items[taken]]
        if options.control == "permuted":
            permute_rewards(conversations, rng)
        shown = processes.total(torch.from_numpy(np.bincount(chosen, minlength=self.policy.items)))
        means = {"reward": rewards.mean(), "turns": len(rewards) / len(conversations)}
        if behaviour is not None:
            means |= {"user_leaves": behaviour.leaves, "user_words": behaviour.reply_words}
        scalars = processes.totals({name: float(x) / processes.size() for name, x in means.items()})
        return conversations, scalars | {"items": float((shown > 0).sum())}

    def _pick(self, n: int) -> list[int]:
        picks = self.rng.choice(n, self.options.dialogues, replace=n < self.options.dialogues)
        return picks[self._mine].tolist()

    @property
    def _mine(self) -> slice:
        return slice(processes.rank(), None, processes.size())

    @torch.no_grad()
    def _prepare(self, conversations: Sequence[Conversation]) -> list[Prepared]:
        found: list[tuple[Decisions, Reading, Reading]] = []
        order = np.argsort([len(c.row.ids) for c in conversations], kind="stable")
        for start in range(0, len(order), self.minibatch):
            part = [conversations[i] for i in order[start : start + self.minibatch]]
            d = decisions(part, self.codec, self.ctx.device)
            found.append((d, self._read_policy(d), self._read(self.reference, None, d)))
        return estimate(found, self.discounts, self.options.whiten)

    def _warm_up(self, prepared: Sequence[Prepared]) -> Scalars:
        """Fit the value head alone to the returns, on the hidden states as they are."""
        with torch.no_grad():
            hidden = torch.cat([self.policy.hidden(p.d.batch)[p.d.decides].float() for p in prepared])
        returns = torch.cat([p.returns[p.d.decides] for p in prepared])
        n = sum(p.counts.decisions for p in prepared)
        for _ in range(WARM_UP_STEPS):
            loss = 0.5 * (self.value(hidden) - returns).square().sum() / n
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            processes.sum_gradients(self.value.parameters())
            self.optimizer.step()
        return {"value_loss": float(processes.total(loss.detach())), "kl_items": 0.0}

    def _read_policy(self, d: Decisions) -> Reading:
        return self._read(self.policy, self.value, d)

    def _read(self, model: GroundedLM, value: ValueHead | None, d: Decisions) -> Reading:
        with torch.autocast(self.ctx.device, torch.bfloat16, enabled=self.ctx.precision == "bf16"):
            return read(model, value, d, self.sayable)

    @property
    def _modules(self) -> dict[str, nn.Module]:
        return {"policy": self.policy, "value": self.value}

    def _keep(self) -> None:
        if processes.rank():
            return
        facts = {"beta": self.beta, "history": self.history}
        checkpoint.write(self.ctx.checkpoints, self._modules, self.optimizer, self.rng, facts)

    def _restore(self) -> bool:
        """Go back to the last checkpoint, if there is one."""
        facts: Any = checkpoint.read(self.ctx.checkpoints, self._modules, self.optimizer, self.rng)
        if facts is not None:
            self.beta, self.history = facts["beta"], facts["history"]
        return facts is not None

    def _resume(self) -> None:
        if processes.rank() == 0 and not self._restore():
            self._keep()
        processes.wait()
        if processes.rank():
            self._restore()
        for step, scalars in enumerate(self.history, 1):
            self._report(step, scalars)

    def _report(self, step: int, scalars: Scalars) -> None:
        self.ctx.step(step, {f"ppo/{name}": value for name, value in scalars.items()})


WEIGHED_STATES = 250  # of which the reward is asked before training, about
WARM_UP_STEPS = 50  # of the value head in a round of its warm-up: it costs next to nothing


def rate_share(step: int, options: PpoOptions) -> float:
    """How much of its rates a round has, from 1 on: Adam's first steps are as large as its later ones, and
    know less, so the rates rise from where the policy begins to be trained."""
    share = 1 - (step - 1) / options.iterations if options.anneal else 1.0
    trained = step - options.value_warmup
    return share * min(1.0, trained / options.rise) if trained > 0 else share


def by_dialogue(transitions: Sequence[Transition]) -> list[list[Transition]]:
    """Transitions of one dialogue each, in order."""
    found: dict[str, list[Transition]] = {}
    for transition in transitions:
        found.setdefault(transition.dialogue, []).append(transition)
    return list(found.values())


def permute_rewards(conversations: Sequence[Conversation], rng: np.random.Generator) -> None:
    """The control: rewards change places among all turns of a rollout, in place."""
    rewards = np.concatenate([np.stack([c.rewards, c.of_items], axis=1)[c.items >= 0] for c in conversations])
    rng.shuffle(rewards)
    for c in conversations:
        n = int((c.items >= 0).sum())
        (c.rewards[c.items >= 0], c.of_items[c.items >= 0]), rewards = rewards[:n].T, rewards[n:]
