"""Whole dialogues about books: a tiny corpus by hand, every damage, and what the file holds."""

import pytest
from crsbench_corpora import opendialkg_books
from crsbench_corpora.opendialkg import OpenDialKG

from crsbench.episode import transitions
from crsbench.errors import DataError
from crsbench.types import Mention, Turn

RONIN, HEAT = 0, 1


def said(role, text, entity=(), item=()):
    return {"role": role, "text": text, "text_template": text, "entity": list(entity), "item": list(item)}


TALK = [
    said("user", "Hi, Al Pacino?", ["", "Al Pacino"]),
    said("user", "Not heat.", ["Heat"], ["Heat"]),
    said("assistant", "Ronin, or Casino. Or Heat", ["Heat", "Casino", "Ronin"], ["Ronin", "Heat", "Casino"]),
    said("user", "Great"),
]


@pytest.fixture
def load(write, tiny):
    graph = {name: tiny[name] for name in ("entity2id.json", "relation2id.json", "kg.json", "item_ids.json")}
    return lambda *talks: OpenDialKG().load("books", write({**graph, "dialog_Books.jsonl": talks}), seed=0)


def everything_in(split, monkeypatch):
    at = {"test": 0, "valid": opendialkg_books.TEST, "train": 99}[split]
    monkeypatch.setattr(opendialkg_books, "percentile", lambda name, salt: at)


def test_a_dialogue(load, monkeypatch):
    everything_in("test", monkeypatch)
    corpus = load(TALK, TALK[:1])
    first, second = corpus.test.dialogues
    pacino, heat = Mention("Al Pacino", None, (4, 13)), Mention("Heat", HEAT, (19, 23))
    named = (
        Mention("Ronin", RONIN, (0, 5)),
        Mention("Casino", None, (10, 16)),
        Mention("Heat", HEAT, (21, 25)),
    )
    assert first.turns == (
        Turn("user", "Hi, Al Pacino?\nNot heat.", (pacino, heat)),
        Turn("system", "Ronin, or Casino. Or Heat", named, (RONIN, HEAT)),
        Turn("user", "Great"),
    )
    [row] = corpus.test.rows
    assert (row.id, row.dialogue, row.targets) == ("1-2", "1", (RONIN, HEAT))
    assert row.state.history == first.turns[:1]
    assert [len(second.turns), second.id] == [1, "2"]
    assert (corpus.targets, corpus.dropped) == (3, {"not in the catalogue": 1})


def test_train_has_no_rows(load, monkeypatch):
    everything_in("train", monkeypatch)
    corpus = load(TALK)
    assert (len(corpus.train.dialogues), corpus.train.rows, corpus.targets) == (1, (), 0)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ([], r"dialog_Books\.jsonl, line 2: the dialogue is empty"),
        ([said("system", "x")], r"line 2, field 0\.role: input should be 'user' or 'assistant'"),
        ([said("user", "x", ["Heat"])], r"line 2: 'Heat' is not in the text"),
        ([{"role": "user"}], r"line 2, field 0\.text: field required"),
    ],
)
def test_damage_is_named(load, damage, complaint):
    with pytest.raises(DataError, match=complaint):
        load(TALK, damage)


def test_what_the_file_holds(data_dir):
    if not (data_dir / "opendialkg" / "ievalm").is_dir():
        pytest.skip(f"{data_dir} has no folder opendialkg/ievalm")
    corpus = OpenDialKG().load("books", data_dir, seed=0)
    splits = corpus.train, corpus.valid, corpus.test
    dialogues = [one for split in splits for one in split.dialogues]
    assert [len(split.dialogues) for split in splits] == [1309, 297, 295]
    steps = [step for one in dialogues for step in transitions(one)]
    # two more turns recommend nothing that is in the catalogue
    assert (len(steps), sum(step.reply is not None for step in steps)) == (2836, 2582)
    # the test rows of ievalm that are about books begin like these; where one speaker has two messages in
    # a row, which happens in one dialogue, they are one turn here and two there
    whole = {tuple(turn.text for turn in one.turns) for one in dialogues}
    begun = {texts[:length] for texts in whole for length in range(1, len(texts) + 1)}
    rows = OpenDialKG().load("ievalm", data_dir, seed=0).test.rows
    shared = [row for row in rows if tuple(turn.text for turn in row.state.history) in begun]
    assert len(shared) == 434
