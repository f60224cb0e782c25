import numpy as np
import pytest
from crsbench_features.links import LinkIndex
from crsbench_signals.options import RelevanceOptions
from crsbench_signals.relevance import Relevance

from crsbench.context import measure
from crsbench.types import Action, Catalog, Item, Mention, State, Transition, Turn

CATALOG = Catalog(
    (
        Item("a", "Alpha", None, {"genre": ("horror",), "actor": ("Ann Lee",)}),
        Item("b", "Beta", None, {"genre": ("comedy",), "actor": ("Ann Lee",)}),
        Item("c", "Gamma", None, {"genre": ("horror",), "actor": ("Bo Day",)}),
    )
)
LINKS = LinkIndex(CATALOG)


def relevance(*items, said, mentions=(), **options):
    state = State((Turn("user", said, mentions), Turn("system", "I love horror.")))
    step = Transition(state, Action(items), None, state, False, False, "d", 0, 0)
    return measure(Relevance(RelevanceOptions(**options)), [step], CATALOG).values[0]


def link(name, item):
    return LINKS.pairs([LINKS.node(Mention(name, CATALOG.index.get(name)))], [item])[0]


def test_names_in_the_text_count_as_mentions():
    horror = link("horror", 0)
    assert 0 < relevance(0, said="Some horror.") == pytest.approx(horror)
    assert relevance(1, said="Some horror.") == 0
    assert relevance(0, said="Some horror.", mentions=(Mention("horror", None, (5, 11)),)) == pytest.approx(
        horror
    )


def test_an_item_counts_by_what_it_shares():
    shared = link("a", 1)
    said = {"said": "I saw Alpha.", "mentions": (Mention("Alpha", 0, (6, 11)),)}
    assert 0 < relevance(1, **said) == pytest.approx(shared)
    assert relevance(0, **said) == 0  # naming it again is no relation
    assert relevance(1, 2, **said) == pytest.approx((shared + link("a", 2)) / 2)


def test_what_is_disliked_counts_against():
    said = "I hate horror. Ann Lee is great."
    assert relevance(0, said=said) == pytest.approx((link("Ann Lee", 0) - link("horror", 0)) / 2)
    assert relevance(2, said=said) < 0 < relevance(1, said=said)


def test_nothing_named_nothing_known():
    assert np.isnan(relevance(0, said="Hello."))
    assert np.isnan(relevance(0, said="  ", variant="text"))


def test_text_is_the_cosine_of_words():
    assert 0.3 < relevance(0, said="horror", variant="text") < 0.6
    assert relevance(1, said="horror", variant="text") == 0
    assert relevance(1, said="Beta comedy Ann Lee", variant="text") == pytest.approx(1, abs=0.01)


def test_is_derived_and_needs_the_catalogue():
    assert measure(Relevance(), [], CATALOG).source == "derived"
    with pytest.raises(RuntimeError, match="ground"):
        Relevance().measure([])
