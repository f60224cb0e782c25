"""satisfaction_predicted: what is shipped is what the ratings give, what it holds, and where it is absent."""

import numpy as np
import pytest
from crsbench_corpora.uss import FILE, read_uss
from crsbench_metrics import satisfaction_weights
from crsbench_metrics.conduct import SIGNS
from crsbench_metrics.satisfaction import SHIPPED, Estimator, SatisfactionPredicted, predict
from crsbench_metrics.satisfaction_evidence import scenarios, signs_of, uss, weights

from crsbench.protocols import Evident, Metric
from crsbench.types import Absent, Action, Catalog, Corpus, Episode, Sealed, Split, State, Transition, Turn

CORPUS = Corpus(Catalog(()), Split(), Split(), Split(), Sealed(), "", 0)
GIVEN = np.array(list(SIGNS.values()))


def episode(seed, reply, decoding="greedy"):
    start = State((Turn("user", "I like space."),))
    said = () if reply is None else (Turn("user", reply),)
    after = start.then(Turn("system", "Watch Arrival (2016)."), *said)
    reply = said[0] if said else None
    return Episode(
        seed, (Transition(start, Action((0,)), reply, after, True, False, "", 0, 0),), None, decoding
    )


def test_episodes_are_rated_by_what_was_said_in_them():
    metric = SatisfactionPredicted()
    assert isinstance(metric, Metric)
    assert isinstance(metric, Evident)
    episodes = [episode(1, "Great, thanks!"), episode(2, "No, I hate it."), episode(1, "Fine.", "sampled")]
    greedy, sampled = metric.measure(episodes, CORPUS)
    assert (greedy.ids, greedy.groups, greedy.decoding) == (("greedy/1", "greedy/2"), ("1", "2"), "greedy")
    assert sampled.ids == ("sampled/1",)
    assert greedy.values[0] > greedy.values[1]
    assert greedy.values == tuple(predict([e.transitions[-1].next_state.history for e in episodes[:2]]))


@pytest.mark.parametrize(
    ("episodes", "reason"),
    [
        ([], "no simulator"),
        ([episode(1, None), episode(2, " ")], "answer nothing"),
        ([episode(1, "Go on."), episode(2, "Go on.")], "one and the same"),
    ],
)
def test_it_is_absent_where_replies_carry_nothing(episodes, reason):
    (found,) = SatisfactionPredicted().measure(episodes, CORPUS)
    assert isinstance(found, Absent)
    assert reason in found.reason


def test_weights_have_their_direction_and_are_shrunk_to_what_was_given():
    rng = np.random.default_rng(0)
    columns = rng.random((400, len(SIGNS)))
    columns[:, 3] = 0  # never seen
    effect = GIVEN.copy()
    effect[0] *= -1  # the data speaks against a direction
    ratings = 1 + 4 / (1 + np.exp(-(columns - 0.5) @ effect))
    found = Estimator.fit(columns, ratings)
    assert (found.weights * GIVEN >= 0).all()
    assert found.weights[0] == 0
    common = found.weights[3] / GIVEN[3]  # what is never seen keeps the common scale
    assert common > 0.1
    assert np.median(found.weights[4:] / GIVEN[4:]) == pytest.approx(common, rel=0.8)
    errors = found.predict(columns) - ratings
    assert errors.mean() == pytest.approx(0, abs=0.01)  # the intercept is free


@pytest.fixture(scope="module")
def rated(data_dir):
    if not (data_dir / FILE).is_file():
        pytest.skip(f"USS is not in {data_dir}")
    return read_uss(data_dir / FILE)


def test_what_is_shipped_is_what_the_ratings_give(rated):
    found = Estimator.fit(*signs_of(rated))
    assert found.intercept == pytest.approx(SHIPPED.intercept, abs=1e-6)
    np.testing.assert_allclose(found.weights, SHIPPED.weights, atol=1e-6)
    assert list(satisfaction_weights.WEIGHTS) == list(SIGNS)
    written: dict[str, object] = {}
    exec(weights(rated), written)
    assert written["WEIGHTS"] == pytest.approx(satisfaction_weights.WEIGHTS, abs=1e-6)


def test_it_agrees_with_people_about_as_far_as_they_do(rated, data_dir):
    rows = {(row.data, row.measure): row for row in uss(data_dir)}

    def of(part, measure):
        (found,) = (row for (data, name), row in rows.items() if part in data and name == measure)
        return found

    assert of("dialogues", "Spearman").value == pytest.approx(0.38, abs=0.01)
    assert of("dialogues", "Spearman").low > of("dialogues", "Spearman of the length alone").high
    assert of("dialogues", "Spearman of one rater with the others").value == pytest.approx(0.362, abs=0.001)
    replied, context = "with the rated message", "context and system turn only"
    assert of(replied, "Spearman").value >= 0.45
    assert of(replied, "UAR").value >= 0.34
    assert of(replied, "F1 of dissatisfied").value >= 0.30
    assert of(context, "UAR").value == pytest.approx(0.25, abs=0.01)
    for part in ("dialogues", replied, context):
        assert of(part, "squared error of the constant minus its own").low > 0
        assert of(part, "squared error of the length alone minus its own").low > 0
        slope = of(part, "calibration: slope of rating on prediction")
        assert slope.low < 1 < slope.high


def test_a_scenario_catches_it_where_users_are_polite():
    rows = {(row.data.split(",")[0], row.measure): row.value for row in scenarios()}
    assert rows["synthetic", "Kendall's tau of policies"] == 1
    assert rows["synthetic", "Spearman of episodes"] > 0.45
    assert rows["synthetic-polite", "Spearman of episodes"] < 0.15
