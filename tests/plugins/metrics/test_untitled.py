"""Texts without titles."""

import pytest
from crsbench_metrics.untitled import Untitled
from hypothesis import given
from hypothesis import strategies as st

from crsbench.types import Catalog, Item, Mention, Turn

TITLES = ("Spider-Man", "Spider-Man 2", "Up", "War of the Worlds", "War", "500 Days", "eXistenZ", "***")
CATALOG = Catalog(tuple(Item(str(i), title) for i, title in enumerate(TITLES)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Try Spider-Man 2, or Spider Man.", "Try it, or it."),
        ("War of the Worlds is a war film", "it is a war film"),  # the longest; no title without its capital
        ("I give up. Up? UP!", "I give up. it? it!"),
        ("500 days, existenz and EXISTENZ", "it, it and it"),
        ("Warriors *** Uptown", "Warriors *** Uptown"),  # whole words; a title without one is not looked for
        ("", ""),
    ],
)
def test_titles_are_replaced(text: str, left: str) -> None:
    untitled = Untitled(CATALOG)
    assert untitled(text) == left == untitled(text)


def test_turns_keep_who_speaks() -> None:
    (turn,) = Untitled(CATALOG).turns([Turn("system", "See Up.", (Mention("Up", 2, (4, 6)),), (2,))])
    assert (turn.speaker, turn.text, turn.mentions) == ("system", "See it.", ())


@given(st.text(), st.sampled_from(TITLES[:6]), st.text())
def test_what_stands_around_a_title_is_not_touched(before: str, title: str, after: str) -> None:
    untitled = Untitled(CATALOG)
    # a word stands between: "Spider-Man" and "2" would be another title
    assert untitled(f"{before} {title} and {after}") == f"{untitled(before)} it and {untitled(after)}"
    assert Untitled(Catalog(()))(before) == before
