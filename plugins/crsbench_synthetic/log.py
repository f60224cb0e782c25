"""The log: dialogues that the logging recommender held with the scenario's users, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crsbench.types import Dialogue, Feedback, Row, State, Turn
from crsbench_synthetic import logger, replies, users
from crsbench_synthetic.shelves import Shelves
from crsbench_synthetic.world import TEST, TRAIN, VALID, World, stream

_LUCK = 24  # uniforms for the words of a system turn
_NAMES = {TRAIN: "train", VALID: "valid", TEST: "test"}


@dataclass(frozen=True, slots=True)
class Logged:
    """A dialogue, the `index` of its user, and its truth: `satisfied` and `exposed`, one a system turn."""

    dialogue: Dialogue
    index: int
    satisfied: tuple[bool, ...]
    exposed: tuple[bool, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        """The items that were recommended, one a system turn."""
        return users.shown(State(self.dialogue.turns))

    def rows(self) -> Iterator[Row]:
        """Every system turn as a row to be scored; its id is the dialogue's and the position of the turn."""
        name, turns = self.dialogue.id, self.dialogue.turns
        system = [at for at, turn in enumerate(turns) if turn.speaker == "system"]
        for at, exposed in zip(system, self.exposed, strict=True):
            yield Row(f"{name}-{at}", name, State(turns[:at]), turns[at].recommended, exposed)

    def feedback(self) -> Feedback:
        """What the user would say afterwards of each item that was recommended."""
        return Feedback(liked=dict(zip(self.shown, self.satisfied, strict=True)))


def write_log(world: World, source: int, count: int, exposed: float = 0.0) -> Iterator[Logged]:
    """The first `count` dialogues of a stream, each drawn when it is asked for, and none kept.

    In a share `exposed` of the turns every item is equally likely.
    """
    shelves = Shelves(world, world.released(source))
    for index in range(count):
        yield _converse(world, shelves, source, index, exposed)


def _converse(world: World, shelves: Shelves, source: int, index: int, exposed: float) -> Logged:
    user = users.draw_user(world, source, index)
    rng = stream(source, world.seed, index, 1)  # the logger's luck, apart from the user's
    state = State((replies.open_dialogue(world, user),))
    satisfied: list[bool] = []
    drawn_evenly: list[bool] = []
    over = False
    while not over:
        even, at, *luck = rng.random(2 + _LUCK).tolist()
        item = shelves.draw(state, at, even < exposed)
        text, mentions = logger.say(world, state, item, iter(luck))
        sent = (state.history[-1].seconds or 0.0) + replies.PAUSE
        reply = replies.answer(world, user, state, item, len(text.split()))
        state = state.then(Turn("system", text, mentions, (item,), round(sent, 2)), reply.turn)
        satisfied.append(reply.satisfied)
        drawn_evenly.append(even < exposed)
        over = reply.over
    name = f"{_NAMES[source]}-{index:05d}"
    return Logged(Dialogue(name, state.history, f"user-{name}"), index, tuple(satisfied), tuple(drawn_evenly))
