"""consistency: what users refuse, have seen and dislike, and what a turn names, by hand."""

import pytest
from crsbench_metrics.consistency import (
    Consistency,
    EpisodeConsistency,
    Titles,
    contradiction,
    disliked,
    turned_down,
)

from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Episode,
    Item,
    Mention,
    RankedRow,
    Row,
    Sealed,
    Split,
    State,
    Transition,
    Turn,
)

ITEMS = [
    ("Up (2009)", "comedy"),
    ("Star Wars (1977)", "space"),
    ("Star Wars: The Clone Wars (2008)", "space"),
    ("The Thing", "horror"),
    ("It Came From Outer Space", "horror"),
]
CATALOG = Catalog(
    tuple(Item(str(i), title, None, {"genre": (genre,)}) for i, (title, genre) in enumerate(ITEMS))
)
UP, WARS, CLONES, THING, SPACE = range(5)
NAMES = {**{title.partition(" (")[0]: i for i, (title, _) in enumerate(ITEMS)}, "Horror": None, "space": None}


def says(speaker, text, *recommended):
    """A turn whose mentions are the names that its text holds, the longest at each place."""
    found = []
    taken = set()
    for name in sorted(NAMES, key=len, reverse=True):
        start = text.find(name)
        if start >= 0 and not taken & set(range(start, start + len(name))):
            taken |= set(range(start, start + len(name)))
            found.append(Mention(name, NAMES[name], (start, start + len(name))))
    return Turn(speaker, text, tuple(found), recommended)


def user(text):
    return says("user", text)


def system(text, *recommended):
    return says("system", text, *recommended)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("No, thanks.", {UP}),
        ("Nope. Something else?", {UP}),
        ("I have already seen it", {UP}),
        ("I've seen that, it was great", {UP}),
        ("I watched it last week", {UP}),
        ("I don't really like it", {UP}),
        ("I am not a big fan of that one", {UP}),
        ("I hate The Thing, but that sounds nice", {THING}),
        ("I saw Star Wars. What is it about?", {WARS}),
        ("I have not seen it", set()),
        ("I haven't seen it yet", set()),
        ("I've never watched that", set()),
        ("No, I have not", set()),
        ("no problem", set()),
        ("Great, I love it", set()),
        ("Thanks, I will watch it", set()),
        ("I like Star Wars", set()),
        ("", set()),
    ],
)
def test_turned_down(reply, expected):
    assert turned_down((system("How about Up", UP), user(reply))) == expected


def test_refusals_are_of_the_turn_before_alone():
    history = (
        system("See Up", UP),
        user("ok"),
        system("See The Thing", THING),
        user("not for me"),
        user("no"),
    )
    assert turned_down(history) == {THING}  # the last turn answers nobody's
    assert turned_down((system("No, I hate Up"),)) == frozenset()


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["I hate Horror films"], {"horror"}),
        (["I don't like Horror but space is fine"], {"horror"}),
        (["No Horror please, space"], {"horror"}),
        (["I have had too much of space lately. Horror?"], {"space"}),
        (["I like Horror"], set()),
        (["I hate Horror", "well, some Horror then"], set()),
        (["I like space", "space is not for me"], {"space"}),
    ],
)
def test_disliked(turns, expected):
    assert disliked([user(text) for text in turns]) == expected


def test_titles_in_texts():
    titles = Titles(CATALOG)
    assert titles.named("Try Up (2009)!", UP) == (True, frozenset())
    assert titles.named("it came from outer space is up your street", THING) == (False, {SPACE})
    assert titles.named("the thing is, I know Star Wars: The Clone Wars", UP) == (False, {CLONES})
    assert titles.named("The Thing and Star Wars", WARS) == (True, {THING})
    assert titles.named("what's up", UP) == (True, frozenset())
    assert titles.named("Upper", UP) == (False, frozenset())
    assert titles.named("", UP) == (False, frozenset())


@pytest.mark.parametrize(
    ("history", "item", "said", "expected"),
    [
        ([system("See Up", UP), user("seen it")], UP, "Up it is", "again"),
        ([system("See Up", UP), user("seen it")], WARS, "Then Star Wars", None),
        ([user("I hate Horror")], THING, "Maybe The Thing", "disliked"),
        ([user("I hate Horror")], UP, "Up, or The Thing", "disliked"),
        ([user("I hate Horror like The Thing")], UP, "No more of The Thing: take Up", None),
        ([user("I love Horror")], THING, "The Thing", None),
        ([user("hi")], UP, "Try The Thing", "at odds"),
        ([user("hi")], UP, "Try Up, it is like The Thing", None),
        ([user("I like The Thing")], UP, "As you like The Thing, you may like this", None),
        ([user("hi")], UP, "Try this", None),
        ([user("hi")], UP, None, None),
    ],
)
def test_contradictions(history, item, said, expected):
    action = Action((item,), text=said)
    assert contradiction(State(tuple(history)), action, CATALOG, Titles(CATALOG)) == expected


def test_the_metric():
    corpus = Corpus(CATALOG, Split(), Split(), Split(), Sealed(), "", 0)

    def row(name, *items):
        state = State((system("See Up", UP), user("seen it")))
        return RankedRow(Row(name, "d", state, ()), Action(items, text="ok"), (), (), (), (), True)

    (values,) = Consistency().measure([row("1", UP), row("2", WARS, UP), row("3")], corpus)
    assert (values.metric, values.unit, values.subset) == ("consistency", "row", "all")
    assert (values.ids, values.groups, values.values) == (("1", "2"), ("d", "d"), (0.0, 1.0))
    (absent,) = Consistency().measure([row("3")], corpus)
    assert absent == Absent("consistency", "nothing was recommended")


def test_episodes():
    corpus = Corpus(CATALOG, Split(), Split(), Split(), Sealed(), "", 0)

    def episode(seed, decoding, *items):
        """Each item is recommended, and seen."""
        state, steps = State((user("hi"),)), []
        for item in items:
            title = CATALOG.items[item].title.partition(" (")[0]
            reply = user("seen it")
            after = state.then(system(f"See {title}", item), reply)
            action = Action((item,), text=f"See {title}")
            steps.append(Transition(state, action, reply, after, False, False, str(seed), len(steps), 0))
            state = after
        return Episode(seed, tuple(steps), None, decoding)

    episodes = [episode(7, "greedy", UP, WARS, UP, THING), episode(7, "sampled", UP), episode(8, "greedy")]
    greedy, sampled = EpisodeConsistency().measure(episodes, corpus)
    assert (greedy.ids, greedy.groups, greedy.values) == (("greedy/7",), ("7",), (0.75,))
    assert (sampled.decoding, sampled.unit, sampled.values) == ("sampled", "episode", (1.0,))
    (absent,) = EpisodeConsistency().measure([episode(8, "greedy")], corpus)
    assert absent == Absent("consistency_episodes", "there are no episodes with a turn")
