import math

import numpy as np
import pytest
from crsbench_signals.dwell import Dwell
from crsbench_signals.mixture import log_likelihood_ratio
from crsbench_signals.options import DwellOptions
from scipy import stats


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
@pytest.mark.parametrize("variant", ["raw", "normalised", "log-z", "two-class"])
def test_unknown_times_are_never_invented(make_transition, given, variant):
    assert np.isnan(dwell(make_transition(**given), variant=variant).values).all()


@pytest.mark.parametrize("family", ["gamma", "weibull", "log-normal"])
def test_two_classes_are_told_apart(family):
    rng = np.random.default_rng(0)
    satisfied = rng.random(4000) < 0.4
    long, short = {
        "gamma": (rng.gamma(6, 2, 4000), rng.gamma(2, 1, 4000)),
        "weibull": (12 * rng.weibull(3, 4000), 2 * rng.weibull(1.5, 4000)),
        "log-normal": (rng.lognormal(2.5, 0.4, 4000), rng.lognormal(0.5, 0.7, 4000)),
    }[family]
    x = np.where(satisfied, long, short)
    ratio = log_likelihood_ratio(x, family)
    assert ((ratio + math.log(0.4 / 0.6) > 0) == satisfied).mean() > 0.93
    densities = {  # at the planted parameters
        "gamma": stats.gamma(6, scale=2).logpdf(x) - stats.gamma(2).logpdf(x),
        "weibull": stats.weibull_min(3, scale=12).logpdf(x) - stats.weibull_min(1.5, scale=2).logpdf(x),
        "log-normal": stats.lognorm(0.4, scale=math.exp(2.5)).logpdf(x)
        - stats.lognorm(0.7, scale=math.exp(0.5)).logpdf(x),
    }[family]
    assert np.corrcoef(ratio, densities)[0, 1] > 0.98


def test_two_class_leaves_the_unknown_unknown(make_transition):
    turns = [make_transition(sent=0.0, at=at) for at in (1.0, 1.2, 9.0, 11.0, None)]
    signal = dwell(*turns, variant="two-class")
    assert np.isnan(signal.values).tolist() == [False] * 4 + [True]
    assert signal.values[[0, 1]].max() < signal.values[[2, 3]].min()
    assert dwell(*turns[:1], variant="two-class").values.tolist() == [0]
    assert "nats" in signal.unit


def test_a_simulators_users_are_simulated(make_transition):
    assert dwell(make_transition(session=4)).source == "simulated"


def test_no_transitions_no_values():
    assert dwell().values.shape == (0,)
