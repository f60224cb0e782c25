"""Names that nobody annotated are found, and what only looks like one is not."""

from __future__ import annotations

import pytest
from crsbench_features.reading import Reader
from crsbench_features.spelling import Speller, plain

from crsbench.types import Catalog, Item, Mention, State, Turn

NAMES = ["Alejandro González Iñárritu", "Ben Schwartz", "28 Days Later", "J. K. Rowling", "Tom Hanks", "Up"]
NAMES += ["Leonardo DiCaprio"]
SPELLER = Speller({name: n for n, name in enumerate(NAMES)})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a film by Alejandro Gonzalez Inarritu?", [0]),
        ("Could it be with Ben Schwarz, please", [1]),
        ("What is similar to 28 Days Later?", [2]),
        ("J.K. Rowling wrote it. Tom Hanks did not", [3, 4]),
        ("Tom Hank and Ben Schwartz", [4, 1]),
        ("Someone like Lenardo DeCaprio", [6]),  # few groups in common, and nearly all letters
        ("Up is a film", []),  # one word says too little
        ("tom hanks", []),  # nor do names without capitals
        ("Tom Cruise, Ben Stiller and Leonardo Padura", []),
        ("It ended. Tom. Hanks", []),
        ("", []),
    ],
)
def test_names_are_found(text: str, found: list[int]) -> None:
    assert SPELLER.find(text) == found


def test_what_is_annotated_is_left_out() -> None:
    text = "Tom Hanks and Ben Schwartz"
    assert SPELLER.find(text, [(0, 9)]) == [1]
    assert SPELLER.find(text, [(0, len(text))]) == []


def test_nothing_is_known() -> None:
    assert Speller({}).find("Tom Hanks") == []
    assert plain("Iñárritu") == "inarritu"


def test_entities_join_what_is_named_and_titles_stay_apart() -> None:
    catalog = Catalog(
        (Item("a", "Big Fish", None, {"actor": ("Ewan McGregor",)}), Item("b", "Cast Away", None, {}))
    )
    reader = Reader(catalog, {})
    turn = Turn(
        "user", "Cast Away, or one with Ewan MacGregor like Big Fish", (Mention("Big Fish", 0, (43, 51)),)
    )
    assert reader.named(turn) == (0, 2)
    assert reader.guessed(turn) == (1,)
    bags = reader.mentioned([State((turn, Turn("system", "hm")))])
    assert bags["said"].toarray().tolist() == [[0, pytest.approx(0.7), 0]]
    assert bags["all"].toarray()[0, 1] == 0

    generous = reader.generous()
    assert generous.named(turn) == (0, 1, 2)
    assert generous.guessed(turn) == ()
