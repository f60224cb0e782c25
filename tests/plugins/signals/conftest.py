"""Transitions by hand, and a small log with known truth."""

from pathlib import Path

import numpy as np
import pytest
from crsbench_synthetic.dataset import SyntheticDataset
from crsbench_synthetic.options import DatasetOptions

from crsbench.episode import transitions
from crsbench.types import Action, Mention, State, Transition, Turn


def transition(reply="That sounds great.", **given):
    """A user's opening, a recommendation of item 3, "Happy Ending", and a reply (None: there is none).

    `sent` and `at` are the seconds of the system turn and of the reply.
    """
    text = given.get("text", "How about Happy Ending?")
    start = text.find("Happy Ending")
    named = (Mention("Happy Ending", 3, (start, start + 12) if start >= 0 else None),)
    state = State((Turn("user", "Hello, a film please.", seconds=0.0),), given.get("session"))
    system = Turn("system", text, named, (3,), given.get("sent", 1.0))
    ends = given.get("ends", False)
    turn = None
    if reply is not None:
        turn = Turn("user", reply, given.get("mentions", ()), seconds=given.get("at", 5.0), ends=ends)
    return Transition(
        state,
        Action((3,), text=text),
        turn,
        state.then(system, *([turn] if turn else [])),
        done=ends,
        censored=given.get("censored", False),
        dialogue=given.get("dialogue", "d"),
        index=0,
        fold=0,
        user=given.get("user"),
        later=tuple(Turn("user", text) for text in given.get("later", ())),
    )


@pytest.fixture
def make_transition():
    return transition


@pytest.fixture(scope="session")
def corpus():
    return SyntheticDataset(DatasetOptions(dialogues=3000, valid=0, test=1)).load("logged", Path("no"), 0)


@pytest.fixture(scope="session")
def log(corpus):
    """Transitions of 3,000 train dialogues, and z of each: bool [N]."""
    found = [t for dialogue in corpus.train.dialogues for t in transitions(dialogue)]
    return found, np.array([corpus.sealed.feedback[t.dialogue].liked[t.action.items[0]] for t in found])
