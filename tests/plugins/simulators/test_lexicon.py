"""What people's words say of attribute values, and whether they like them."""

from __future__ import annotations

import pytest
from crsbench_simulators.lexicon import Lexicon, feeling

from crsbench.types import Mention, Turn

OWNERS = {"comedy": 50, "sci-fi": 20, "horror": 20, "romance": 9, "Will Smith": 3, "Sting": 2, "Thrillers": 8}


def read(text: str, *mentions: Mention) -> list[tuple[str, bool]]:
    lexicon = Lexicon(OWNERS, 1000)
    return [(mention.name, likes) for mention, likes in lexicon.read(Turn("user", text, mentions))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I want COMEDIES", [("comedy", True)]),
        ("a sci fi thriller", [("sci-fi", True), ("Thrillers", True)]),
        ("I hate horror. Sci-fi is fine!", [("horror", False), ("sci-fi", True)]),
        ("I don't really like romantic ones but comedy", [("romance", False), ("comedy", True)]),
        ("something scary with will smith", [("horror", True), ("Will Smith", True)]),
        ("the sting is in the tail", []),  # one word that few items have is a word
        ("I have never seen a horror film", []),
        ("", []),
    ],
)
def test_values_in_free_text(text: str, found: list[tuple[str, bool]]) -> None:
    assert read(text) == found


def test_a_title_names_nothing_else() -> None:
    text = "I hated Horror Hotel. I loved Comedy Club"
    hotel, club = Mention("Horror Hotel", 1, (8, 20)), Mention("Comedy Club", 2, (30, 41))
    assert read(text, hotel, club) == [("Horror Hotel", False), ("Comedy Club", True)]
    assert read("I hated Hotel", Mention("Hotel", 3)) == [("Hotel", False)]  # where the data has no spans


@pytest.mark.parametrize(
    ("clause", "judged"),
    [
        ("I love it", True),
        ("do you know it?", True),
        ("I can't stand it", False),
        ("not a big fan of it", False),
        ("I wasn't into it", False),
        ("I haven't seen it", None),
        ("never watched it", None),
    ],
)
def test_feelings(clause: str, judged: bool | None) -> None:
    assert feeling(clause) is judged
