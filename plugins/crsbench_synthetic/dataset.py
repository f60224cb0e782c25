"""The dataset `synthetic`: dialogues that the logging recommender held with the scenario's users."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from crsbench.types import Corpus, Dialogue, Feedback, Row, Sealed, Split, State, Truth, Turn
from crsbench_synthetic import logger, users
from crsbench_synthetic.options import DatasetOptions
from crsbench_synthetic.world import TEST, TRAIN, VALID, World, make_world, stream

_LUCK = 24  # uniforms for the words of a system turn
_NAMES = {TRAIN: "train", VALID: "valid", TEST: "test"}


@dataclass(frozen=True, slots=True)
class Logged:
    """A dialogue with its truth: `satisfied` and `exposed`, one a system turn."""

    dialogue: Dialogue
    user: users.User
    satisfied: tuple[bool, ...]
    exposed: tuple[bool, ...]


def converse(world: World, source: int, index: int, exposed: float = 0.0) -> Logged:
    """Dialogue `index` of a stream; in a share `exposed` of its turns any fresh item is equally likely."""
    user = users.draw_user(world, source, index)
    rng = stream(source, world.seed, index, 1)  # the logger's luck, apart from the user's
    state = State((users.open_dialogue(world, user),))
    satisfied: list[bool] = []
    drawn_evenly: list[bool] = []
    over = False
    while not over:
        even, at, *luck = rng.random(2 + _LUCK).tolist()
        p = logger.distribution(world, state)
        if even < exposed:
            p = (p > 0) / np.count_nonzero(p)
        item = min(int(np.searchsorted(np.cumsum(p), at, side="right")), len(p) - 1)
        text, mentions = logger.say(world, state, item, iter(luck))
        sent = (state.history[-1].seconds or 0.0) + users.PAUSE
        reply = users.answer(world, user, state, item, len(text.split()))
        state = state.then(Turn("system", text, mentions, (item,), round(sent, 2)), reply.turn)
        satisfied.append(reply.satisfied)
        drawn_evenly.append(even < exposed)
        over = reply.over
    name = f"{_NAMES[source]}-{index:05d}"
    return Logged(Dialogue(name, state.history, f"user-{name}"), user, tuple(satisfied), tuple(drawn_evenly))


def rows(world: World, logged: Logged) -> Iterator[tuple[Row, Truth]]:
    """Every system turn as a row to be scored, with the truth of its state.

    A row's id is the dialogue's and the position of its turn.
    """
    dialogue, number = logged.dialogue, 0
    for at, turn in enumerate(dialogue.turns):
        if turn.speaker != "system":
            continue
        state = State(dialogue.turns[:at])
        values = users.utilities(world, logged.user, users.shown(state)).astype(np.float32)
        row = Row(f"{dialogue.id}-{at}", dialogue.id, state, turn.recommended, logged.exposed[number])
        yield row, Truth(values, logged.satisfied[:number])
        number += 1


def feedback(logged: Logged) -> Feedback:
    """What the user would say afterwards of each item that was recommended."""
    items = [turn.recommended[0] for turn in logged.dialogue.turns if turn.speaker == "system"]
    return Feedback(liked=dict(zip(items, logged.satisfied, strict=True)))


class SyntheticDataset:
    """The scenario's log. Train and valid are the plain log; some test turns are exposed at random."""

    protocols: ClassVar[tuple[str, ...]] = ("logged",)
    default_protocol: ClassVar[str] = "logged"
    simulator: ClassVar[str | None] = "synthetic"

    def __init__(self, options: DatasetOptions | None = None) -> None:
        self.options = options or DatasetOptions()

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:
        """Draw everything from `options.seed`, which the simulator and the bounds share.

        Nothing is read from `data_dir`; `seed` is the caller's copy of the same option.
        """
        del protocol, data_dir, seed
        o = self.options
        world = make_world(o.items, o.seed)
        train = [converse(world, TRAIN, i) for i in range(o.dialogues)]
        valid = [converse(world, VALID, i) for i in range(o.valid)]
        test = [converse(world, TEST, i, o.exposed) for i in range(o.test)]
        scored = [pair for logged in test for pair in rows(world, logged)]
        sealed = Sealed(
            feedback={logged.dialogue.id: feedback(logged) for logged in (*train, *valid, *test)},
            truth={row.id: truth for row, truth in scored},
        )
        return Corpus(
            catalog=world.catalog,
            train=Split(tuple(logged.dialogue for logged in train)),
            valid=Split(
                tuple(logged.dialogue for logged in valid),
                tuple(row for logged in valid for row, _ in rows(world, logged)),
            ),
            test=Split(tuple(logged.dialogue for logged in test), tuple(row for row, _ in scored)),
            sealed=sealed,
            fingerprint=_fingerprint(world, [*train, *valid, *test]),
            targets=len(scored),
        )


def _fingerprint(world: World, log: list[Logged]) -> str:
    """A digest of the scenario, the catalogue and every turn with its truth."""
    digest = hashlib.sha256(json.dumps([asdict(world.scenario), world.catalog.fingerprint]).encode())
    for logged in log:
        turns = [(t.text, t.recommended, t.seconds, t.ends) for t in logged.dialogue.turns]
        digest.update(json.dumps([logged.dialogue.id, turns, logged.satisfied, logged.exposed]).encode())
    return digest.hexdigest()[:16]
