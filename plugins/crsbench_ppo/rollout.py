"""Conversations to learn from: the policy acts, the transition model answers, R_φ judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from crsbench_lm.codec import DialogueCodec, Encoded, said_turn
from crsbench_lm.decode import rank, system_turns
from crsbench_lm.model import GroundedLM
from numpy.typing import NDArray

from crsbench.protocols import RewardModel
from crsbench.types import Action, State, Transition, Turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """One packed conversation.

    `row` holds the seed's history, the turns that were taken and, where the user has not left, an open
    system turn whose value stands for the rest. For each recommendation position of `row`: `items` is the
    item chosen there (-1: nothing was), `rewards` the reward of that turn, `allowed` bool [T, I] the items
    that could be chosen. `words`: the words of these turns were chosen too. `ended`: nothing comes after.
    """

    row: Encoded
    items: NDArray[np.int64]
    rewards: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    words: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the transition model's user behaves, to be compared with the log."""

    leaves: float  # share of replies after which the user leaves
    reply_words: float  # mean words of a reply


def unseen(states: Sequence[State], items: int) -> NDArray[np.bool_]:
    """bool [S, I]: what the system has not recommended in the conversation yet."""
    allowed = np.ones((len(states), items), bool)
    for s, state in enumerate(states):
        shown = [i for turn in state.history if turn.speaker == "system" for i in turn.recommended]
        if len(set(shown)) < items:
            allowed[s, shown] = False
    return allowed


def model_rollout(
    policy: GroundedLM,
    codec: DialogueCodec,
    reward: RewardModel,
    seeds: Sequence[Transition],
    turns: int,
    max_words: int,
    rng: np.random.Generator,
) -> tuple[list[Conversation], Behaviour]:
    """Start in the states of `seeds` and talk for at most `turns` system turns."""
    states = [State(seed.state.history) for seed in seeds]
    said: list[dict[int, list[int]]] = [{} for _ in seeds]
    rewards: list[dict[int, float]] = [{} for _ in seeds]
    allowed: list[dict[int, NDArray[np.bool_]]] = [{} for _ in seeds]
    ended = [False] * len(seeds)
    replies: list[Turn] = []
    for _ in range(turns):
        alive = [s for s in range(len(seeds)) if not ended[s]]
        if not alive:
            break
        here = [states[s] for s in alive]
        mask = unseen(here, len(codec.catalog))
        taken = system_turns(policy, codec, here, max_words, mask, rng)
        actions = [
            Action((int(i),), text=codec.text(pieces, int(i)))
            for i, pieces in zip(taken.items, taken.pieces, strict=True)
        ]
        judged = reward.score(here, actions)
        for n, s in enumerate(alive):
            at = len(states[s].history)
            said[s][at] = taken.pieces[n][:-1]  # the codec closes each turn itself
            rewards[s][at], allowed[s][at] = judged[n].total, mask[n]
            states[s] = states[s].then(said_turn(codec.catalog, actions[n].items[0], actions[n].text or ""))
        answers = reward.sample_reply([states[s] for s in alive], rng)
        replies += answers
        for s, answer in zip(alive, answers, strict=True):
            states[s] = states[s].then(answer)
            ended[s] = answer.ends
    conversations: list[Conversation] = []
    for s, state in enumerate(states):
        row = codec.encode(state.history, None if ended[s] else "system", said[s])
        taken_at = [int(t) in said[s] for t in row.turns]
        conversations.append(
            Conversation(
                row=row,
                items=np.where(taken_at, row.shown, -1),
                rewards=np.array([rewards[s].get(int(t), 0.0) for t in row.turns], np.float32),
                allowed=np.stack(
                    [allowed[s].get(int(t), np.ones(len(codec.catalog), bool)) for t in row.turns]
                ),
                words=True,
                ended=ended[s],
            )
        )
    leaves = float(np.mean([r.ends for r in replies])) if replies else float("nan")
    words = float(np.mean([len(r.text.split()) for r in replies])) if replies else float("nan")
    return conversations, Behaviour(leaves, words)


def logged_rollout(
    policy: GroundedLM,
    codec: DialogueCodec,
    reward: RewardModel,
    seeds: Sequence[Transition],
    rng: np.random.Generator,
) -> list[Conversation]:
    """One item choice in each logged state: no words, no next state."""
    states = [State(seed.state.history) for seed in seeds]
    mask = unseen(states, len(codec.catalog))
    logits = np.where(mask, rank(policy, codec, states).astype(np.float64), -np.inf)
    chosen = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    judged = reward.score_items(states)
    conversations: list[Conversation] = []
    for s, state in enumerate(states):
        row = codec.encode(state.history, opens="system")
        last = np.arange(len(row.rec)) == len(row.rec) - 1
        conversations.append(
            Conversation(
                row=row,
                items=np.where(last, chosen[s], -1),
                rewards=np.where(last, judged[s, chosen[s]], 0.0).astype(np.float32),
                allowed=np.where(last[:, None], mask[s], True),
                words=False,
                ended=True,
            )
        )
    return conversations
