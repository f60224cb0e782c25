"""The reader of INSPIRED: both of its forms by hand, every damage, and the published numbers."""

import json

import pytest
from crsbench_corpora.inspired import Inspired

from crsbench.errors import DataError, UsageError
from crsbench.protocols import Dataset
from crsbench.types import Feedback, Item, Mention, State, Turn

HEADER = ["dialog_id", "utt_id", "speaker", "turn_id", "text", "x", "movies", "genres", "case", "movie_id"]


def line(dialogue, number, speaker, text, movies="", case="reject"):
    fields = {"dialog_id": dialogue, "utt_id": number, "speaker": speaker, "text": text, "movies": movies}
    return "\t".join(str({**fields, "case": case}.get(column, "")) for column in HEADER)


LINES = [
    line("a.pkl", 1, "RECOMMENDER", "Hi, Heat?", "Heat (1995)", "accept_rating_mod"),
    line("a.pkl", 2, "SEEKER", "The QUOTATION_MARKfutureQUOTATION_MARK", "The Future (2011)"),
    line("a.pkl", 3, "SEEKER", "Something else"),
    line("a.pkl", 4, "RECOMMENDER", "Up, up", "Up"),
    line("a.pkl", 5, "RECOMMENDER", "And UP or heat", "Up; Heat (1995)"),
    line("a.pkl", 6, "SEEKER", "Fine"),
    line("b.pkl", 1, "SEEKER", "Hello"),
    line("b.pkl", 2, "RECOMMENDER", "Heat then", "Heat (1995)"),
]
FUTURE, HEAT, UP = 1, 0, 2


@pytest.fixture
def write(tmp_path):
    def write(name, lines):
        folder = tmp_path / "inspired"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
        return tmp_path

    return write


@pytest.fixture
def load(write):
    def load(lines=LINES, header=HEADER):
        for name in ("train", "dev", "test"):
            data = write(f"{name}.tsv", ["\t".join(header), *lines])
        return Inspired().load("official", data, seed=0)

    return load


def test_it_is_a_dataset(tmp_path):
    assert isinstance(Inspired(), Dataset)
    with pytest.raises(UsageError, match="inspired has no protocol 'x'"):
        Inspired().load("x", tmp_path, seed=0)
    with pytest.raises(DataError, match=r"inspired is missing \(download .* sweetpeach/Inspired"):
        Inspired().load("official", tmp_path, seed=0)


def test_the_official_tables(load):
    corpus = load()
    assert corpus.catalog.items == (
        Item("Heat (1995)", "Heat", 1995),
        Item("The Future (2011)", "The Future", 2011),
        Item("Up", "Up"),
    )
    first, _ = corpus.test.dialogues
    assert first.id == "a.pkl"
    up, heat = Mention("Up", UP, (0, 2)), Mention("Heat", HEAT, (17, 21))
    assert first.turns == (
        Turn("system", "Hi, Heat?", (Mention("Heat", HEAT, (4, 8)),)),  # it opens the dialogue: no label
        Turn("user", 'The "future"\nSomething else', (Mention("The Future", FUTURE, None),)),
        Turn("system", "Up, up\nAnd UP or heat", (up, Mention("Up", UP, (11, 13)), heat), (UP, HEAT)),
        Turn("user", "Fine"),
    )
    assert [(row.id, row.targets) for row in corpus.test.rows] == [
        ("a.pkl-4", (UP, HEAT)),
        ("b.pkl-2", (HEAT,)),
    ]
    assert corpus.test.rows[0].state == State(first.turns[:2])
    assert (corpus.targets, corpus.dropped) == (5, {"opens the dialogue": 1, "named twice in one turn": 1})
    assert corpus.sealed.feedback == {
        "a.pkl": Feedback(ratings={"accepted": 1.0, "liked": 0.0}),
        "b.pkl": Feedback(ratings={"accepted": 0.0}),
    }
    earlier = [column.replace("case", "fine_label") for column in HEADER]
    assert load(header=earlier).sealed == corpus.sealed


def test_the_copies_for_unicrs(write):
    said = [
        {"text": "Hello", "role": "SEEKER", "movie": [], "entity_link": []},
        {"text": "Heat then", "role": "RECOMMENDER", "movie": ["", "Heat (1995)"], "entity_link": []},
    ]
    for name in ("train", "dev", "test"):
        data = write(f"{name}.jsonl", [json.dumps(said), json.dumps([])])
    corpus = Inspired().load("official", data, seed=0)
    first, empty = corpus.test.dialogues
    assert (first.id, empty.id, empty.turns) == ("test-1", "test-2", ())
    assert first.turns[1] == Turn("system", "Heat then", (Mention("Heat", 0, (0, 4)),), (0,))
    assert (corpus.targets, corpus.dropped, corpus.sealed.feedback) == (1, {}, {})


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([*LINES, LINES[0]], r"train\.tsv, line 10: dialog_id a\.pkl goes on after it ended \(line 2\)"),
        ([LINES[0], LINES[0]], r"train\.tsv, line 3: utt_id 1 of dialog_id a\.pkl is there twice"),
        ([line("a", 1, "Bot", "Hi")], r"train\.tsv, line 2: field speaker: 'Bot' is neither"),
        ([line("a", 1, "SEEKER", "Hi", case="left")], r"line 2: 'left' is none of the outcomes"),
        (["a\tb"], r"train\.tsv, line 2: 2 fields instead of 10"),
        ([], r"train\.tsv: holds no rows"),
    ],
)
def test_damage_is_named(load, lines, complaint):
    with pytest.raises(DataError, match=complaint):
        load(lines)


def test_a_missing_column(load):
    with pytest.raises(DataError, match=r"train\.tsv, line 1: the column 'movies' is missing"):
        load(header=[column.replace("movies", "films") for column in HEADER])


def test_the_published_counts(data_dir):
    if not (data_dir / "inspired").is_dir():
        pytest.skip(f"{data_dir} has no folder inspired")
    corpus = Inspired().load("official", data_dir, seed=0)
    splits = (corpus.train, corpus.valid, corpus.test)
    assert [len(split.dialogues) for split in splits] == [801, 99, 99]
    assert [sum(len(one.turns) for one in split.dialogues) for split in splits] == [16982, 2053, 2089]
    assert (len(corpus.valid.rows), len(corpus.test.rows)) == (272, 256)
    assert corpus.targets == 296
    assert corpus.dropped == {"opens the dialogue": 1, "named twice in one turn": 4}
    assert sum(len(row.targets) for row in corpus.test.rows) == 291
    assert len(corpus.catalog) == 1806
    for one in corpus.test.dialogues:
        for turn in one.turns:
            for mention in turn.mentions:
                assert mention.span is None or turn.text[slice(*mention.span)].lower() == mention.name.lower()
