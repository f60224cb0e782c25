"""Planted leaks are exposed, each by its own measure; users who only say what they like pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from crsbench.asking import Users
from crsbench.audit.simulator import findings, leaks
from crsbench.audit.titles import Copier, Titles
from crsbench.errors import UsageError
from crsbench.types import (
    Action,
    Catalog,
    Corpus,
    Dialogue,
    Item,
    Mention,
    Row,
    Sealed,
    Split,
    State,
    Truth,
    Turn,
)
from crsbench.ui import SilentUi

USERS = 20
GENRES = ("comedy", "horror", "western")
NAMES = ("Ash", "Bells", "Crows", "Dust", "Elms", "Fog", "Gold", "Hail", "Iron", "Jade", "Kings", "Ox", "Oak")


def film(n: int) -> Item:
    attributes = {"genre": (GENRES[n % 3],), "mood": (f"mood {n // 3}",)}
    return Item(f"i{n}", f"The Night of {NAMES[n]}", 1980 + n, attributes)


OTHERS = tuple(Item(f"j{n}", f"Filler {n}", None, {"genre": ("filler",)}) for n in range(46))
CATALOG = Catalog((*map(film, range(len(NAMES))), *OTHERS))
NOBODY = (0, USERS)
NAMED, COPIED = "targets_named_by_user", "targets_found_by_copying"
PARAPHRASED = "targets_paraphrased_by_user"


def target(seed: int) -> int:
    return 2 + seed % 11  # the copier's filler begins with items 0 and 1


def corpus() -> Corpus:
    talks = tuple(Dialogue(f"d{n}", (Turn("user", "hello"),)) for n in range(USERS))
    rows = tuple(Row(f"r{n}", one.id, State(one.turns), (target(n),)) for n, one in enumerate(talks))
    return Corpus(CATALOG, Split(talks), Split(), Split(talks, rows), Sealed(), "f", USERS)


class Simulated:
    """Says `words(target)`, answers "no" once, and is over: two recommendations."""

    def __init__(self, words: Callable[[int], Turn]) -> None:
        self.words = words

    def ground(self, catalog: Catalog, dialogues: Sequence[Dialogue]) -> None:
        self.dialogues = dialogues

    def dialogue(self, seed: int) -> str:
        return self.dialogues[seed].id

    def start(self, seeds: Sequence[int]) -> list[State]:
        return [State((self.words(target(seed)),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        titles = [CATALOG.items[action.items[0]].title for action in actions]
        return [
            (Turn("user", f"{title}? no"), len(state.history) > 1)
            for title, state in zip(titles, states, strict=True)
        ]

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        return None


def audited(words: Callable[[int], Turn]) -> dict[str, tuple[int, int]]:
    users = Users(Simulated(words), "planted").ground(CATALOG, corpus().test.dialogues)
    found = findings(users, corpus(), range(USERS), SilentUi())
    exposed = [one.name for one, _, _ in leaks(found)]
    return {one.name: (one.count, one.total) for one in found} | {"exposed": exposed}  # pyright: ignore


def said(text: str, *mentions: str) -> Turn:
    return Turn("user", text, tuple(Mention(name) for name in mentions))


@pytest.mark.parametrize(
    "words",
    [
        lambda item: said(f"I want {CATALOG.items[item].title} (1999)"),
        lambda item: said(f"something like NIGHT OF {CATALOG.items[item].title.split()[-1]}, please"),
        lambda item: Turn("user", "that one", (Mention("that one", item),)),
    ],
)
def test_who_names_the_target_is_exposed(words: Callable[[int], Turn]) -> None:
    found = audited(words)
    assert found["exposed"] == [NAMED, COPIED]
    assert found[NAMED] == found[COPIED] == (USERS, USERS)
    assert found["targets_of_others_named_by_user"] == NOBODY
    assert found["targets_found_without_words"] == NOBODY
    assert found[PARAPHRASED] == NOBODY


@pytest.mark.parametrize("marked", [True, False])
def test_who_paraphrases_the_target_is_exposed(marked: bool) -> None:
    """Its genre and mood, each of which others have, are together its own."""

    def words(item: int) -> Turn:
        values = [value for values in CATALOG.items[item].attributes.values() for value in values]
        return said("such a thing", *values) if marked else said(f"Do you know {' and '.join(values)}?")

    found = audited(words)
    assert found["exposed"] == [PARAPHRASED]
    assert found[PARAPHRASED] == (USERS, USERS)
    assert found[NAMED] == found[COPIED] == NOBODY


@pytest.mark.parametrize(
    "words",
    [
        lambda item: said("Hm."),
        lambda item: said(f"I like {GENRES[item % 3]} films, such as The Night"),
        lambda item: said("I liked The Night of Ash and Filler 9", "comedy"),  # in everybody's mouth
    ],
)
def test_who_only_says_what_they_like_passes(words: Callable[[int], Turn]) -> None:
    found = audited(words)
    assert found["exposed"] == []
    assert found[NAMED] == found[PARAPHRASED] == found[COPIED] == NOBODY


def test_what_is_named_after_it_was_recommended_is_no_leak() -> None:
    """The planted user repeats every title that is recommended: the filler's, which are nobody's targets."""
    shown = {item for n in range(USERS) for item in (0, 1) if item == target(n)}
    assert shown == set()

    class Late(Simulated):
        def start(self, seeds: Sequence[int]) -> list[State]:
            return [State((Turn("user", "hello"),), session=seed) for seed in seeds]

    near = corpus()
    rows = tuple(Row(r.id, r.dialogue, r.state, (1,)) for r in near.test.rows)
    easy = Corpus(CATALOG, near.train, Split(), Split(near.test.dialogues, rows), Sealed(), "f", USERS)
    users = Users(Late(said), "late").ground(CATALOG, easy.test.dialogues)
    found = {one.name: one.count for one in findings(users, easy, range(USERS), SilentUi())}
    assert found[NAMED] == 0
    assert found[COPIED] == found["targets_found_without_words"] == USERS  # by the filler alone


def test_users_from_no_dialogue_are_held_against_anybodys() -> None:
    class Nobody:
        start, reply, truth = Simulated.start, Simulated.reply, Simulated.truth
        words = staticmethod(lambda item: said(CATALOG.items[item].title))

    found = {
        one.name: one.count for one in findings(Users(Nobody(), "n"), corpus(), range(USERS), SilentUi())
    }
    assert found[NAMED] == USERS  # seed and row are in step here, so that it can be seen
    empty = Corpus(CATALOG, Split(), Split(), Split(), Sealed(), "f", 0)
    with pytest.raises(UsageError, match="no test rows"):
        findings(Users(Nobody(), "n"), empty, range(2), SilentUi())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("I saw Alien 3 and ALIENS: the return", ["Alien 3", "Aliens - The Return"]),
        ("Her or her? Up it goes", ["Her"]),
        ("the wall (1982)", []),  # a single word as it is written
        ("The Wall, amélie", ["The Wall (1982)"]),
        ("2012 was fun", ["2012"]),
        ("", []),
    ],
)
def test_titles(text: str, named: list[str]) -> None:
    titles = (
        "Alien",
        "Alien 3",
        "Aliens - The Return",
        "Her",
        "Up",
        "The Wall (1982)",
        "Amélie",
        "2012",
        "?!",
    )
    catalog = Catalog(tuple(Item(str(n), title) for n, title in enumerate(titles)))
    assert [titles[item] for item in Titles(catalog).named(Turn("user", text))] == named


def test_an_attribute_is_no_title() -> None:
    catalog = Catalog((Item("a", "Drama"), Item("b", "Other", None, {"genre": ("Drama",)})))
    marked = Turn("user", "I like Drama", (Mention("Drama", None, (7, 12)),))
    assert Titles(catalog).named(marked) == []
    assert Titles(catalog).named(Turn("user", "I like Drama")) == [0]


def test_a_title_is_no_attribute() -> None:
    """A film that is called like the mood of the target, and marked as the film, paraphrases nothing."""

    def words(item: int) -> Turn:
        (genre,), (mood,) = CATALOG.items[item].attributes.values()
        text = f"I liked {mood}, it is a {genre}"
        return Turn("user", text, (Mention(mood, 58, (8, 8 + len(mood))),))

    assert audited(words)[PARAPHRASED] == NOBODY


def test_the_copier_takes_the_newest() -> None:
    import numpy as np

    state = State((said("The Night of Ash, Night of Bells"), Turn("system", "Night of Fog"), said("hm")))
    mask = np.ones((1, len(CATALOG)), bool)
    copier, found = Copier(CATALOG), list[int]()
    for _ in range(4):
        (action,) = copier.act([state], mask=mask)
        found.append(action.items[0])
        mask[0, action.items[0]] = False
    assert found == [1, 0, 2, 3]
