"""The scenario's contract: bands that were fixed before any method was tuned on it."""

from types import SimpleNamespace

import numpy as np
import pytest
from crsbench_signals.dwell import Dwell
from crsbench_signals.engagement import Engagement
from crsbench_signals.options import DwellOptions
from crsbench_signals.sentiment import Sentiment, compound
from crsbench_synthetic import users
from crsbench_synthetic.policies import BestQuality, Logger, Oracle
from crsbench_synthetic.simulator import SyntheticSimulator
from crsbench_synthetic.world import EPISODE, make_world
from sklearn.metrics import roc_auc_score

from crsbench.episode import transitions
from crsbench.types import Action, Split, Turn

EPISODES = 1000


@pytest.fixture(scope="module")
def log(corpus):
    """The train transitions, and z of each: bool [N]."""
    found = [t for dialogue in corpus.train.dialogues for t in transitions(dialogue)]
    return found, np.array([corpus.sealed.feedback[t.dialogue].liked[t.action.items[0]] for t in found])


def satisfaction(choose):
    """True satisfaction per recommendation turn over live users; `choose` maps states to items."""
    simulator = SyntheticSimulator()
    live, satisfied = simulator.start(range(EPISODES)), []
    while live:
        items = choose(simulator, live)
        replies = simulator.reply(live, [Action((item,)) for item in items])
        after = [
            state.then(Turn("system", "", recommended=(item,)), turn)
            for state, item, (turn, _) in zip(live, items, replies, strict=True)
        ]
        over = [state for state, (_, done) in zip(after, replies, strict=True) if done]
        satisfied += [z for truth in simulator.truth(over) for z in truth.satisfied]
        live = [state for state, (_, done) in zip(after, replies, strict=True) if not done]
    return float(np.mean(satisfied))


def by(policy, rng=None):
    policy.fit(Split(), SimpleNamespace(catalog=SyntheticSimulator().catalog))

    def choose(simulator, states):
        actions = policy.act(states, k=1, rng=rng, truths=simulator.truth(states))
        return [action.items[0] for action in actions]

    return choose


def by_what_was_told(simulator, states):
    """True quality, and true weights of what the user has told so far."""
    world = make_world(300, 0)
    items = []
    for state in states:
        user = users.draw_user(world, EPISODE, state.session)
        weights = users.revealed(user, users.turns_taken(state))
        scores = weights[world.x].sum(axis=1) + world.quality
        scores[list(users.shown(state))] = -np.inf
        items.append(int(scores.argmax()))
    return items


def test_size(corpus):
    assert len(corpus.catalog) == 300
    assert len(corpus.train.dialogues) == 4000


def test_logger_is_mediocre(log):
    assert log[1].mean() == pytest.approx(0.45, abs=0.03)


def test_logger_meets_live_users_as_it_met_those_of_the_log():
    assert satisfaction(by(Logger(), np.random.default_rng(0))) == pytest.approx(0.45, abs=0.04)


def test_bounds():
    told = satisfaction(by_what_was_told)
    assert satisfaction(by(Oracle())) >= 0.95
    assert told == pytest.approx(0.92, abs=0.03)
    assert satisfaction(by(BestQuality())) <= told - 0.15


@pytest.mark.parametrize(
    ("signal", "auc"),
    [(Dwell(DwellOptions(variant="raw")), 0.66), (Sentiment(), 0.80), (Engagement(), 0.66)],
    ids=["raw dwell", "VADER", "engagement"],
)
def test_signals_tell_as_much_as_agreed(log, signal, auc):
    found, z = log
    assert roc_auc_score(z, signal.measure(found).values) == pytest.approx(auc, abs=0.03)


def test_reading_time_hides_some_of_what_dwell_tells(log):
    found, z = log
    raw = Dwell(DwellOptions(variant="raw")).measure(found).values
    assert roc_auc_score(z, Dwell().measure(found).values) > roc_auc_score(z, raw) + 0.01


def test_titles_carry_feelings_of_their_own(log):
    found, z = log
    with_titles = [compound(t.reply.text) for t in found]
    assert roc_auc_score(z, Sentiment().measure(found).values) > roc_auc_score(z, with_titles)
