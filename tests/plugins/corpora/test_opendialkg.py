"""The reader of OpenDialKG: a tiny corpus by hand, every damage, and the published numbers."""

import pytest
from crsbench_corpora.opendialkg import OpenDialKG

from crsbench.errors import DataError, UsageError
from crsbench.protocols import Dataset
from crsbench.types import Item, Mention, Turn

RONIN, HEAT, JAWS = 0, 1, 2


@pytest.fixture
def load(write):
    return lambda documents: OpenDialKG().load("ievalm", write(documents), seed=0)


def test_it_is_a_dataset():
    assert isinstance(OpenDialKG(), Dataset)
    assert OpenDialKG.default_protocol in OpenDialKG.protocols
    assert OpenDialKG.simulator is None


def test_the_catalogue(load, tiny):
    catalog = load(tiny).catalog
    assert [item.id for item in catalog.items] == ["3", "0", "4", "6"]
    heat = {"year": ("1995",), "actor": ("Al Pacino",), "genre": ("Crime",)}
    assert catalog.items[HEAT] == Item("0", "Heat", 1995, heat)
    assert catalog.items[RONIN].year is None  # "unknown" is no number
    assert catalog.items[JAWS] == Item("4", "Jaws", None, {})  # not in the graph


def test_a_dialogue_is_its_longest_context_and_the_reply(load, tiny):
    first, second = load(tiny).train.dialogues
    pacino, heat = Mention("Al Pacino", None, (15, 24)), Mention("Heat", HEAT, (4, 8))
    assert first.id == "7"
    assert first.turns == (
        Turn("user", "Any movie with Al Pacino?", (pacino,)),
        Turn("system", "Try Heat, it's crime.", (heat, Mention("Crime", None, (15, 20))), (HEAT,)),
        Turn("user", "Seen heat. What else?", (Mention("Heat", HEAT, (5, 9)),)),
        Turn("system", "Maybe Ronin.", (Mention("Ronin", RONIN, (6, 11)),), (RONIN,)),
    )
    assert [turn.speaker for turn in second.turns] == ["system", "user", "system"]  # backwards from the reply
    assert second.turns[2].recommended == (JAWS, HEAT)  # in the label's order, mentions in the text's
    assert [mention.item for mention in second.turns[2].mentions] == [HEAT, JAWS]


def test_a_label_of_another_split_is_not_seen(load, tiny):
    tiny["test_data_processed.jsonl"].append(tiny["train_data_processed.jsonl"].pop(1))
    corpus = load(tiny)
    assert [turn.recommended for turn in corpus.train.dialogues[0].turns] == [(), (), (), (RONIN,)]
    row = next(row for row in corpus.test.rows if row.id == "7-1")
    assert row.targets == (HEAT,)
    assert len(row.state.history) == 1  # nothing of the longer rows
    # the dialogues of test are for audits, and rebuilt from its own rows alone
    whole = next(one for one in corpus.test.dialogues if one.id == "7")
    assert [turn.recommended for turn in whole.turns] == [(), (HEAT,), (), (), (), (HEAT,)]


def test_labels_outside_the_catalogue_are_counted(load, tiny):
    corpus = load(tiny)
    assert (corpus.targets, corpus.dropped) == (3, {"not in the catalogue": 2})
    assert [(row.id, row.dialogue, row.targets) for row in corpus.test.rows] == [
        ("7-5", "7", (HEAT,)),
        ("9-3", "9", ()),
    ]
    assert [row.targets for row in corpus.valid.rows] == [(JAWS,)]
    assert corpus.valid.dialogues[0].turns[-1].recommended == (JAWS,)


def test_the_fingerprint_follows_the_files(load, tiny):
    before = load(tiny)
    assert load(tiny).fingerprint == before.fingerprint
    tiny["test_data_processed.jsonl"][0]["resp"] += "!"
    after = load(tiny)
    assert after.fingerprint != before.fingerprint
    assert after.catalog.fingerprint == before.catalog.fingerprint


def test_an_unknown_protocol(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'ievalm'"):
        OpenDialKG().load("ievlm", tmp_path, seed=0)


def test_nothing_there(tmp_path):
    with pytest.raises(DataError) as caught:
        OpenDialKG().load("ievalm", tmp_path, seed=0)
    folder = tmp_path / "opendialkg" / "ievalm"
    assert caught.value.message == f"{folder} is missing"
    for part in ("RUCAIBox/iEvaLM-CRS", "162e2f4", f"into {folder}", "--data-dir", "CRSBENCH_DATA"):
        assert part in caught.value.hint


def test_a_missing_file(write, tiny):
    data = write(tiny)
    (data / "opendialkg" / "ievalm" / "kg.json").unlink()
    with pytest.raises(DataError, match=r"kg\.json is missing \(download"):
        OpenDialKG().load("ievalm", data, seed=0)


TRAIN = "train_data_processed.jsonl"


def change(name, at, **fields):
    return lambda documents: documents[name][at].update(fields)


def put(name, at, value):
    return lambda documents: documents[name].__setitem__(at, value)


def repeat(documents):
    documents[TRAIN].append(documents[TRAIN][0])


def drop_field(documents):
    del documents[TRAIN][1]["rec"]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (put(TRAIN, 1, '{"dialog_id": 7, "turn_id'), r"train\S+, line 2: not valid JSON: EOF"),
        (change(TRAIN, 1, turn_id="1"), r"train\S+, line 2, field turn_id: input should be a valid integer"),
        (change(TRAIN, 2, rec="Heat"), r"train\S+, line 3, field rec: input should be a valid array"),
        (drop_field, r"train\S+, line 2, field rec: field required"),
        (repeat, r"train\S+, line 4: dialog_id 7 with turn_id 3 repeats line 1"),
        (change(TRAIN, 1, context=["a"] * 3), r"line 2: dialog_id 7 with context length 3 repeats line 1"),
        (change(TRAIN, 1, resp="Other."), r"line 2: context and resp contradict another row of dialog_id 7"),
        (
            change(TRAIN, 0, entity=["Rocky"]),
            r"train\S+, line 1: field entity: 'Rocky' is not in the context",
        ),
        (put("item_ids.json", 1, 3), r"item_ids\.json: an item is listed twice"),
        (put("item_ids.json", 1, 99), r"item_ids\.json: item 99 is not in entity2id\.json"),
        (put("item_ids.json", 1, "0"), r"item_ids\.json, field 1: input should be a valid integer"),
        (put("kg.json", "0", [[9, 1]]), r"kg\.json: item 0 has an unknown link \[9, 1\]"),
        (put("kg.json", "0", [[1]]), r"kg\.json, field 0\.0\.1: field required"),
        (
            put("entity2id.json", "Heat", None),
            r"entity2id\.json, field Heat: input should be a valid integer",
        ),
    ],
)
def test_damage_is_named(load, tiny, damage, complaint):
    damage(tiny)
    with pytest.raises(DataError, match=complaint):
        load(tiny)


def test_the_clean_protocol(write, tiny):
    corpus = OpenDialKG().load("ievalm-clean", write(tiny), seed=0)
    published = OpenDialKG().load("ievalm", write(tiny), seed=0)
    assert [one.id for one in published.train.dialogues] == ["7", "8"]
    assert [one.id for one in corpus.train.dialogues] == ["8"]  # 7 and 9 have rows in test
    assert corpus.valid.dialogues == corpus.valid.rows == ()
    assert (corpus.test.rows, corpus.catalog) == (published.test.rows, published.catalog)
    assert all(split.by_row for split in (published.train, published.valid, published.test))
    assert not any(split.by_row for split in (corpus.train, corpus.valid, corpus.test))
    assert (corpus.targets, corpus.dropped) == (published.targets, published.dropped)


def test_the_clean_counts(data_dir):
    if not (data_dir / "opendialkg" / "ievalm").is_dir():
        pytest.skip(f"{data_dir} has no folder opendialkg/ievalm")
    corpus = OpenDialKG().load("ievalm-clean", data_dir, seed=0)
    rows = [turn for one in corpus.train.dialogues for turn in one.turns if turn.recommended]
    assert (len(rows), len(corpus.valid.rows), len(corpus.test.rows)) == (4818, 1038, 1188)
    learnt = {one.id for split in (corpus.train, corpus.valid) for one in split.dialogues}
    assert not learnt & {row.dialogue for row in corpus.test.rows}


def test_the_published_counts(opendialkg):
    train, valid, test = opendialkg.train, opendialkg.valid, opendialkg.test
    assert len(opendialkg.catalog) == 2965
    assert (len(train.dialogues), len(valid.dialogues)) == (4100, 1124)
    assert (len(valid.rows), len(test.rows)) == (1188, 1188)
    assert (opendialkg.targets, opendialkg.dropped) == (1262, {"not in the catalogue": 1})
    assert sum(len(row.targets) for row in test.rows) == 1261
    assert len({row.id for row in test.rows}) == 1188
    assert len({row.dialogue for row in test.rows}) == 1113
    recommending = [turn for d in train.dialogues for turn in d.turns if turn.recommended]
    assert (len(recommending), sum(len(turn.recommended) for turn in recommending)) == (5547, 5893)
    assert {turn.speaker for turn in recommending} == {"system"}
    outside = {d.id for d in (*train.dialogues, *valid.dialogues)}
    assert sum(row.dialogue not in outside for row in test.rows) == 523  # the clean subset
    repeated = [item in row.state.mentioned() for row in test.rows for item in row.targets]
    assert sum(repeated) == 431


def test_every_mention_stands_in_its_text(opendialkg):
    turns = [turn for d in opendialkg.train.dialogues for turn in d.turns]
    turns += [turn for row in opendialkg.test.rows for turn in row.state.history]
    for turn in turns:
        for mention in turn.mentions:
            start, end = mention.span
            assert turn.text[start:end].casefold() == mention.name.casefold()
            if mention.item is not None:
                assert opendialkg.catalog.items[mention.item].title == mention.name
        assert set(turn.recommended) <= {mention.item for mention in turn.mentions}
