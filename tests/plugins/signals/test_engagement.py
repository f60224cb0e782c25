import numpy as np
import pytest
from crsbench_signals.engagement import Engagement
from crsbench_signals.options import EngagementOptions

from crsbench.types import Mention


@pytest.mark.parametrize(
    ("given", "signs"),
    [
        ({"reply": "Fine."}, 2),  # replies and stays
        ({"reply": "Who is in it?"}, 3),
        ({"reply": "Happy Ending it is. Who is in it?"}, 4),
        ({"reply": "That one, yes.", "mentions": (Mention("Happy Ending", 3),)}, 3),
        ({"reply": "Rather Heat.", "mentions": (Mention("Heat", 4),)}, 2),
        ({"reply": "Bye.", "ends": True}, 1),
        ({"reply": "Fine.", "censored": True}, 2),  # the recording stops: nobody is known to leave
        ({"reply": None}, 1),  # the system goes on talking: the user was silent but stays
    ],
)
def test_counts_the_signs(make_transition, given, signs):
    assert Engagement().measure([make_transition(**given)]).values[0] == signs / 4


def test_nothing_is_known_where_the_recording_stops_before_a_reply(make_transition):
    assert np.isnan(Engagement().measure([make_transition(None, censored=True)]).values[0])


def test_says_whose_behaviour_it_is(make_transition):
    assert Engagement().measure([make_transition()]).source == "logged"
    assert Engagement().measure([make_transition(session=0)]).source == "simulated"


def test_variants_are_one_sign_each(make_transition):
    step = make_transition("Who is in Happy Ending?", ends=True)
    expected = {"reply": 1, "length": 5, "question": 1, "again": 1, "stays": 0}
    found = {name: Engagement(EngagementOptions(variant=name)).measure([step]).values[0] for name in expected}
    assert found == expected
    silent = [make_transition(None), make_transition(None, censored=True)]
    for variant, known in {"reply": 0, "stays": 1, "length": np.nan}.items():
        values = Engagement(EngagementOptions(variant=variant)).measure(silent).values
        assert np.array_equal(values, [known, np.nan], equal_nan=True)
