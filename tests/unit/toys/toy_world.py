"""A dataset of a few dialogues with sealed labels and truth, and its users."""

import hashlib
import json
from pathlib import Path

import numpy as np
from pydantic import Field

from crsbench import Options, Spec, hookimpl
from crsbench.types import (
    Catalog,
    Corpus,
    Dialogue,
    Feedback,
    Item,
    Mention,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
)

ITEMS = 6


class WorldOptions(Options):
    seed: int = 0
    train: int = Field(12, ge=1)
    mood: str = "calm"


class UserOptions(Options):
    mood: str = "calm"


def _turns(number: int) -> tuple[Turn, ...]:
    item = number % ITEMS
    said = Turn("system", f"see film {item}", (Mention(f"film {item}", item),), (item,), 5.0)
    return (
        Turn("user", "hello", (Mention("film 0", 0),), seconds=0.0),
        said,
        Turn("user", "great" if number % 2 else "no", seconds=9.0 + number),
        Turn("system", "and this", (), ((item + 1) % ITEMS,), 20.0 + number),
        Turn("user", "bye", seconds=30.0 + number, ends=number % 3 == 0),
    )


class World:
    protocols = ("plain", "other")
    default_protocol = "plain"
    simulator = "toy-users"

    def __init__(self, options):
        self.options = options

    def load(self, protocol, data_dir, seed):
        loads = Path(data_dir, "..", "loads.txt")  # beside the data: how often it was loaded
        loads.write_text(loads.read_text() + "x" if loads.exists() else "x")
        catalog = Catalog(tuple(Item(str(i), f"film {i}") for i in range(ITEMS)))
        train = tuple(Dialogue(f"d{n}", _turns(n + seed)) for n in range(self.options.train))
        valid = tuple(Dialogue(f"v{n}", _turns(n)) for n in range(3))
        rows = tuple(
            Row(f"t{n}", f"d{n}" if n < 2 else f"e{n}", State(_turns(n)[:1]), (n % ITEMS, 0), n % 2 == 0)
            for n in range(8)
        )
        held = tuple(Row(f"w{n}", f"v{n}", State(_turns(n)[:1]), (n % ITEMS,)) for n in range(3))
        sealed = Sealed(
            {"e2": Feedback(liked={2: True, 0: False})},
            {row.id: Truth(np.linspace(0, 1, ITEMS, dtype=np.float32)) for row in rows},
        )
        text = json.dumps([seed, protocol, self.options.train])
        return Corpus(
            catalog,
            Split(train),
            Split(valid, held),
            Split((), rows),
            sealed,
            hashlib.sha256(text.encode()).hexdigest()[:16],
            targets=17,
            dropped={"not in the catalogue": 1},
        )


class Users:
    """Each likes the items above its own number, and leaves after as many turns as that says."""

    episodes = 9

    def __init__(self, options):
        self.options = options

    def start(self, seeds):
        return [State((Turn("user", f"I am {seed % ITEMS}"),), seed) for seed in seeds]

    def reply(self, states, actions):
        answers = []
        for state, action in zip(states, actions, strict=True):
            turns = len(state.history) // 2 + 1
            happy = action.items[0] > state.session % ITEMS
            over = turns >= 2 + state.session % 2
            answers.append((Turn("user", "great" if happy else "no"), over))
        return answers

    def truth(self, states):
        return [
            Truth(
                np.arange(ITEMS, dtype=np.float32) / ITEMS,
                tuple(item > state.session % ITEMS for turn in state.history for item in turn.recommended),
            )
            for state in states
        ]


@hookimpl
def crsbench_datasets():
    return [Spec("toy", World, WorldOptions)]


@hookimpl
def crsbench_simulators():
    return [Spec("toy-users", Users, UserOptions)]
