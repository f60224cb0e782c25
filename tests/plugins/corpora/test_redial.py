"""The reader of ReDial: a tiny corpus by hand, every damage, and the published numbers."""

import copy
import json
import random
import zipfile
from collections import Counter

import pytest
from crsbench_corpora.redial import ReDial

from crsbench.data import learnable
from crsbench.episode import transitions
from crsbench.errors import DataError, UsageError
from crsbench.protocols import Dataset
from crsbench.types import FOLDS, Feedback, Item, Mention, State, Turn

MOVIES = (
    'movieId,movieName,nbMentions\n7,Heat  (1995),3\n9,Jaws (1975),1\n11,Up ,0\n12,"Good, the Bad (1966)",1\n'
)
INFO = {
    "a": {
        "name": "heat (1995)",
        "genre": ["crime", "crime"],
        "plot": "…",
        "director": ["Michael Mann"],
        "writer": [],
        "star": ["Al Pacino"],
        "imdb_id": "tt1",
    },
    "b": {"name": "Heat (1986)", "genre": ["war"], "plot": "", "director": [], "writer": [], "star": []},
    "c": {"name": "Up", "genre": ["animation"], "plot": "", "director": [], "writer": [], "star": []},
}
HEAT, JAWS, UP, GOOD = range(4)
SEEKER, OTHER = 1, 2


def said(number, seconds, who, text):
    return {"messageId": number, "timeOffset": seconds, "senderWorkerId": who, "text": text}


def answers(suggested, seen, liked):
    return {"suggested": suggested, "seen": seen, "liked": liked}


def dialogue(number, messages, **fields):
    return {
        "conversationId": number,
        "initiatorWorkerId": SEEKER,
        "respondentWorkerId": OTHER,
        "movieMentions": {"7": "Heat (1995)", "9": None},
        "initiatorQuestions": {},
        "respondentQuestions": [],
        "messages": messages,
        **fields,
    }


TALK = [
    said(1, 0, OTHER, "Hi, @7 ?"),
    said(2, 3, OTHER, "Or @9?"),
    said(3, 10, SEEKER, "@9 no"),
    said(4, 12, SEEKER, "Something old? @ 5 @5"),
    said(5, 30, OTHER, "Then @7 or @9, @7!"),
    said(6, 41, OTHER, "Really, @12"),
    said(7, 50, SEEKER, "Thanks, @404"),
]


@pytest.fixture
def tiny():
    """File name → its document (rows for .jsonl), to be changed by a test and then written."""
    return {
        "movies_with_mentions.csv": MOVIES,
        "items_info.json": INFO,
        "train_data.jsonl": [
            dialogue(str(n), [said(1, 0, SEEKER, "Hi"), said(2, 9, OTHER, "@9")]) for n in range(30)
        ],
        "test_data.jsonl": [
            dialogue(
                "t",
                copy.deepcopy(TALK),
                movieMentions={"7": "Heat (1995)", "9": None, "404": "gone"},
                initiatorQuestions={"7": answers(1, 0, 2), "404": answers(1, 1, 1)},
                respondentQuestions={"7": answers(0, 1, 1), "9": answers(1, 2, 0)},
            ),
            dialogue("e", [], movieMentions=[]),
        ],
    }


@pytest.fixture
def write(tmp_path):
    def write(documents):
        folder = tmp_path / "redial"
        folder.mkdir(exist_ok=True)
        for name, document in documents.items():
            if name.endswith("jsonl"):
                document = "\n".join(d if isinstance(d, str) else json.dumps(d) for d in document)
            (folder / name).write_text(document if isinstance(document, str) else json.dumps(document))
        return tmp_path

    return write


@pytest.fixture
def load(write):
    return lambda documents, protocol="mentions": ReDial().load(protocol, write(documents), seed=0)


def test_it_is_a_dataset():
    assert isinstance(ReDial(), Dataset)
    assert (ReDial.default_protocol, ReDial.simulator) == ("mentions", None)
    assert ReDial.licence == "CC BY 4.0"
    with pytest.raises(UsageError, match="did you mean 'mentions'"):
        ReDial().load("mention", None, seed=0)


def test_movies_join_their_metadata_by_title_and_year(load, tiny):
    catalog = load(tiny).catalog
    facts = {"genre": ("crime",), "director": ("Michael Mann",), "star": ("Al Pacino",)}
    assert catalog.items == (
        Item("7", "Heat", 1995, facts, "…"),
        Item("9", "Jaws", 1975),
        Item("11", "Up", None, {"genre": ("animation",)}),
        Item("12", "Good, the Bad", 1966),
    )


def test_messages_of_one_speaker_make_a_turn(load, tiny):
    talk, empty = load(tiny).test.dialogues
    assert (talk.id, talk.user) == ("t", "1")
    jaws = Mention("Jaws", JAWS, (0, 4))
    assert talk.turns[:3] == (
        # the opening message has no label, the one after it has; the system's time is that of the last
        Turn(
            "system",
            "Hi, Heat ?\nOr Jaws?",
            (Mention("Heat", HEAT, (4, 8)), Mention("Jaws", JAWS, (14, 18))),
            (JAWS,),
            3.0,
        ),
        Turn("user", "Jaws no\nSomething old? @ 5 @5", (jaws,), (), 10.0),  # the user's that of the first
        Turn(
            "system",
            "Then Heat or Jaws, Heat!\nReally, Good, the Bad",
            (
                Mention("Heat", HEAT, (5, 9)),
                Mention("Jaws", JAWS, (13, 17)),
                Mention("Heat", HEAT, (19, 23)),
                Mention("Good, the Bad", GOOD, (33, 46)),
            ),
            (HEAT, JAWS, GOOD),
            41.0,
        ),
    )
    assert talk.turns[3] == Turn("user", "Thanks, @404", (), (), 50.0)
    assert empty.turns == ()  # a dialogue that says nothing is still there
    first, _ = transitions(talk)
    assert first.reply == talk.turns[1]
    assert first.reply.seconds - talk.turns[0].seconds == 7  # how long the user took to react


def test_mentions_are_scored_by_message(load, tiny):
    corpus = load(tiny)
    talk = corpus.test.dialogues[0]
    first, second, third = corpus.test.rows
    assert [(row.id, row.targets) for row in corpus.test.rows] == [
        ("t-2", (JAWS,)),
        ("t-5", (HEAT, JAWS, HEAT)),  # repeats count
        ("t-6", (GOOD,)),
    ]
    assert first.state.history == (Turn("system", "Hi, Heat ?", (Mention("Heat", HEAT, (4, 8)),), (), 0.0),)
    assert second.state == State(talk.turns[:2])
    assert third.state.history[:2] == talk.turns[:2]
    assert third.state.history[2].text == "Then Heat or Jaws, Heat!"  # what was said of the same turn
    assert (corpus.targets, corpus.dropped) == (5, {})


def test_kb26_scores_turns(load, tiny):
    corpus = load(tiny, "kb26")
    talk = corpus.test.dialogues[0]
    assert talk.turns[0].recommended == ()  # an opening turn is none
    (row,) = corpus.test.rows
    assert (row.id, row.targets, row.state) == ("t-5", (HEAT, JAWS, GOOD), State(talk.turns[:2]))


def test_what_names_no_listed_movie_is_counted(load, tiny):
    tiny["test_data.jsonl"][0]["messages"][4]["text"] += " @404 @405"
    corpus = load(tiny)
    assert (corpus.targets, corpus.dropped) == (6, {"not in the catalogue": 1})  # 405 is no movie at all
    assert corpus.test.dialogues[0].turns[2].text.startswith("Then Heat or Jaws, Heat! @404 @405\n")


def test_forms_are_sealed(load, tiny):
    feedback = load(tiny).sealed.feedback
    # the seeker's own answers, "did not say" is none; the other's where the seeker's form leaves a movie out
    assert feedback == {
        "t": Feedback(
            {JAWS: False}, {HEAT: False}, suggested={HEAT: True, JAWS: True}, guessed=frozenset({JAWS})
        )
    }


def test_valid_is_what_newcomers_have_among_themselves_and_folds_are_periods(load, tiny):
    rows = tiny["train_data.jsonl"]
    for at, row in enumerate(rows):
        pair = (OTHER, 100 + at) if at != 27 else (90, 91)
        row.update(zip(("initiatorWorkerId", "respondentWorkerId"), pair, strict=True))
        for message in row["messages"]:
            message["senderWorkerId"] = pair[message["messageId"] - 1]
    random.Random(0).shuffle(rows)  # time is told by the number, not by the place in the file
    corpus = load(tiny)
    valid = sorted(corpus.valid.dialogues, key=lambda one: int(one.id))
    assert [one.id for one in valid] == [str(at) for at in range(25, 30)]  # the last 15%, 27 among newcomers
    assert {row.dialogue for row in corpus.valid.rows} == {"27"}
    train = sorted(corpus.train.dialogues, key=lambda one: int(one.id))
    assert [one.id for one in train] == [str(at) for at in range(25)]
    assert [one.fold for one in (*train, *valid)] == [at * FOLDS // 30 for at in range(30)]


def test_the_zip_is_read_in_place(write, tiny):
    data = write(tiny)
    folder, archive = data / "redial", data / "redial" / "redial_dataset.zip"
    before = ReDial().load("mentions", data, seed=0)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("train_data.jsonl", "test_data.jsonl"):
            packed.write(folder / name, f"inner/../{name}")
            (folder / name).unlink()
        packed.writestr("__MACOSX/test_data.jsonl", "junk")
    assert ReDial().load("mentions", data, seed=0) == before
    assert sorted(p.name for p in folder.iterdir()) == [
        "items_info.json",
        "movies_with_mentions.csv",
        "redial_dataset.zip",
    ]
    (folder / "movies_with_mentions.csv").unlink()  # the official zip has no such list
    catalog = ReDial().load("mentions", data, seed=0).catalog
    assert [(item.id, item.title) for item in catalog.items] == [("7", "Heat"), ("9", "9"), ("404", "gone")]


def test_a_bad_zip(write, tiny):
    data = write(tiny)
    archive = data / "redial" / "redial_dataset.zip"
    (data / "redial" / "test_data.jsonl").unlink()
    archive.write_bytes(b"PK no")
    with pytest.raises(DataError, match=r"redial_dataset\.zip is not a readable zip"):
        ReDial().load("mentions", data, seed=0)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a/test_data.jsonl", "{}")
        packed.writestr("b/test_data.jsonl", "{}")
    with pytest.raises(DataError, match=r"test_data\.jsonl is there 2 times"):
        ReDial().load("mentions", data, seed=0)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("test_data.jsonl", json.dumps(dialogue("x", TALK)))
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"Really", b"Rea1ly"))
    with pytest.raises(DataError, match=r"zip \(test_data\.jsonl\) cannot be unpacked: Bad CRC-32"):
        ReDial().load("mentions", data, seed=0)
    archive.write_bytes(content[:-30])
    with pytest.raises(DataError, match=r"redial_dataset\.zip"):
        ReDial().load("mentions", data, seed=0)


def test_nothing_there(tmp_path):
    with pytest.raises(DataError) as caught:
        ReDial().load("mentions", tmp_path, seed=0)
    assert caught.value.message == f"{tmp_path / 'redial'} is missing"
    for part in ("ReDialData/website", "27ae7ac", "crsbench data get redial", "CRSBENCH_DATA"):
        assert part in caught.value.hint


def change(at, **fields):
    return lambda documents: documents["test_data.jsonl"][at].update(fields)


def message(at, **fields):
    return lambda documents: documents["test_data.jsonl"][0]["messages"][at].update(fields)


def put(name, document):
    return lambda documents: documents.__setitem__(name, document)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (put("test_data.jsonl", ['{"movieMentions": {']), r"test_data\.jsonl, line 1: not valid JSON: EOF"),
        (put("test_data.jsonl", []), r"test_data\.jsonl holds no rows"),
        (message(1, timeOffset=-1), r"line 1, field messages\.1\.timeOffset: input should be greater"),
        (
            message(1, timeOffset=None),
            r"line 1, field messages\.1\.timeOffset: input should be a valid integer",
        ),
        (message(1, timeOffset=10**30), r"line 1, field messages\.1\.timeOffset: input should be less"),
        (message(1, senderWorkerId=5), r"line 1: senderWorkerId 5 is neither the initiator nor the respond"),
        (message(1, messageId=1), r"line 1: two messages have the same messageId"),
        (message(1, text=5), r"line 1, field messages\.1\.text: input should be a valid string"),
        (change(1, conversationId="t"), r"line 2: conversationId t repeats line 1"),
        (change(1, respondentWorkerId=1), r"line 2: initiatorWorkerId and respondentWorkerId are the same"),
        (change(1, movieMentions=["x"]), r"line 2, field movieMentions"),
        (change(0, initiatorQuestions={"7": answers(1, 3, 0)}), r"line 1, field initiatorQuestions"),
        (
            put("movies_with_mentions.csv", "movieId,name\n1,a\n"),
            r"line 1: the column 'movieName' is missing",
        ),
        (put("movies_with_mentions.csv", MOVIES + "7,Heat,1\n"), r"csv, line 6: movieId 7 repeats line 2"),
        (
            put("movies_with_mentions.csv", MOVIES + "x,Heat,1\n"),
            r"csv, line 6: field movieId: 'x' is no number",
        ),
        (put("movies_with_mentions.csv", MOVIES + "8,Heat\n"), r"csv, line 6: 2 fields instead of 3"),
        (put("movies_with_mentions.csv", MOVIES + "8, ,1\n"), r"csv, line 6: field movieName is empty"),
        (
            put("movies_with_mentions.csv", MOVIES + '8,"a,1\n'),
            r"csv, line 6: not a valid table: unexpected end",
        ),
        (put("movies_with_mentions.csv", "movieId,movieName\n"), r"csv: holds no movies"),
        (put("items_info.json", {"a": {"name": "x"}}), r"items_info\.json, field a\.genre: field required"),
    ],
)
def test_damage_is_named(load, tiny, damage, complaint):
    damage(tiny)
    with pytest.raises(DataError, match=complaint):
        load(tiny)


@pytest.fixture(scope="session")
def redial(data_dir):
    if not (data_dir / "redial").is_dir():
        pytest.skip(f"{data_dir} has no folder redial")
    return {protocol: ReDial().load(protocol, data_dir, seed=0) for protocol in ReDial.protocols}


def test_the_published_counts(redial):
    mentions, kb26 = redial["mentions"], redial["kb26"]
    assert len(mentions.catalog) == 6924
    assert sum(bool(item.attributes) for item in mentions.catalog.items) == 6558
    assert (len(mentions.train.dialogues), len(mentions.valid.dialogues)) == (3629, 480)  # of 4,109
    assert len({row.dialogue for row in mentions.valid.rows}) == 207
    assert sum(bool(item.description) for item in mentions.catalog.items) == 6426
    assert (len(mentions.test.dialogues), len(mentions.test.rows)) == (1342, 4198)
    assert (mentions.targets, mentions.dropped) == (4980, {})
    assert sum(len(row.targets) for row in mentions.test.rows) == 4980
    assert len(kb26.test.dialogues) == 1342
    assert len(kb26.test.rows) == 3617
    new = [row for row in kb26.test.rows if set(row.targets) - set(row.state.mentioned())]
    assert len(new) == 3372
    for corpus in redial.values():
        assert len({row.id for row in corpus.test.rows}) == len(corpus.test.rows)
        assert all(row.state.history for row in corpus.test.rows)
        turns = [
            turn
            for split in (corpus.train, corpus.valid, corpus.test)
            for d in split.dialogues
            for turn in d.turns
        ]
        assert all(turn.seconds is not None for turn in turns)
        assert (
            sum(turn.text.count("\n") + 1 for turn in turns) >= 93_192
        )  # the messages, and lines within them


def test_copying_the_context_gives_the_published_row_of_kb26(redial):
    """Kostric & Balog print .043 and .090 for the copy of the context's movies, newest first."""
    found = Counter()
    rows = redial["kb26"].test.rows
    for row in rows:
        ranking = list(dict.fromkeys(reversed(row.state.mentioned())))
        for k in (1, 10):
            found[k] += len(set(ranking[:k]) & set(row.targets)) / len(row.targets)
    assert found[1] / len(rows) == pytest.approx(0.0435, abs=0.0001)
    assert found[10] / len(rows) == pytest.approx(0.0909, abs=0.0001)


def test_every_mention_stands_in_its_text(redial):
    corpus = redial["mentions"]
    turns = [turn for one in (*corpus.train.dialogues, *corpus.test.dialogues) for turn in one.turns]
    turns += [turn for row in corpus.test.rows for turn in row.state.history]
    for turn in turns:
        for mention in turn.mentions:
            assert turn.text[slice(*mention.span)] == mention.name == corpus.catalog.items[mention.item].title
        assert set(turn.recommended) <= {mention.item for mention in turn.mentions}


def test_explicit_labels_reach_nothing_that_trains(data_dir, tmp_path):
    """Other answers on every form: the sealed feedback follows, and nothing else does."""
    if not (data_dir / "redial").is_dir():
        pytest.skip(f"{data_dir} has no folder redial")
    rng = random.Random(0)
    folder = tmp_path / "redial"
    folder.mkdir()
    corpora = []
    lines = {
        n: (data_dir / "redial" / f"{n}_data.jsonl").read_text().splitlines()[:300] for n in ("train", "test")
    }
    (folder / "movies_with_mentions.csv").write_bytes(
        (data_dir / "redial" / "movies_with_mentions.csv").read_bytes()
    )
    for change in (False, True):
        for name, given in lines.items():
            rows = [json.loads(line) for line in given]
            if change:
                for row in rows:
                    for form in ("initiatorQuestions", "respondentQuestions"):
                        movies = list(row["movieMentions"])
                        row[form] = {m: answers(*(rng.randrange(3) for _ in range(3))) for m in movies}
            (folder / f"{name}_data.jsonl").write_text("\n".join(map(json.dumps, rows)))
        corpora.append(ReDial().load("mentions", tmp_path, seed=0))
    before, after = corpora
    assert before.sealed != after.sealed
    assert before.fingerprint != after.fingerprint
    assert (before.catalog, before.train, before.valid, before.test) == (
        after.catalog,
        after.train,
        after.valid,
        after.test,
    )
    assert learnable(before.catalog, before.train, before.valid) == learnable(
        after.catalog, after.train, after.valid
    )
    steps = [[t for one in corpus.train.dialogues for t in transitions(one)] for corpus in corpora]
    assert steps[0] == steps[1]
    assert len(steps[0]) > 500
