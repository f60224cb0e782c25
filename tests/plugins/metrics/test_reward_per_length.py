"""reward_per_length by hand: forms, repeats, and a scenario's utilities."""

import numpy as np
import pytest
from crsbench_metrics.reward_per_length import RewardPerLength

from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Feedback,
    Mention,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
)


def ranked(name, dialogue, *items, mentioned=()):
    turn = Turn("user", "hi", tuple(Mention("x", item) for item in mentioned))
    return RankedRow(Row(name, dialogue, State((turn,)), ()), Action(items), (), (), (), (), True)


def measure(rows, sealed):
    return RewardPerLength().measure(rows, Corpus(Catalog(()), Split(), Split(), Split(), sealed, "", 0))


def test_forms():
    form = Feedback(liked={1: True, 2: False, 3: True}, seen={2: True, 3: True, 4: False})
    rows = [
        ranked("a", "d", 1),  # liked
        ranked("b", "d", 2),  # seen alone
        ranked("c", "d", 9, 1),  # not on the form; what is ranked below counts nothing
        ranked("e", "d", 3, mentioned=[3]),  # liked, and mentioned before
        ranked("f", "open", 1),  # an empty form says nothing
        ranked("g", "e", 4),
    ]
    everything, new = measure(rows, Sealed({"d": form, "open": Feedback(), "e": form}))
    assert (everything.subset, new.subset, everything.unit) == ("all", "new", "dialogue")
    assert everything.ids == new.ids == ("d", "e")
    assert everything.values == pytest.approx(((1 + 0.5 + 0 + 1) / 4, 0))
    assert new.values == pytest.approx(((1 + 0.5) / 4, 0))


def test_a_scenario_knows_what_an_item_is_worth():
    truth = {"a": Truth(np.array([0.25, 0.5], np.float32)), "b": Truth(np.array([0.75, 0.0], np.float32))}
    everything, _ = measure(
        [ranked("a", "d", 1), ranked("b", "d", 0), ranked("c", "e", 0)], Sealed(truth=truth)
    )
    assert everything.ids == ("d",)
    assert everything.values == (0.625,)


def test_nobody_said_anything():
    (absent,) = measure([ranked("a", "d", 1)], Sealed())
    assert absent == Absent("reward_per_length", "no user said what was liked or seen")
