"""The ratings of USS: a tiny file by hand, every damage, and what the real one holds."""

from collections import Counter

import pytest
from crsbench_corpora.uss import USS, RatedDialogue, RatedTurn, read_uss

from crsbench.errors import DataError
from crsbench.protocols import Dataset
from crsbench.types import Dialogue, Turn

TALK = ["USER\tHi\t\t3,4,3", "SYSTEM\tHo \t\t", "SYSTEM\tOVERALL\t\t", "USER\tOVERALL\t\t4,4,5"]
SHORT = ["USER\tWhat?\tinform\t1", "USER\tOVERALL\t\t5"]


@pytest.fixture
def write(tmp_path):
    def write(*lines):
        path = tmp_path / "uss" / "ReDial.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
        return path

    return write


def test_dialogues(write):
    first, second = read_uss(write("", *TALK, "", "", *SHORT))
    turns = (
        RatedTurn("user", "Hi", (3, 4, 3)),
        RatedTurn("system", "Ho ", ()),
        RatedTurn("system", "OVERALL", ()),
    )
    assert first == RatedDialogue("1", turns, (4, 4, 5))
    assert second == RatedDialogue("2", (RatedTurn("user", "What?", (1,)),), (5,))


def test_the_corpus_has_ratings_that_are_sealed_and_nothing_to_score(write, tmp_path):
    write(*TALK, "", *SHORT)
    dataset = USS()
    assert isinstance(dataset, Dataset)
    corpus = dataset.load("ratings", tmp_path, seed=0)
    assert corpus.train.dialogues[1] == Dialogue("2", (Turn("user", "What?"),))
    assert corpus.sealed.feedback["1"].ratings == {"overall": 13 / 3, "turn 0": 10 / 3}
    assert len(corpus.catalog) == len(corpus.test.rows) == corpus.targets == 0


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], r"ReDial\.txt holds no dialogues \(download it with crsbench data get uss"),
        (["USER\tHi\t3"], r"ReDial\.txt, line 1: 3 fields instead of 4"),
        (["user\tHi\t\t3"], r"line 1: the speaker is 'user', neither USER nor SYSTEM"),
        (["SYSTEM\tHi\t\t3"], r"line 1: a turn of the system has ratings"),
        (["USER\tHi\t\t"], r"line 1: the ratings are '', not numbers from 1 to 5"),
        (["USER\tHi\t\t3,6"], r"line 1: the ratings are '3,6', not numbers from 1 to 5"),
        ([*TALK, "", SHORT[1]], r"line 6: a line OVERALL without a dialogue"),
        ([*TALK, "", SHORT[0], "", *SHORT], r"line 7: the dialogue ends without its line OVERALL"),
        ([*TALK, "", SHORT[0]], r"line 6: the dialogue ends without its line OVERALL"),
        ([*TALK, b"USER\t\xff\t\t3"], r"line 5: not UTF-8"),
    ],
)
def test_damage_is_named(write, lines, complaint):
    with pytest.raises(DataError, match=complaint):
        read_uss(write(*lines))


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match=r"uss is missing \(download it with crsbench data get uss"):
        USS().load("ratings", tmp_path, seed=0)


def test_what_the_file_holds(data_dir):
    path = data_dir / "uss" / "ReDial.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    dialogues = read_uss(path)
    turns = [turn for one in dialogues for turn in one.turns]
    rated = [turn for turn in turns if turn.speaker == "user"]
    assert (len(dialogues), len(turns), len(rated)) == (1000, 21458, 10806)
    raters = Counter(len(one.overall) for one in dialogues)
    assert raters == {3: 532, 4: 397, 5: 64, 6: 6, 7: 1}
    assert all(len(t.ratings) == len(one.overall) for one in dialogues for t in one.turns if t.ratings)
    threes = sum(turn.ratings.count(3) for turn in rated) / sum(len(turn.ratings) for turn in rated)
    assert 0.7 < threes < 0.75
