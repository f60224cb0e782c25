"""The bounds rank as they say, keep to the mask and know their world."""

from types import SimpleNamespace

import numpy as np
import pytest
from crsbench_synthetic import crsbench_policies, logger
from crsbench_synthetic.policies import BestQuality, Logger, Oracle
from crsbench_synthetic.scenarios import CLICKBAIT, SCENARIOS
from crsbench_synthetic.simulator import SyntheticSimulator
from crsbench_synthetic.world import make_world
from scipy.stats import chisquare

from crsbench.errors import UsageError
from crsbench.protocols import PrivilegedPolicy
from crsbench.types import Catalog, Split, Turn

BOUNDS = [Oracle, BestQuality, Logger]


@pytest.fixture
def states():
    simulator = SyntheticSimulator()
    found = [
        s.then(Turn("system", "", recommended=(9,)), Turn("user", "hm")) for s in simulator.start(range(5))
    ]
    return [state.blank() for state in found], simulator.truth(found)


def fitted(bound):
    return bound().fit(Split(), SimpleNamespace(catalog=make_world(300, 0).catalog))


@pytest.mark.parametrize("bound", BOUNDS)
def test_acts(bound, states):
    policy = fitted(bound)
    assert isinstance(policy, PrivilegedPolicy)
    actions = policy.act(states[0], "turn", k=20, truths=states[1])
    assert actions == policy.act(states[0], "turn", k=20, truths=states[1])
    for action in actions:
        assert len(set(action.items)) == 20
        assert list(action.scores) == sorted(action.scores, reverse=True)
        assert 9 not in action.items
        assert make_world(300, 0).catalog.items[action.items[0]].title in action.text
    assert all(action.text is None for action in policy.act(states[0], truths=states[1]))


@pytest.mark.parametrize("bound", BOUNDS)
def test_keeps_to_the_mask(bound, states):
    mask = np.zeros((5, 300), dtype=bool)
    mask[:, [3, 9, 50]] = True
    for action in fitted(bound).act(states[0], k=10, mask=mask, truths=states[1]):
        assert set(action.items) == {3, 9, 50}
        assert action.items[-1] == 9  # it was recommended before


def test_the_oracle_ranks_by_utility(states):
    for action, truth in zip(fitted(Oracle).act(states[0], truths=states[1]), states[1], strict=True):
        assert action.items[0] == truth.utilities.argmax()


def test_best_quality_is_for_everybody(states):
    assert len({action.items for action in fitted(BestQuality).act(states[0], truths=states[1])}) == 1


def test_the_logger_draws_as_the_log_does(states):
    state, truth = states[0][0], states[1][0]
    p = logger.distribution(make_world(300, 0), state)
    actions = fitted(Logger).act([state] * 3000, k=1, rng=np.random.default_rng(0), truths=[truth] * 3000)
    top = np.argsort(-p)[:15]
    drawn = np.array([action.items[0] for action in actions])
    counts = [int((drawn == i).sum()) for i in top]
    expected = [3000 * p[i] for i in top]
    rest = [3000 - sum(counts)], [3000 - sum(expected)]
    assert chisquare(counts + rest[0], expected + rest[1]).pvalue > 0.001


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_catalogue_says_which_world_it_is_of(scenario):
    world = make_world(40, 3, scenario)
    assert BestQuality().fit(Split(), SimpleNamespace(catalog=world.catalog)).world is world


def test_a_bound_refuses_a_catalogue_of_no_world():
    with pytest.raises(UsageError, match="truth is known"):
        Oracle().fit(Split(), SimpleNamespace(catalog=Catalog(make_world(300, 0).catalog.items)))


def test_saves_and_loads(tmp_path):
    world = make_world(40, 2, CLICKBAIT)
    BestQuality().fit(Split(), SimpleNamespace(catalog=world.catalog)).save(tmp_path)
    assert BestQuality().load(tmp_path).world is world


def test_all_are_marked_privileged():
    assert all(spec.privileged for spec in crsbench_policies())
