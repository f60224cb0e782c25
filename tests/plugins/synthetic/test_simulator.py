"""Users are the same whoever talks to them, and in whatever company."""

import numpy as np
import pytest
from crsbench_synthetic import logger
from crsbench_synthetic.dataset import SyntheticDataset
from crsbench_synthetic.options import DatasetOptions, SimulatorOptions
from crsbench_synthetic.simulator import SyntheticSimulator
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench.protocols import Simulator
from crsbench.types import Action, State, Turn


@pytest.fixture
def simulator():
    return SyntheticSimulator()


def step(state, item, reply, text=""):
    return state.then(Turn("system", text, recommended=(item,)), *([reply] if reply else []))


def test_is_a_simulator(simulator):
    assert isinstance(simulator, Simulator)
    assert simulator.episodes == 400
    assert SyntheticSimulator(SimulatorOptions(episodes=7)).episodes == 7


@pytest.mark.parametrize("options", [{}, {"items": 60, "seed": 3}])
def test_knows_the_datasets_catalogue(options, tmp_path):
    dataset = SyntheticDataset(DatasetOptions(dialogues=2, valid=0, test=1, **options))
    catalog = SyntheticSimulator(SimulatorOptions(**options)).catalog
    assert catalog.fingerprint == dataset.load("logged", tmp_path, 0).catalog.fingerprint


def test_opens_with_two_likes(simulator):
    state = simulator.start([5])[0]
    assert state.session == 5
    assert len(state.history) == 1
    assert state.history[0].speaker == "user"
    assert len(state.history[0].mentions) == 2


def test_users_differ(simulator):
    assert len({state.history[0].text for state in simulator.start(range(200))}) > 190


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 299)), min_size=1, max_size=8), st.randoms())
@settings(max_examples=30, deadline=None)
def test_a_reply_depends_on_nothing_but_seed_state_and_action(pairs, random):
    first, second = SyntheticSimulator(), SyntheticSimulator()
    states = first.start([seed for seed, _ in pairs])
    actions = [Action((item,), text="Try this one.") for _, item in pairs]
    together = first.reply(states, actions)
    order = list(range(len(pairs)))
    random.shuffle(order)
    for i in order:
        assert second.reply([second.start([pairs[i][0]])[0]], [actions[i]])[0] == together[i]


def test_the_rest_of_the_ranking_and_its_scores_change_nothing(simulator):
    state = simulator.start([1])[0]
    one, many = Action((7,), text="a"), Action((7, 8, 9), (3.0, 2.0, 1.0), "a", -0.5)
    assert simulator.reply([state], [one]) == simulator.reply([state], [many])


def test_equal_luck_for_different_items(simulator):
    """Common random numbers: a better item satisfies whoever a worse one satisfies."""
    states = simulator.start(range(300))
    truths = simulator.truth(states)
    rng = np.random.default_rng(0)
    for state, truth in zip(states, truths, strict=True):
        worse, better = sorted(rng.choice(300, 2, replace=False), key=lambda i: truth.utilities[i])
        z = [simulator.truth([step(state, int(i), None)])[0].satisfied[0] for i in (worse, better)]
        assert z[0] <= z[1]


def test_z_has_the_rate_of_the_utility(simulator):
    states = simulator.start(range(1500))
    p = [float(truth.utilities[3]) for truth in simulator.truth(states)]
    z = [simulator.truth([step(state, 3, None)])[0].satisfied[0] for state in states]
    assert np.mean(z) == pytest.approx(np.mean(p), abs=0.035)


def test_truth_follows_the_conversation(simulator):
    state = simulator.start([2])[0]
    before = simulator.truth([state])[0]
    best = int(before.utilities.argmax())
    reply = simulator.reply([state], [Action((best,))])[0][0]
    state = step(state, best, reply)
    after = simulator.truth([state])[0]
    assert before.satisfied == ()
    assert len(after.satisfied) == 1
    assert after.utilities[best] == 0
    others = np.arange(300) != best
    assert np.array_equal(before.utilities[others], after.utilities[others])


def test_the_same_item_again_satisfies_nobody(simulator):
    for state in simulator.start(range(30)):
        best = int(simulator.truth([state])[0].utilities.argmax())
        again = step(step(state, best, Turn("user", "ok")), best, Turn("user", "ok"))
        assert simulator.truth([again])[0].satisfied[1] is False


@pytest.mark.parametrize("items", [(), (300,), (-1,)])
def test_no_item_or_an_unknown_one_satisfies_nobody(simulator, items):
    states = simulator.start(range(100))
    replies = simulator.reply(states, [Action(items, text="Hello there.")] * 100)
    assert all(turn is not None and turn.text for turn, _ in replies)
    left = np.mean([turn.ends for turn, _ in replies])
    assert left == pytest.approx(0.2, abs=0.12)
    for state in states[:10]:
        silent = state.then(Turn("system", "Hello there."), Turn("user", "ok"))
        assert simulator.truth([silent])[0].satisfied == (False,)


def test_conversations_end_by_leaving_or_at_the_horizon(simulator):
    lengths, left = [], 0
    for state in simulator.start(range(200)):
        over, turns = False, 0
        while not over:
            item = int(simulator.truth([state])[0].utilities.argmax())
            reply, over = simulator.reply([state], [Action((item,))])[0]
            assert not reply.ends or over
            state, turns = step(state, item, reply), turns + 1
        lengths.append(turns)
        left += reply.ends
    assert max(lengths) == 6
    assert 3.8 < np.mean(lengths) < 4.4
    assert 0.1 < left / 200 < 0.3


def test_dwell_counts_the_words_that_were_said(simulator):
    states = simulator.start(range(50))
    short = simulator.reply(states, [Action((5,), text="This one.")] * 50)
    long = simulator.reply(states, [Action((5,), text="word " * 40)] * 50)
    for (a, _), (b, _) in zip(short, long, strict=True):
        assert a.text == b.text
        assert b.seconds > a.seconds > 1
        assert (b.seconds - 1) / (a.seconds - 1) == pytest.approx(
            (0.4 + 0.22 * 40) / (0.4 + 0.22 * 2), rel=0.05
        )


def test_evaluation_meets_nobody_of_the_log(simulator, corpus):
    logged = {dialogue.turns[0].text for dialogue in corpus.train.dialogues}
    live = {state.history[0].text for state in simulator.start(range(400))}
    assert len(live & logged) < 20  # the same words by chance, from other users


def test_a_state_from_elsewhere_is_refused(simulator):
    with pytest.raises(ValueError, match="session"):
        simulator.truth([State((Turn("user", "hello"),))])


def test_the_logger_speaks_from_the_state_alone(simulator):
    world = simulator._world
    state = simulator.start([4])[0]
    p = logger.distribution(world, state)
    assert p.sum() == pytest.approx(1)
    assert np.array_equal(p, logger.distribution(world, state.blank()))
