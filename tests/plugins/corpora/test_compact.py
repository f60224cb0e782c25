"""Packed corpora are equal to what they were packed from, and a cache entry is believed only when whole."""

import json

import pytest
from crsbench_corpora import cache
from crsbench_corpora.compact import pack, unpack
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench.types import (
    Catalog,
    Corpus,
    Dialogue,
    Feedback,
    Item,
    Mention,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
)

words = st.text(max_size=8)
items = st.lists(
    st.builds(
        Item,
        words,
        words,
        st.none() | st.integers(0, 3000),
        st.dictionaries(words, st.lists(words, max_size=2).map(tuple), max_size=2),
        words,
    ),
    min_size=1,
    max_size=4,
)
answers = st.dictionaries(st.integers(0, 3), st.booleans(), max_size=3)
feedback = st.builds(
    Feedback,
    answers,
    answers,
    answers,
    st.dictionaries(words, st.floats(allow_nan=False, width=32), max_size=2),
    st.frozensets(st.integers(0, 3), max_size=2),
)


@st.composite
def turns(draw, catalog):
    """A turn whose mentions may be titled or not, with or without spans."""
    places = st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9))
    number = st.integers(0, len(catalog) - 1)
    titled = st.builds(lambda i, span: Mention(catalog[i].title, i, span), number, places)
    free = st.builds(Mention, words, st.none() | number, places)
    return Turn(
        draw(st.sampled_from(["user", "system"])),
        draw(words),
        tuple(draw(st.lists(titled | free, max_size=3))),
        tuple(draw(st.lists(number, max_size=2))),
        draw(st.none() | st.floats(0, 1e9)),
        draw(st.booleans()),
    )


@st.composite
def splits(draw, catalog):
    dialogues = tuple(
        Dialogue(
            str(n),
            tuple(draw(st.lists(turns(catalog), max_size=4))),
            draw(st.none() | words),
            draw(st.none() | st.integers(0, 9)),
        )
        for n in range(draw(st.integers(0, 3)))
    )
    rows = []
    for n in range(draw(st.integers(0, 3))):
        whose = draw(st.integers(0, 3))
        known = dialogues[whose].turns if whose < len(dialogues) else ()
        shared = known[: draw(st.integers(0, 4))]
        history = (*shared, *draw(st.lists(turns(catalog), max_size=2)))
        targets = tuple(draw(st.lists(st.integers(0, len(catalog) - 1), max_size=3)))
        rows.append(Row(f"r{n}", str(whose), State(history), targets, draw(st.booleans())))
    return Split(dialogues, tuple(rows), draw(st.booleans()))


@st.composite
def corpora(draw):
    catalog = draw(items)
    return Corpus(
        Catalog(tuple(catalog)),
        draw(splits(catalog)),
        draw(splits(catalog)),
        draw(splits(catalog)),
        Sealed(draw(st.dictionaries(words, feedback, max_size=2))),
        "f" * 16,
        draw(st.integers(0, 9)),
        draw(st.dictionaries(words, st.integers(1, 9), max_size=1)),
    )


@given(corpora())
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost(corpus):
    assert unpack(json.loads(json.dumps(pack(corpus)))) == corpus


def test_truth_has_no_place():
    corpus = Corpus(Catalog(()), Split(), Split(), Split(), Sealed(truth={"a": Truth()}), "", 0)
    with pytest.raises(ValueError, match="truth"):
        pack(corpus)


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """`reading(digest)` loads through the cache; `.calls` counts how often nothing was remembered."""
    monkeypatch.setenv("CRSBENCH_CACHE", str(tmp_path))
    corpus = Corpus(Catalog((Item("a", "A"),)), Split(), Split(), Split(), Sealed(), "x", 1)

    def load(digest="d"):
        def read():
            load.calls += 1
            return corpus

        assert cache.remembered("toy", digest, read) == corpus
        return load.calls

    load.calls = 0
    return load


def test_a_second_reading_is_remembered(reading, tmp_path):
    assert [reading(), reading(), reading("e"), reading("e"), reading()] == [1, 1, 2, 2, 2]
    assert {path.name.split(".")[1] for path in (tmp_path / "corpora").iterdir()} == {"d", "e"}


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-2], lambda c: c.replace(b'"A"', b'"B"'), lambda c: b"", lambda c: c[70:]]
)
def test_a_damaged_entry_is_not_believed(reading, tmp_path, damage):
    reading()
    (entry,) = (tmp_path / "corpora").iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    assert reading() == 2
    assert reading() == 2  # and was mended


def test_another_reader_reads_again(reading, monkeypatch):
    reading()
    monkeypatch.setattr(cache, "readers", lambda: "edited")
    assert reading() == 2


def test_a_folder_that_cannot_be_written_costs_time_alone(reading, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRSBENCH_CACHE", str(tmp_path / "file"))
    assert [reading(), reading()] == [1, 2]


def test_old_entries_go(reading, tmp_path):
    for digest in "abcdefg":
        reading(digest)
    assert len(list((tmp_path / "corpora").iterdir())) == cache.KEPT
