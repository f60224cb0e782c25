"""coherence: a head that learns what follows what, in a world of two topics."""

import numpy as np
import pytest
from crsbench_metrics import coherence_learnt, heads, next_turn
from crsbench_metrics.coherence_evidence import REPLACED, evidence
from crsbench_metrics.coherence_learnt import Coherence, first
from crsbench_metrics.next_turn import NextTurn
from crsbench_metrics.options import CoherenceOptions

from crsbench.errors import UsageError
from crsbench.protocols import Evident, Metric
from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Dialogue,
    Item,
    Mention,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Turn,
)

WORDS = {"film": "shark scary blood night scream", "book": "garden tea gentle rain letter"}
TITLES = ("Alpha", "Beta", "Gamma", "Delta")


class Bag:
    """Texts as unit vectors: each word has a random direction of its own."""

    name = "bag"

    def embed(self, texts):
        found = np.zeros((len(texts), 64), np.float32)
        for row, text in zip(found, texts, strict=True):
            for word in text.lower().split():
                row += np.random.default_rng(list(word.encode())).normal(size=64)
            row /= max(1e-6, np.linalg.norm(row))
        return found


def dialogue(n, rng):
    """The user asks with words of a topic, the system answers with other words of it and a title."""
    turns = []
    for _ in range(3):
        topic = WORDS[str(rng.choice(list(WORDS)))].split()
        asked, answered = rng.permutation(topic)[:2], rng.permutation(topic)[:3]
        title = int(rng.integers(4))
        turns.append(Turn("user", f"could I have {asked[0]} and {asked[1]}"))
        text = f"here is {TITLES[title]} with {' '.join(answered)}"
        turns.append(Turn("system", text, (Mention(TITLES[title], title, (8, 8 + len(TITLES[title]))),)))
    return Dialogue(f"d{n}", tuple(turns))


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    train, test = (tuple(dialogue(n, rng) for n in range(size)) for size in (100, 50))
    items = tuple(Item(title, title) for title in TITLES)
    return Corpus(Catalog(items), Split(train), Split(), Split(test), Sealed(), "", 0)


@pytest.fixture(scope="module")
def metric(corpus):
    """Fitted once: its tests read it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coherence_learnt, "Encoder", Bag)
        patch.setattr(next_turn, "EPOCHS", 12)
        made = Coherence(CoherenceOptions(rows=800))
        made.head(corpus)
    return made


def ranked(name, *said, response):
    turns = [Turn("user" if i % 2 == 0 else "system", text) for i, text in enumerate(said)]
    return RankedRow(
        Row(name, f"d{name}", State(tuple(turns)), ()), Action((), text=response), (), (), (), (), True
    )


def test_what_it_is_worth_where_it_can_be_known(metric, corpus):
    rows = {row.measure: row for row in evidence(metric, corpus)}
    assert rows["AUC against a random turn"].value > 0.7
    assert rows["AUC against another turn of the dialogue"].value > 0.65
    for control in ("an echo of the user", "a list of titles", "one generic reply"):
        assert rows[f"share of rows above {control}"].low > 0.5
    falls = [row for measure, row in rows.items() if REPLACED in measure]
    assert len(falls) == 3
    assert all(row.low > 0 for row in falls[1:])


def test_rows_are_probabilities_and_silence_is_worth_nothing(metric, corpus):
    asked = "could I have shark and scary"
    rows = [
        ranked("fits", asked, response="here is Alpha with blood night shark"),
        ranked("elsewhere", asked, response="here is Alpha with tea garden rain"),
        ranked("silence", asked, response=" "),
        ranked("nothing", asked, response=None),
        ranked("begins", response="here is Alpha with tea"),
    ]
    (values,) = metric.measure(rows, corpus)
    assert (values.metric, values.subset, values.unit) == ("coherence", "all", "row")
    found = dict(zip(values.ids, values.values, strict=True))
    assert 0 < found["elsewhere"] < found["fits"] < 1
    assert found["silence"] == found["nothing"] == 0
    assert 0 < found["begins"] < 1


def test_it_does_not_matter_which_title_is_said(metric, corpus):
    asked = ("could I have shark and scary", "here is Beta with scream night", "is Gamma scary")
    answers = [f"here is {title} with blood night shark" for title in (*TITLES, "it")]
    rows = [ranked(str(n), *asked, response=answer) for n, answer in enumerate(answers)]
    (values,) = metric.measure(rows, corpus)
    assert values.values == pytest.approx([values.values[0]] * 5, rel=1e-4)


def test_the_same_rows_are_measured_of_every_policy(metric, corpus):
    rows = [ranked(str(n), "hello", response="here is Alpha") for n in range(20)]
    few = Coherence(CoherenceOptions(rows=5))
    few._fitted = metric._fitted
    one, other = few.measure(rows, corpus)[0], few.measure(rows[::-1], corpus)[0]
    assert one.ids == other.ids == tuple(row.id for row in first([row.row for row in rows], 5))


def test_the_same_dialogues_give_the_same_head(corpus):
    dialogues = [one.turns for one in corpus.train.dialogues[:20]]
    np.random.seed(1)
    fitted = [NextTurn(Bag()).fit(dialogues, ()) for _ in range(2)]
    one, other = (head.probability([dialogues[0][:1]], ["here is Alpha"]) for head in fitted)
    assert one == other


def test_a_head_is_fitted_once_for_all_runs_on_the_same_dialogues(corpus, monkeypatch, tmp_path):
    monkeypatch.setenv("CRSBENCH_CACHE", str(tmp_path))
    dialogues = [one.turns for one in corpus.train.dialogues[:20]]
    asked = [dialogues[0][:1]], ["here is Alpha"]
    first_time = heads.fitted(Bag(), dialogues, TITLES).probability(*asked)
    with monkeypatch.context() as patch:
        patch.delattr(NextTurn, "fit")
        assert heads.fitted(Bag(), dialogues, TITLES).probability(*asked) == first_time
        for changed in ((dialogues[:19], TITLES), (dialogues, TITLES[:3])):
            with pytest.raises(AttributeError, match="fit"):
                heads.fitted(Bag(), *changed)
    (entry,) = (tmp_path / "heads").iterdir()
    entry.write_bytes(entry.read_bytes()[:1000])  # damaged: it costs time and nothing else
    assert heads.fitted(Bag(), dialogues, TITLES).probability(*asked) == first_time
    assert len(list((tmp_path / "heads").iterdir())) == 1
    monkeypatch.setenv("CRSBENCH_CACHE", str(entry))  # no folder can be made under a file
    assert heads.fitted(Bag(), dialogues, TITLES).probability(*asked) == first_time


def test_where_it_is_absent(corpus, monkeypatch):
    def missing():
        raise UsageError("the sentence encoder is not installed", "pip install it")

    metric = Coherence()
    assert isinstance(metric, Metric)
    assert isinstance(metric, Evident)
    monkeypatch.setattr(coherence_learnt, "Encoder", missing)
    (absent,) = metric.measure([ranked("1", "a", response="b")], corpus)
    assert absent == Absent("coherence", "the sentence encoder is not installed (pip install it)")
    (absent,) = metric.measure([ranked("1", "a", response=None)], corpus)
    assert absent == Absent("coherence", "the policy does not talk")
    (absent,) = metric.measure([], corpus)
    assert absent == Absent("coherence", "there are no rows")
