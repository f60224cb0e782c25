"""Conversations: a logged dialogue as transitions, and a policy that talks with a simulator's users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from crsbench.asking import BATCH, Actor, Users
from crsbench.errors import PluginError
from crsbench.record import Decoding
from crsbench.types import Action, Catalog, Dialogue, Episode, Mention, State, Transition, Truth, Turn
from crsbench.ui import Ui

FIRST_USER = 1_000_000_000  # seeds of evaluation users begin here; training uses smaller ones
USERS = 400  # how many, where the simulator does not say (attribute `episodes`)
MAX_TURNS = 50  # a conversation that goes on longer is cut, and its last transition censored


def transitions(dialogue: Dialogue) -> tuple[Transition, ...]:
    """One transition for each system turn that recommends something.

    `done` where the user is known to leave with the reply; `censored` where the recording stops instead.
    A system turn that another follows has no reply, but its absence was observed.
    """
    found: list[Transition] = []
    for at, turn in enumerate(dialogue.turns):
        if turn.speaker != "system" or not turn.recommended:
            continue
        after = dialogue.turns[at + 1 : at + 2]
        reply = after[0] if after and after[0].speaker == "user" else None
        state = State(dialogue.turns[:at])
        done = reply is not None and reply.ends
        later = dialogue.turns[at + 1 + (reply is not None) :]
        found.append(
            Transition(
                state=state,
                action=Action(tuple(dict.fromkeys(turn.recommended)), text=turn.text),
                reply=reply,
                next_state=state.then(turn, *([reply] if reply else [])),
                done=done,
                censored=not later and not done,
                dialogue=dialogue.id,
                index=len(found),
                fold=dialogue.fold,
                user=dialogue.user,
                later=later,
            )
        )
    return tuple(found)


def system_turn(action: Action, catalog: Catalog) -> Turn:
    """A policy's action as a turn of the history: its text, its first item recommended and mentioned."""
    item, text = action.items[0], action.text or ""
    title = catalog.items[item].title
    at = text.find(title)
    span = (at, at + len(title)) if at >= 0 else None
    return Turn("system", text, mentions=(Mention(title, item, span),), recommended=(item,))


@dataclass(slots=True)
class _Talk:
    """A conversation that is going on."""

    seed: int
    state: State
    transitions: list[Transition] = field(default_factory=list[Transition])

    def episode(self, truth: Truth | None, decoding: Decoding) -> Episode:
        return Episode(self.seed, tuple(self.transitions), truth, decoding)


def rollout(
    actor: Actor,
    users: Users,
    catalog: Catalog,
    seeds: Sequence[int],
    decoding: Decoding,
    rng: np.random.Generator,
    ui: Ui,
) -> list[Episode]:
    """Let the policy talk with one user a seed; all advance together, one batch a turn.

    What was recommended in a conversation is masked in it from then on, for every policy alike. `rng` is
    used for "sampled" only.
    """
    talks = [_Talk(seed, state) for seed, state in zip(seeds, users.start(seeds), strict=True)]
    sampling = rng if decoding == "sampled" else None
    going = _advance(talks, actor, users, catalog, sampling)
    for _ in ui.progress(going, len(talks), f"{actor.stage}: conversations, {decoding}"):
        pass
    return [talk.episode(truth, decoding) for talk, truth in zip(talks, _felt(users, talks), strict=True)]


def _advance(
    talks: list[_Talk],
    actor: Actor,
    users: Users,
    catalog: Catalog,
    rng: np.random.Generator | None,
) -> Iterator[int]:
    """Play all conversations to their end, yielding the seed of each that is over."""
    active = talks
    for turn in range(MAX_TURNS):
        going: list[_Talk] = []
        for start in range(0, len(active), BATCH):
            batch = active[start : start + BATCH]
            actions = _speak(actor, users, batch, rng)
            replies = users.reply([talk.state for talk in batch], actions)
            for talk, action, (reply, over) in zip(batch, actions, replies, strict=True):
                stops = over or turn + 1 in (MAX_TURNS, len(catalog))
                _record(talk, action, reply, stops, catalog)
                if stops:
                    yield talk.seed
                else:
                    going.append(talk)
        active = going
        if not active:
            return


def _speak(actor: Actor, users: Users, batch: list[_Talk], rng: np.random.Generator | None) -> list[Action]:
    mask = np.ones((len(batch), actor.items), bool)
    for row, talk in zip(mask, batch, strict=True):
        row[[step.action.items[0] for step in talk.transitions]] = False
    states = [talk.state for talk in batch]
    truths = users.truth(states) if actor.privileged else None
    if actor.privileged and truths is None:
        raise PluginError(f"{actor.plugin} needs a simulator that knows the truth", actor.plugin)
    return actor.act(states, "turn", 1, mask, rng, truths)


def _record(talk: _Talk, action: Action, reply: Turn | None, stops: bool, catalog: Catalog) -> None:
    """Add what was said to the conversation. As in logged dialogue, a user leaves with a reply that `ends`; a
    conversation that stops otherwise is censored: nobody knows how it would have gone on."""
    state = talk.state
    talk.state = state.then(system_turn(action, catalog), *([reply] if reply else []))
    done = reply is not None and reply.ends
    talk.transitions.append(
        Transition(
            state=state,
            action=action,
            reply=reply,
            next_state=talk.state,
            done=done,
            censored=stops and not done,
            dialogue=str(talk.seed),
            index=len(talk.transitions),
            fold=Dialogue(str(talk.seed), ()).fold,
        )
    )


def _felt(users: Users, talks: Sequence[_Talk]) -> list[Truth | None]:
    """z of each conversation that is over; its utilities, a number an item, are not kept."""
    found: list[Truth | None] = []
    for start in range(0, len(talks), BATCH):
        batch = talks[start : start + BATCH]
        truths = users.truth([talk.state for talk in batch]) or [None] * len(batch)
        found += [truth and Truth(satisfied=truth.satisfied) for truth in truths]
    return found
