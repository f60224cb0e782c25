import math

import numpy as np
import pytest
from crsbench_signals.dwell import Dwell
from crsbench_signals.options import DwellOptions


def dwell(*transitions, **options):
    return Dwell(DwellOptions(**options)).measure(transitions)


def test_raw_is_the_time_from_the_system_turn_to_the_reply(make_transition):
    signal = dwell(make_transition(sent=1.0, at=5.5), variant="raw")
    assert signal.values.tolist() == [4.5]
    assert signal.values.dtype == np.float64
    assert (signal.name, signal.unit, signal.source) == ("dwell", "s", "logged")


def test_normalised_takes_reading_time_out(make_transition):
    # Four words at 240 words a minute are one second of reading.
    signal = dwell(make_transition(sent=1.0, at=5.5))
    assert signal.values[0] == pytest.approx(math.log(4.5))
    faster = dwell(make_transition(sent=1.0, at=5.5), words_per_minute=480)
    assert faster.values[0] == pytest.approx(math.log(9.0))


def test_a_turn_without_words_takes_the_time_of_one(make_transition):
    assert dwell(make_transition(text="", sent=1.0, at=2.0)).values[0] == pytest.approx(math.log(4.0))


def test_log_z_standardises_for_each_user(make_transition):
    turns = [
        make_transition(sent=0.0, at=1.0, user="a"),
        make_transition(sent=0.0, at=math.e, user="a"),
        make_transition(sent=0.0, at=math.e**2, user="a"),
        make_transition(sent=0.0, at=5.0, user="b"),
        make_transition(sent=0.0, at=7.0, user="c"),
        make_transition(sent=0.0, at=7.0, user="c"),
    ]
    values = dwell(*turns, variant="log-z").values
    assert values[:3] == pytest.approx([-1, 0, 1])
    assert np.isnan(values[3:]).all()  # one turn, and two that do not differ, have no spread


def test_log_z_falls_back_to_the_dialogue(make_transition):
    turns = [make_transition(sent=0.0, at=at, dialogue=d) for d, at in [("x", 1.0), ("y", 9.0), ("x", 4.0)]]
    values = dwell(*turns, variant="log-z").values
    assert values[[0, 2]] == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)])
    assert np.isnan(values[1])


@pytest.mark.parametrize("given", [{"at": None}, {"sent": None}, {"reply": None}, {"at": 0.5}, {"at": 1.0}])
@pytest.mark.parametrize("variant", ["raw", "normalised", "log-z"])
def test_unknown_times_are_never_invented(make_transition, given, variant):
    assert np.isnan(dwell(make_transition(**given), variant=variant).values).all()


def test_a_simulators_users_are_simulated(make_transition):
    assert dwell(make_transition(session=4)).source == "simulated"


def test_no_transitions_no_values():
    assert dwell().values.shape == (0,)
