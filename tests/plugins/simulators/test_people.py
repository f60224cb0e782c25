"""People know what they revealed, nothing of any target, and single out no item by what they say."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from crsbench_simulators.people import People, Person, session

from crsbench.errors import DataError
from crsbench.plugins import Host
from crsbench.types import Catalog, Dialogue, Item, State, Turn

GENRES = ("comedy", "horror", "western", "drama")
STARS = ("Ada Stone", "Bo Reed", "Cleo Marsh", "Dan Field", "Eve Moor", "Fay Glen")


@pytest.fixture(scope="module")
def people(library: Catalog, dialogues: tuple[Dialogue, ...]) -> People:
    return People(library, dialogues)


def of(people: People, dialogue: str) -> Person:
    return next(people[seed] for seed in range(len(people)) if people[seed].dialogue == dialogue)


def test_who_knows_what(people: People) -> None:
    person = of(people, "d2")
    assert person.knows == {19: True}
    said = [(one.mention.name, one.likes, one.relation) for one in person.says]
    assert said[:2] == [("western", True, "genre"), ("Movie Part 19", True, "")]
    assert ("Cleo Marsh", True, "star") in said  # revealed in lower case
    assert said[-1] == ("drama", False, "genre")  # dislikes come last
    assert all(one.mention.name != "Movie Part 2" for one in person.says)


def test_targets_change_nothing(library: Catalog, dialogues: tuple[Dialogue, ...], says) -> None:
    """Whatever the system recommends and names, as long as the user did not name it: the same person."""
    shown = says("system", "Then see {}!", 44, recommended=(44,))
    other = Dialogue("d2", (*dialogues[2].turns[:3], shown))
    own = Dialogue("d2", (*dialogues[2].turns[:3], says("system", "Then see {}!", 2, recommended=(2,))))
    one, two = People(library, [own])[0], People(library, [other])[0]
    assert one.says == two.says
    assert (one.knows, one.suits, one.near) == (two.knows, two.suits, two.near)


def test_what_the_system_names_is_not_known_nor_its_namesake(library: Catalog, says) -> None:
    films = [*library.items[:59], Item("remake", "The Movie Part 7!", 2020, library.items[11].attributes)]
    talk = Dialogue(
        "d",
        (
            says("user", "I liked {} and {}, and westerns", 7, 9),
            says("system", "And {}?", 9),
            Turn("system", "See The Movie Part 7!", recommended=(59,)),
        ),
    )
    person = People(Catalog(tuple(films)), [talk])[0]
    assert person.knows == {}
    assert [one.mention.name for one in person.says] == ["western"]


def test_nothing_said_singles_out_an_item(library: Catalog, says) -> None:
    """Of these films six are like no other in genre and stars: something has to be left unsaid."""
    few = Catalog(library.items[:18])
    wishes = [
        f"I want {' or '.join(genres)}, and {', '.join(stars)}"
        for genres in itertools.combinations(GENRES, 2)
        for stars in itertools.permutations(STARS, 3)
    ][::7]
    people = People(few, [Dialogue(f"d{n}", (says("user", text),)) for n, text in enumerate(wishes)])
    has = [{value for values in item.attributes.values() for value in values} for item in few.items]

    def alone(values: set[str]) -> bool:
        """Whether those of the values that some item has are had by no other."""
        return any(sum(values & one <= other for other in has) == 1 for one in has if values & one)

    withheld = 0
    for seed in range(len(people)):
        person = people[seed]
        said = {one.mention.name for one in person.says}
        wish = wishes[int(person.dialogue[1:])]
        left = [value for value in (*GENRES, *STARS) if value in wish and value not in said]
        assert not alone(said)
        assert all(alone(said | {value}) for value in left)  # nothing is withheld without need
        withheld += len(left)
    assert 0 < withheld < 3 * len(people)


def test_a_value_of_one_item_is_known_and_not_said(library: Catalog, says) -> None:
    talk = Dialogue("d", (says("user", "I want comedy. I like Maker Person5."),))
    people = People(library, [talk])
    person = people[0]
    assert [one.mention.name for one in person.says] == ["comedy"]
    assert people.fit(person, 5) > people.fit(person, 6) == 0
    only = Dialogue("d", (says("user", "I like Maker Person5."),))
    with pytest.raises(DataError, match="nobody"):
        People(library, [only])


def test_fit_is_likes_less_dislikes(library: Catalog, says) -> None:
    talk = Dialogue("d", (says("user", "I want comedy. I hate Ada Stone. Eve Moor is great"),))
    people = People(library, [talk])
    person = people[0]
    items, comedies, star = 60, 15, 20
    comedy, anybody = (np.log((items + 1) / n) / np.log(items + 1) for n in (comedies, star))
    for item in range(60):
        stars = library.items[item].attributes["star"]
        expected = comedy * (item % 4 == 0) + anybody * (("Eve Moor" in stars) - ("Ada Stone" in stars))
        assert people.fit(person, item) == pytest.approx(expected, abs=1e-6)
    fits = sorted((people.fit(person, item) for item in range(60)), reverse=True)
    assert person.suits == pytest.approx(fits[3])  # at most 3 of 60 fit better
    assert person.near == pytest.approx(fits[12])


def test_seeds_go_round(people: People) -> None:
    assert len(people) == 40
    assert {people[seed].dialogue for seed in range(40)} == {f"d{n}" for n in range(40)}
    assert people[3] is people[43]


def test_nobody_to_play(library: Catalog, says) -> None:
    bare = Catalog((Item("a", "A Film"),))
    with pytest.raises(DataError, match="have no attributes"):
        People(bare, [Dialogue("d", (Turn("user", "hello"),))])
    with pytest.raises(DataError, match="nobody in these dialogues"):
        People(library, [Dialogue("d", (says("user", "hello, I hate comedies"),))])
    with pytest.raises(ValueError, match="no session"):
        session(State(()))


def test_real_people_are_suited_by_what_was_recommended_to_them(host: Host, data_dir: Path) -> None:
    """ReDial: of what a real recommender chose for them nearly half suits, of popular items a ninth; .45 and
    .11 of 1,262 people when it was measured. Nobody looks at what it was."""
    offer = host.find("dataset", "redial")
    corpus = offer.make(offer.options_model()()).load("mentions", data_dir, 0)
    people = People(corpus.catalog, corpus.test.dialogues)
    shown: dict[str, set[int]] = {}
    for row in corpus.test.rows:
        shown.setdefault(row.dialogue, set()).update(row.targets)
    persons = [people[seed] for seed in range(250)]
    pairs = [(p, item) for p in persons for item in sorted(shown.get(p.dialogue, ()))]
    others = [(p, item) for (p, _), (_, item) in zip(pairs, pairs[50:], strict=False)]
    own, other = (
        np.mean([people.fit(p, i) >= max(p.suits, 1e-9) for p, i in some]) for some in (pairs, others)
    )
    assert own > 0.38
    assert other < 0.22
