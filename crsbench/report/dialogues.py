"""Conversations of the same simulated users before and after training, item by item, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crsbench.chat.typed import Linker
from crsbench.errors import CrsbenchError, DataError
from crsbench.protocols import Explained
from crsbench.record import Run
from crsbench.reopened import Reopened, because
from crsbench.types import Action, Mention, State, Turn

SHOWN = 3  # users
UNSURE = "the reason of each turn where the saved policy, asked about the recorded text, ranks another first"
Part = tuple[str, bool]  # a piece of text, and whether it names an item


@dataclass(frozen=True)
class Said:
    """A turn: its text in pieces, and for what is recommended the reason."""

    speaker: str
    parts: tuple[Part, ...]
    why: str | None = None


@dataclass(frozen=True)
class Example:
    """One conversation of a user with a stage of the policy."""

    user: str
    stage: str
    turns: tuple[Said, ...]
    values: tuple[tuple[str, float], ...]


def examples(run: Run) -> list[Mapping[str, Any]]:
    """The first users' greedy conversations, as recorded: no one chose them. Raises DataError."""
    file = run.path / "episodes.jsonl"
    try:
        episodes = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{file.name} of run {run.id} cannot be read: {type(error).__name__}") from error
    greedy = [one for one in episodes if one["decoding"] == "greedy"]
    users = list(dict.fromkeys(one["id"] for one in greedy))[:SHOWN]
    return [one for user in users for one in greedy if one["id"] == user]


def shown(episodes: Sequence[Mapping[str, Any]], opened: Reopened | None) -> tuple[list[Example], list[str]]:
    """The conversations with reasons where the policy gives them, and why it gives none."""
    titles = Linker(opened.corpus.catalog) if opened else None
    notes: dict[str, None] = {}
    policies: dict[str, Any] = {}
    found: list[Example] = []
    for episode in episodes:
        stage = episode["stage"]
        if opened is not None and stage not in policies:
            try:
                policies[stage] = _policy(opened, stage)
            except CrsbenchError as error:
                notes[f"no reasons for {stage}: {error.message}"] = None
                policies[stage] = None
        policy = policies.get(stage)
        turns: list[Said] = []
        history: list[Turn] = []
        for turn in episode["turns"]:
            why = None
            if turn["speaker"] == "system" and turn["items"] and opened is not None and policy is not None:
                why = _why(opened, policy, State(tuple(history)), turn["items"][0])
                if why is None:
                    notes[f"{stage}: {UNSURE}"] = None
            mentions = titles.find(turn["text"]) if titles else ()
            turns.append(Said(turn["speaker"], _parts(turn["text"], mentions), why))
            history.append(Turn(turn["speaker"], turn["text"], mentions, tuple(turn["items"])))
        found.append(Example(episode["id"], stage, tuple(turns), tuple(episode["values"].items())))
    return found, list(notes)


def _policy(opened: Reopened, stage: str) -> Any:
    """The policy of a stage: the run's own, or what is kept of an earlier one. Raises DataError."""
    policy = opened.policy
    if stage != "final":
        ids = [one["id"] for one in opened.run.record["stages"] if one["name"] == stage]
        folder = opened.store.out / "stages" / (ids or ["-"])[0] / "files"
        if not folder.is_dir():
            raise DataError("the run's store does not hold it any more")
        with opened.asking():
            policy = opened.plan.policy.make().load(folder, "cpu")
    if not isinstance(policy, Explained):
        raise DataError(f"{opened.plan.policy.name} does not explain its recommendations")
    return policy


def _why(opened: Reopened, policy: Any, state: State, item: int) -> str | None:
    """Why the item was recommended; None where the policy would not recommend it now."""
    mask = np.ones((1, len(opened.corpus.catalog)), np.bool_)
    mask[0, [i for turn in state.history for i in turn.recommended]] = False
    action: Action
    with opened.asking():
        (action,) = policy.act([state], "ranking", k=1, mask=mask)
        if action.items[:1] != (item,):
            return None
        (reasons,) = policy.explain([state], [item])
    return because(reasons, state)


def _parts(text: str, mentions: Sequence[Mention]) -> tuple[Part, ...]:
    """The text cut where items are named."""
    found: list[Part] = []
    at = 0
    for mention in mentions:
        if mention.item is not None and mention.span is not None:
            start, end = mention.span
            found += [(text[at:start], False), (text[start:end], True)]
            at = end
    return tuple(part for part in [*found, (text[at:], False)] if part[0])
