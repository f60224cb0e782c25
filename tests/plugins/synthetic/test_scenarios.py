"""Each scenario through the door: it loads, is deterministic, is bounded, and lies as it says."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from crsbench_signals.dwell import Dwell
from crsbench_signals.engagement import Engagement
from crsbench_signals.latent_class import LatentClass
from crsbench_signals.sentiment import Sentiment
from crsbench_synthetic import crsbench_datasets, crsbench_simulators, users
from crsbench_synthetic.policies import BestQuality, Logger, Oracle
from crsbench_synthetic.scenarios import SCENARIOS
from sklearn.metrics import roc_auc_score

from crsbench.episode import transitions
from crsbench.protocols import Dataset, Simulator
from crsbench.types import Action, Split, Turn

NAMES = list(SCENARIOS)
SOURCES = (Dwell, Sentiment, Engagement)


def load(host, name, **options):
    offer = host.find("dataset", name)
    made = offer.make(offer.options_model()(**options))
    return made, made.load("logged", Path("nowhere"), 0)


def simulate(host, name, **options):
    offer = host.find("simulator", name)
    return offer.make(offer.options_model()(**options))


def satisfaction(simulator, choose, episodes=250):
    """True satisfaction per turn; `choose` maps states to items."""
    live, satisfied = simulator.start(range(episodes)), []
    while live:
        items = choose(live)
        replies = simulator.reply(live, [Action((item,)) for item in items])
        after = [
            (state.then(Turn("system", "", recommended=(item,)), turn), over)
            for state, item, (turn, over) in zip(live, items, replies, strict=True)
        ]
        ended = simulator.truth([state for state, over in after if over])
        satisfied += [z for truth in ended for z in truth.satisfied]
        live = [state for state, over in after if not over]
    return float(np.mean(satisfied))


def by(simulator, bound, rng=None):
    policy = bound().fit(Split(), SimpleNamespace(catalog=simulator.catalog))

    def choose(states):
        actions = policy.act(states, k=1, rng=rng, truths=simulator.truth(states))
        return [action.items[0] for action in actions]

    return choose


def test_seven_are_offered():
    assert [spec.name for spec in crsbench_datasets()] == NAMES
    assert [spec.name for spec in crsbench_simulators()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_loads_alike_each_time_and_has_its_simulator(host, name):
    options = {"items": 60, "seed": 2}
    dataset, corpus = load(host, name, dialogues=20, valid=2, test=5, **options)
    assert isinstance(dataset, Dataset)
    assert dataset.scenario.name == dataset.simulator == name
    assert load(host, name, dialogues=20, valid=2, test=5, **options)[1].fingerprint == corpus.fingerprint
    simulator = simulate(host, name, **options)
    assert isinstance(simulator, Simulator)
    assert simulator.catalog.fingerprint == corpus.catalog.fingerprint
    assert simulator.catalog == corpus.catalog  # which says what scenario it is of


def test_no_two_are_the_same_data(host):
    prints = {load(host, name, dialogues=20, valid=2, test=5)[1].fingerprint for name in NAMES}
    assert len(prints) == 7


def test_the_default_is_what_it_was(corpus):
    """Its bands are a contract: what changes one byte of it is a new version of the scenario."""
    assert corpus.fingerprint == "976cdc18feb5e73a"
    assert corpus.catalog.fingerprint == "764a74b7eee07ec3"


@pytest.mark.parametrize("name", NAMES)
def test_the_bounds_are_bounds(host, name):
    simulator = simulate(host, name)
    logged = satisfaction(simulator, by(simulator, Logger, np.random.default_rng(0)))
    oracle = satisfaction(simulator, by(simulator, Oracle))
    quality = satisfaction(simulator, by(simulator, BestQuality))
    assert oracle > 0.95
    assert 0.3 < logged < 0.5
    assert oracle > quality + 0.2 > logged + 0.3


def test_cold_items_are_in_test_and_not_in_train(host):
    _, corpus = load(host, "synthetic-cold", dialogues=1500)
    seen = {item for one in corpus.train.dialogues for turn in one.turns for item in turn.recommended}
    seen |= {target for row in corpus.valid.rows for target in row.targets}
    cold = set(range(300)) - seen
    assert 0.15 * 300 < len(cold) < 0.27 * 300
    for exposed in (False, True):
        rows = [row for row in corpus.test.rows if row.exposed == exposed]
        assert 0.1 < np.mean([row.targets[0] in cold for row in rows]) < 0.33


def told(simulator, forgets):
    """True quality and true weights of what was told: as they are now, or as they were when it was."""

    def choose(states):
        world, items = simulator._world, []
        for state in states:
            user, turn = simulator._user(state.session), users.turns_taken(state)
            weights = users.revealed(user, turn)
            if not forgets:
                for at, value in [(0, v) for v in user.opening] + list(enumerate(user.reveals[:turn], 1)):
                    if value is not None:
                        weights[value] = user.tastes[at][value]
            scores = weights[world.x].sum(axis=1) + world.quality
            scores[list(users.shown(state))] = -np.inf
            items.append(int(scores.argmax()))
        return items

    return choose


@pytest.mark.parametrize("name", ["synthetic", "synthetic-drift"])
def test_what_was_said_before_is_worth_less_when_tastes_move(host, name):
    simulator = simulate(host, name)
    now, then = (satisfaction(simulator, told(simulator, forgets), 400) for forgets in (True, False))
    if name == "synthetic":
        assert now == then
    else:
        assert now > then + 0.008


@pytest.fixture(scope="module")
def judged(logs):
    """`judged(name)`: AUC of each signal against truth, that of the latent class, and what it learnt."""

    def judge(name):
        log = logs(name)
        found = [t for one in log.logged for t in transitions(one.dialogue)]
        z = np.array([one.z for one in log.shown])
        signals = [source().measure(found) for source in SOURCES]
        model = LatentClass().fit(signals)
        auc = {signal.name: roc_auc_score(z, signal.values) for signal in signals}
        latent = roc_auc_score(z, model.predict(signals).probability)
        return SimpleNamespace(auc=auc, latent=latent, learnt=model.reliability)

    known = {name: judge(name) for name in NAMES}
    return known.__getitem__


@pytest.mark.parametrize(
    ("name", "liar", "at_most"),
    [("synthetic-polite", "sentiment", 0.62), ("synthetic-distracted", "dwell", 0.60)],
)
def test_a_signal_lies_and_the_label_model_notices(judged, name, liar, at_most):
    plain, mine = judged("synthetic"), judged(name)
    assert mine.auc[liar] < at_most < plain.auc[liar] - 0.06
    assert mine.learnt[liar] < plain.learnt[liar] - 0.06
    assert mine.latent > max(mine.auc.values())
    for other in set(mine.auc) - {liar}:
        assert mine.auc[other] == pytest.approx(plain.auc[other], abs=1e-9)


def test_noise_is_in_every_signal(judged):
    plain, noisy = judged("synthetic"), judged("synthetic-noisy")
    for name, auc in noisy.auc.items():
        assert 0.53 < auc < plain.auc[name] - 0.05
    assert noisy.latent < plain.latent - 0.1


def test_clickbait_misleads(judged, logs):
    plain, mine, log = judged("synthetic"), judged("synthetic-clickbait"), logs("synthetic-clickbait")
    assert mine.auc["dwell"] < plain.auc["dwell"] - 0.06
    assert mine.auc["engagement"] < plain.auc["engagement"]
    bait = np.array([log.world.bait[one.item] for one in log.shown])
    z = np.array([one.z for one in log.shown])
    dwell = np.log([one.reply.seconds - one.turn.seconds for one in log.shown])
    asks = np.array(["?" in one.reply.text for one in log.shown])
    assert z[bait].mean() < z[~bait].mean() - 0.2
    assert dwell[bait].mean() > dwell[~bait].mean() + 0.5
    assert asks[bait].mean() > asks[~bait].mean() + 0.05


@pytest.mark.parametrize("name", ["synthetic-cold", "synthetic-drift"])
def test_elsewhere_signals_say_as_much_as_ever(judged, name):
    for signal, auc in judged(name).auc.items():
        assert auc == pytest.approx(judged("synthetic").auc[signal], abs=0.03)
