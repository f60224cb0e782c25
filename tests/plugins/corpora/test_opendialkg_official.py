"""OpenDialKG as published: small files in its format, and every damage."""

import csv
import io
import json

import pytest
from crsbench_corpora.opendialkg import OpenDialKG

from crsbench.errors import DataError
from crsbench.types import Feedback, Item, Mention, Turn

ENTITIES = ["Iron Man", "Zodiac", "Robert Downey Jr.", "Crime", "2008", "Unused"]
TRIPLES = [
    ("Iron Man", "starred_actors", "Robert Downey Jr."),
    ("Robert Downey Jr.", "~starred_actors", "Iron Man"),
    ("Robert Downey Jr.", "~starred_actors", "Zodiac"),
    ("Zodiac", "has_genre", "Crime"),
    ("Zodiac", "release_year", "2008"),
    ("Zodiac", "has_genre", "Crime"),
]


def chat(sender, text):
    return {"type": "chat", "sender": sender, "message": text}


def walk(sender, *triples):
    path = [-0.5, [list(triple) for triple in triples], "rendered"]
    return {"type": "action", "sender": sender, "action_id": "kgwalk/choose_path", "metadata": {"path": path}}


META = {
    "type": "action",
    "sender": "user",
    "action_id": "meta_thread/send_meta_message",
    "metadata": {"text": "hi", "metaMessageId": 3},
}
DOWNEY = walk("assistant", TRIPLES[0])
ZODIAC = walk("assistant", TRIPLES[2], TRIPLES[3][:3])
STEPS = [
    chat("user", "Do you like Iron Man? Or Zodiac?"),
    DOWNEY,
    chat("assistant", "Sure! ROBERT Downey Jr. is a favorite."),
    META,
    walk("user", TRIPLES[2]),
    chat("user", "Zodiac, and Iron Man."),
    walk("assistant", TRIPLES[2]),
    walk("assistant", ("Zodiac", "x", "Nowhere")),
    chat("assistant", "Zodiac again."),
    chat("assistant", "Yes, Zodiac"),
    walk("assistant", TRIPLES[3]),
]


@pytest.fixture
def write(tmp_path):
    def write(rows, entities=ENTITIES, triples=TRIPLES):
        folder = tmp_path / "opendialkg" / "official"
        folder.mkdir(parents=True, exist_ok=True)
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(["Messages", "User Rating", "Assistant Rating"])
        for messages, *ratings in rows:
            table.writerow([messages if isinstance(messages, str) else json.dumps(messages), *ratings])
        (folder / "opendialkg.csv").write_text(out.getvalue())
        (folder / "opendialkg_entities.txt").write_text("\n".join(entities))
        (folder / "opendialkg_relations.txt").write_text("starred_actors\n~starred_actors")
        (folder / "opendialkg_triples.txt").write_text("\n".join("\t".join(triple) for triple in triples))
        return tmp_path

    return write


@pytest.fixture
def load(write):
    return lambda *args, **kwargs: OpenDialKG().load("official", write(*args, **kwargs), seed=0)


def everything(corpus):
    return [one for split in (corpus.train, corpus.valid, corpus.test) for one in split.dialogues]


def test_a_dialogue(load):
    corpus = load([(STEPS, "5", "")])
    zodiac, downey = range(2)
    assert corpus.catalog.items == (  # where walks of the assistant end, in the order of the entities
        Item("Zodiac", "Zodiac", 2008, {"has_genre": ("Crime",), "release_year": ("2008",)}),
        Item("Robert Downey Jr.", "Robert Downey Jr.", None, {"~starred_actors": ("Iron Man", "Zodiac")}),
    )
    (one,) = everything(corpus)
    # "Iron Man" is first named by a walk after the opening question: that turn must not know it
    assert one.turns == (
        Turn("user", "Do you like Iron Man? Or Zodiac?"),
        Turn(
            "system",
            "Sure! ROBERT Downey Jr. is a favorite.",
            (Mention("Robert Downey Jr.", downey, (6, 23)),),
            (downey,),
        ),
        Turn(
            "user",
            "Zodiac, and Iron Man.",
            (Mention("Zodiac", zodiac, (0, 6)), Mention("Iron Man", None, (12, 20))),
        ),
        Turn(
            "system",
            "Zodiac again.\nYes, Zodiac",
            (Mention("Zodiac", zodiac, (0, 6)), Mention("Zodiac", zodiac, (19, 25))),
            (zodiac,),
        ),
    )
    assert corpus.sealed.feedback == {one.id: Feedback(ratings={"user": 5.0})}


def test_rows_and_what_was_dropped(load):
    # 40 dialogues that differ in a word, so that each split has some
    rows = [([chat("assistant", f"Hi {n}"), *STEPS], "3", "4") for n in range(40)]
    rows += [
        ([DOWNEY, chat("assistant", f"Hello {n}"), *STEPS[:3], DOWNEY, STEPS[2]], "3", "4") for n in range(40)
    ]
    corpus = load(rows)
    assert len(everything(corpus)) == 80
    assert len(corpus.train.dialogues) > len(corpus.test.dialogues) > 2
    assert len(corpus.valid.dialogues) > 2
    first = [one for one in corpus.test.dialogues if one.turns[0].text.startswith("Hi ")]
    second = len(corpus.test.dialogues) - len(first)
    assert corpus.dropped == {
        "not in the catalogue": len(first),
        "no message follows the walk": len(first),
        "opens the dialogue": second,
        "named twice in one turn": second,
    }
    assert sum(len(row.targets) for row in corpus.test.rows) == 2 * len(first) + second
    assert corpus.targets == 4 * len(first) + 3 * second
    for row in corpus.test.rows:
        (one,) = [one for one in corpus.test.dialogues if one.id == row.dialogue]
        assert one.turns[: len(row.state.history)] == row.state.history
        assert one.turns[len(row.state.history)].recommended == row.targets


def test_the_same_dialogue_twice_stays_in_one_split(load):
    corpus = load([(STEPS, "5", "nan"), (STEPS, "4", "1"), (STEPS, "", "")])
    first, second, third = everything(corpus)
    assert (second.id, third.id) == (f"{first.id}#2", f"{first.id}#3")
    assert sum(bool(split.dialogues) for split in (corpus.train, corpus.valid, corpus.test)) == 1
    assert corpus.sealed.feedback[second.id] == Feedback(ratings={"user": 4.0, "assistant": 1.0})
    assert third.id not in corpus.sealed.feedback


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([("[{", "5", "5")], r"opendialkg\.csv, line 2: not valid JSON"),
        ([("{}", "5", "5")], r"opendialkg\.csv, line 2: input should be a valid array"),
        (
            [(STEPS, "5", "5"), ([{"type": "chat", "sender": "user"}], "", "")],
            r"line 3: a step of type chat w",
        ),
        ([([chat("bot", "x")], "", "")], r"line 2, field 0\.sender: input should be 'user' or 'assistant'"),
        ([([walk("user", ("a", "b"))], "", "")], r"line 2, field 0\.metadata\.path\.1\.0\.2: field required"),
        ([(STEPS, "good", "5")], r"line 2: field User Rating: 'good' is no rating"),
        ([(STEPS, "5", "inf")], r"line 2: field Assistant Rating: 'inf' is no rating"),
        ([(STEPS, "5")], r"line 2: 2 fields instead of 3"),
    ],
)
def test_damage_is_named(load, rows, complaint):
    with pytest.raises(DataError, match=complaint):
        load(rows)


def test_damaged_triples(load):
    with pytest.raises(DataError, match=r"triples\.txt, line 2: 2 fields instead of 3"):
        load([(STEPS, "", "")], triples=[TRIPLES[0], ("a", "b")])


def test_a_missing_file(write):
    data = write([(STEPS, "", "")])
    (data / "opendialkg" / "official" / "opendialkg_triples.txt").unlink()
    with pytest.raises(DataError, match=r"triples\.txt is missing \(download .* facebookresearch/opendialkg"):
        OpenDialKG().load("official", data, seed=0)
