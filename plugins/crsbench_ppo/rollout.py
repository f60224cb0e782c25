"""Conversations to learn from: the policy acts, R_φ judges, and somebody answers or nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from crsbench_lm.batch import collate
from crsbench_lm.codec import DialogueCodec, Encoded, said_turn
from crsbench_lm.decode import chunks
from crsbench_lm.generation import Generation, device_of
from crsbench_lm.masks import unseen
from crsbench_lm.model import GroundedLM
from numpy.typing import NDArray

from crsbench.protocols import Partners, RewardModel
from crsbench.types import Action, Reward, State, Transition, Turn
from crsbench_ppo.packing import Conversation

Answer = tuple[Turn | None, bool]  # the user's turn, and whether the conversation is over
Answers = Callable[[Sequence[State], Sequence[Action]], Sequence[Answer]]
NOTHING = Reward(0.0)  # of a turn that was logged


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the user of a rollout behaves, to be compared with the log; nan where nobody answered."""

    leaves: float  # share of replies after which the user leaves
    reply_words: float  # mean words of a reply


@dataclass(slots=True)
class _Talk:
    """A conversation that is going on; keys are the turns that the policy took."""

    state: State
    fold: int | None  # of the dialogue that it begins with; what is left out of memory is as there
    logged: int  # turns of that dialogue
    said: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    rewards: dict[int, Reward] = field(default_factory=dict[int, Reward])
    allowed: dict[int, NDArray[np.bool_]] = field(default_factory=dict[int, "NDArray[np.bool_]"])
    ended: bool = False

    def row(self, codec: DialogueCodec) -> Encoded:
        """Its tokens as they were said, and an open system turn unless nothing comes after."""
        opens = None if self.ended else "system"
        return codec.encode(self.state.history, opens, self.said, self.fold, self.logged)


class _Speaker:
    """The policy in all talks of a rollout; what it has read of one it does not read again."""

    def __init__(self, policy: GroundedLM, codec: DialogueCodec, talks: Sequence[_Talk]) -> None:
        self.policy, self.codec = policy, codec
        parts = chunks([talk.row(codec) for talk in talks])
        self.groups = [[talks[i] for i in part] for part in parts]
        self.generations: list[Generation | None] = [None] * len(parts)

    @torch.no_grad()
    def speak(
        self, alive: Sequence[_Talk], mask: NDArray[np.bool_], max_words: int, rng: np.random.Generator
    ) -> list[tuple[int, list[int]]]:
        """(item among `mask`, word pieces) of the next turn of each talk that is alive."""
        place = {id(talk): n for n, talk in enumerate(alive)}
        taken: dict[int, tuple[int, list[int]]] = {}
        for g, members in enumerate(self.groups):
            kept = [m for m, talk in enumerate(members) if id(talk) in place]
            if not kept:
                continue
            self.groups[g] = left = [members[m] for m in kept]
            rows = [talk.row(self.codec).newest() for talk in left]
            generation = self.generations[g]
            if generation is None:
                generation = self.generations[g] = Generation(self.policy, self.codec, rows)
            else:
                generation.go_on(kept, rows)
            places = [place[id(talk)] for talk in left]
            _, items, pieces = generation.turn(mask[places], max_words, rng)
            taken |= dict(zip(places, zip(items.tolist(), pieces, strict=True), strict=True))
        return [taken[n] for n in range(len(alive))]


def model_rollout(
    policy: GroundedLM,
    codec: DialogueCodec,
    reward: RewardModel,
    seeds: Sequence[Transition],
    turns: int,
    max_words: int,
    rng: np.random.Generator,
) -> tuple[list[Conversation], Behaviour]:
    """Start in the logged states of `seeds`; the transition model p(u_{t+1} | s_t, a_t) answers."""

    def answers(states: Sequence[State], actions: Sequence[Action]) -> list[Answer]:
        heard = (
            state.then(said_turn(codec.catalog, action.items[0], action.text or ""))
            for state, action in zip(states, actions, strict=True)
        )
        return [(turn, turn.ends) for turn in reward.sample_reply(list(heard), rng)]

    talks = [_Talk(State(seed.state.history), seed.fold, len(seed.state.history)) for seed in seeds]
    return _converse(policy, codec, reward, talks, answers, turns, max_words, rng)


def simulator_rollout(
    policy: GroundedLM,
    codec: DialogueCodec,
    reward: RewardModel,
    users: Partners,
    seeds: Sequence[int],
    turns: int,
    max_words: int,
    rng: np.random.Generator,
) -> tuple[list[Conversation], Behaviour]:
    """Talk with a simulator's users, one a seed. What they are worth is still judged by R_φ."""
    talks = [_Talk(state, None, len(state.history)) for state in users.start(seeds)]
    return _converse(policy, codec, reward, talks, users.reply, turns, max_words, rng)


def _converse(
    policy: GroundedLM,
    codec: DialogueCodec,
    reward: RewardModel,
    talks: Sequence[_Talk],
    answers: Answers,
    turns: int,
    max_words: int,
    rng: np.random.Generator,
) -> tuple[list[Conversation], Behaviour]:
    """Talk for at most `turns` system turns; all conversations advance together."""
    speaker = _Speaker(policy, codec, talks)
    replies: list[Answer] = []
    for _ in range(turns):
        alive = [talk for talk in talks if not talk.ended]
        if not alive:
            break
        here = [talk.state for talk in alive]
        mask = unseen(here, len(codec.catalog))
        taken = speaker.speak(alive, mask, max_words, rng)
        actions = [Action((item,), text=codec.text(pieces, item)) for item, pieces in taken]
        judged = reward.score(here, actions)
        answered = answers(here, actions)
        replies += answered
        for n, talk in enumerate(alive):
            (item, pieces), (reply, talk.ended) = taken[n], answered[n]
            at = len(talk.state.history)
            talk.said[at] = pieces[:-1]  # the codec closes each turn itself
            talk.rewards[at], talk.allowed[at] = judged[n], mask[n]
            talk.state = talk.state.then(said_turn(codec.catalog, item, actions[n].text or ""))
            if reply is not None:
                talk.state = talk.state.then(replace(reply, ends=talk.ended))
    texts = [reply.text for reply, _ in replies if reply is not None]
    leaves = float(np.mean([over for _, over in replies]))
    behaviour = Behaviour(leaves, _mean([len(text.split()) for text in texts]))
    return [_packed(codec, talk) for talk in talks], behaviour


def _packed(codec: DialogueCodec, talk: _Talk) -> Conversation:
    row = talk.row(codec)
    taken = np.array([int(t) in talk.said for t in row.turns])
    spoken = np.zeros(len(row.ids), bool)
    for start, close in zip(row.rec[taken], codec.turn_ends(row)[taken], strict=True):
        spoken[start + 2 : close + 1] = True
    everything = np.ones(len(codec.catalog), bool)
    rewards = [talk.rewards.get(int(t), NOTHING) for t in row.turns]
    return Conversation(
        row=row,
        items=np.where(taken, row.shown, -1),
        rewards=np.array([reward.total for reward in rewards], np.float32),
        of_items=np.array([reward.parts.get("item", 0.0) for reward in rewards], np.float32),
        allowed=np.stack([talk.allowed.get(int(t), everything) for t in row.turns]),
        said=spoken,
        words=True,
        ended=talk.ended,
    )


def logged_rollout(
    policy: GroundedLM,
    codec: DialogueCodec,
    reward: RewardModel,
    dialogues: Sequence[Sequence[Transition]],
    rng: np.random.Generator,
) -> list[Conversation]:
    """One item choice at every recommendation of logged dialogues, each read once: no words, no next state.

    `dialogues` holds the transitions of each, in order. What was logged after a choice does not follow from
    it, so every position is an episode of its own.
    """
    rows = [codec.encode(steps[-1].next_state.history, fold=steps[0].fold) for steps in dialogues]
    states = [State(step.state.history) for steps in dialogues for step in steps]
    allowed = unseen(states, len(codec.catalog))
    logits = np.concatenate(list(_item_logits(policy, codec, rows, dialogues)))
    noise = rng.gumbel(size=logits.shape)
    chosen = (np.where(allowed, logits, -np.inf) + noise).argmax(1)
    worth = reward.score_items(states)[np.arange(len(states)), chosen]
    conversations: list[Conversation] = []
    at = 0
    for row, steps in zip(rows, dialogues, strict=True):
        here = slice(at, at := at + len(steps))
        conversations.append(_logged(codec, row, steps, chosen[here], worth[here], allowed[here]))
    return conversations


@torch.no_grad()
def _item_logits(
    policy: GroundedLM,
    codec: DialogueCodec,
    rows: Sequence[Encoded],
    dialogues: Sequence[Sequence[Transition]],
) -> Iterator[NDArray[np.float64]]:
    """Item logits [T, I] of each dialogue's transitions; 0 where the row was cut before one."""
    found: dict[int, NDArray[np.float64]] = {}
    for part in chunks(rows):
        batch = collate([rows[i] for i in part], codec, device_of(policy))
        tables = policy.item_logits(policy.hidden(batch), batch).double().cpu().numpy()
        found |= dict(zip(part.tolist(), tables, strict=True))
    for i, (row, steps) in enumerate(zip(rows, dialogues, strict=True)):
        position = {int(turn): t for t, turn in enumerate(row.turns)}
        places = [position.get(len(step.state.history)) for step in steps]
        nothing = np.zeros(policy.items)
        yield np.stack([nothing if t is None else found[i][t] for t in places])


def _logged(
    codec: DialogueCodec,
    row: Encoded,
    steps: Sequence[Transition],
    chosen: NDArray[np.int64],
    worth: NDArray[np.float32],
    allowed: NDArray[np.bool_],
) -> Conversation:
    """The logged row of one dialogue with a choice at each of its transitions."""
    T = len(row.rec)
    items, rewards = np.full(T, -1, np.int64), np.zeros(T, np.float32)
    may, said = np.ones((T, len(codec.catalog)), bool), np.zeros(len(row.ids), bool)
    closes = codec.turn_ends(row)
    position = {int(turn): t for t, turn in enumerate(row.turns)}
    for n, step in enumerate(steps):
        t = position.get(len(step.state.history))
        if t is not None:
            items[t], rewards[t], may[t] = chosen[n], worth[n], allowed[n]
            said[row.rec[t] + 2 : closes[t] + 1] = True
    said &= row.say & (row.ids != codec.end)
    # the policy says nothing here: all of a reward is the item's
    return Conversation(row, items, rewards, rewards.copy(), may, said, words=False, ended=True)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
