"""coherence_lsa: on a corpus of two topics, and where it has nothing to say."""

import os
from pathlib import Path

import numpy as np
import pytest
from crsbench_corpora.opendialkg import OpenDialKG
from crsbench_metrics.coherence import CoherenceLsa, Space
from crsbench_metrics.options import LsaOptions
from sklearn.metrics import roc_auc_score

from crsbench.protocols import Metric
from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Dialogue,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Turn,
)

FILMS = ["a scary film with sharks", "that scary film has sharks and blood", "sharks and blood, how scary"]
BOOKS = ["a gentle novel about gardens", "this novel has gardens and tea", "tea in gardens, how gentle"]


@pytest.fixture
def corpus():
    dialogues = tuple(
        Dialogue(str(i), tuple(Turn("user", text) for text in texts))
        for i, texts in enumerate([FILMS, BOOKS])
    )
    return Corpus(Catalog(()), Split(dialogues=dialogues), Split(), Split(), Sealed(), "", 0)


def ranked(name, texts, response):
    state = State(tuple(Turn("user", text) for text in texts))
    return RankedRow(Row(name, f"d{name}", state, ()), Action((), text=response), (), (), (), (), True)


def test_what_stays_on_the_topic_is_coherent(corpus):
    rows = [
        ranked("same words", [FILMS[0]], FILMS[0]),
        ranked("same topic", ["sharks"], "blood"),  # never in one text with each other alone
        ranked("other topic", ["sharks"], "tea"),
        ranked("silence", ["sharks"], ""),
        ranked("unknown words", ["sharks"], "zebra quux"),
        ranked("says nothing", ["sharks"], None),
    ]
    (values,) = CoherenceLsa(LsaOptions(dimensions=2)).measure(rows, corpus)
    assert (values.metric, values.subset, values.unit) == ("coherence_lsa", "all", "row")
    assert values.ids == tuple(row.row.id for row in rows)
    assert values.groups == tuple(row.row.dialogue for row in rows)
    found = dict(zip(values.ids, values.values, strict=True))
    assert found["same words"] == pytest.approx(1)
    assert found["same topic"] > 0.9
    assert abs(found["other topic"]) < 0.4
    assert found["silence"] == found["unknown words"] == found["says nothing"] == 0


def test_the_context_is_the_last_turns(corpus):
    row = ranked("1", ["tea", "sharks", "scary", "blood"], "tea")
    (three,) = CoherenceLsa(LsaOptions(dimensions=2)).measure([row], corpus)
    (four,) = CoherenceLsa(LsaOptions(dimensions=2, turns=4)).measure([row], corpus)
    assert three.values[0] < four.values[0]


def test_a_policy_that_does_not_talk(corpus):
    (absent,) = CoherenceLsa().measure([ranked("1", ["a"], None)], corpus)
    assert absent == Absent("coherence_lsa", "the policy does not talk")
    (absent,) = CoherenceLsa().measure([], corpus)
    assert absent == Absent("coherence_lsa", "there are no rows")


def test_it_is_fitted_once_a_corpus(corpus, monkeypatch):
    fitted = []
    monkeypatch.setattr(
        "crsbench_metrics.coherence.Space", lambda *arguments: fitted.append(1) or Space(*arguments)
    )
    metric, rows = CoherenceLsa(), [ranked("1", ["sharks"], "blood")]
    assert isinstance(metric, Metric)
    assert metric.measure(rows, corpus) == metric.measure(rows, corpus)
    assert len(fitted) == 1


def test_the_space_ignores_random_state_and_holds_unit_vectors():
    texts = [*FILMS, *BOOKS]
    np.random.seed(1)
    one = Space(texts, 100)(texts)
    np.random.seed(2)
    assert np.array_equal(one, Space(texts, 100)(texts))
    assert np.linalg.norm(one, axis=1) == pytest.approx(1)


def test_it_tells_logged_replies_from_those_of_other_rows():
    data = Path(os.environ.get("CRSBENCH_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
    if not (data / "opendialkg" / "ievalm").is_dir():
        pytest.skip("OpenDialKG is not there: CRSBENCH_DATA names no folder that holds opendialkg/ievalm")
    corpus = OpenDialKG().load("ievalm", data, seed=0)
    said = [[turn.text for turn in dialogue.turns] for dialogue in corpus.valid.dialogues]
    metric = CoherenceLsa()
    logged, moved = (
        metric.measure([ranked("", texts[:-1], said[i - by][-1]) for i, texts in enumerate(said)], corpus)
        for by in (0, 1)
    )
    values = (*logged[0].values, *moved[0].values)
    assert roc_auc_score([1] * len(said) + [0] * len(said), values) > 0.8
