"""What a conversation says for the items, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from crsbench_features.grounding import Grounding
from crsbench_features.reading import DECAY, Reader

from crsbench.types import Catalog, Item, Mention, State, Turn

CATALOG = Catalog(
    (
        Item("a", "Heat", 1995, attributes={"genre": ("crime",), "actor": ("Al Pacino",)}),
        Item("b", "Heat Wave", attributes={"genre": ("crime", "comedy")}),
        Item("c", "Solaris", attributes={"genre": ("drama",)}),
    )
)
CRIME, RARE = math.log(2) / math.log(4), 1.0


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    """The features of one state by name, [I] each."""
    state = State(
        (
            Turn("user", "I saw Solaris", (Mention("Solaris", 2),)),
            Turn("system", "And Heat?", (Mention("Heat", 0),)),
            Turn("user", "Al Pacino, yes. Any crime?", (Mention("crime", span=(20, 25)),)),
        )
    )
    grounding = Grounding(Reader(CATALOG, {}))
    columns = (column[0] for column in grounding.columns([state]))
    return dict(zip(grounding.names, columns, strict=True))


def test_a_node_speaks_in_the_bag_of_its_turn(found: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(found["copy:user"], [0, 0, DECAY])
    np.testing.assert_allclose(found["copy:system"], [1, 0, 0])
    assert not found["copy:last"].any()
    np.testing.assert_allclose(found["times"], [1, 0, 1])


def test_names_in_the_text_are_read_beside_the_mentions(found: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(found["entity:last"], [CRIME + RARE, CRIME, 0], rtol=1e-6)
    np.testing.assert_allclose(found["walk:last"], [1 / 2 + 1, 1 / 2, 0])
    np.testing.assert_allclose(found["linked"], [2, 1, 0])
    np.testing.assert_allclose(found["link:actor"], [RARE, 0, 0], rtol=1e-6)


def test_an_item_speaks_for_others_and_not_for_itself(found: dict[str, np.ndarray]) -> None:
    cosine = CRIME**2 / (CRIME**2 + RARE**2)
    np.testing.assert_allclose(found["item:system"], [0, cosine, 0], rtol=1e-6)
    share = CRIME / (CRIME + RARE)  # of Heat's attributes by idf, then one of two crime items
    np.testing.assert_allclose(found["itemwalk:system"], [0, share / 2, 0], rtol=1e-6)


def test_hops_go_on_from_the_items_of_an_entity(found: dict[str, np.ndarray]) -> None:
    share = CRIME / (CRIME + RARE)
    crime_from_heat, crime_from_wave = share / 2, share / 2
    al_from_heat = 1 - share
    heat = (1 + 1 / 2) * (crime_from_heat + al_from_heat) + 1 / 2 * crime_from_wave
    wave = (1 + 1 / 2) * crime_from_heat + 1 / 2 * (crime_from_wave + 1 - share)
    np.testing.assert_allclose(found["hops"], [heat, wave, 0], rtol=1e-6)


def test_titles_are_matched_by_their_rare_words(found: dict[str, np.ndarray]) -> None:
    heat, wave = (math.log(4 / 3) + 1) ** 2, (math.log(4 / 2) + 1) ** 2
    np.testing.assert_allclose(found["title:all"], [1, heat / (heat + wave), 1], rtol=1e-6)
    assert not found["title:last"].any()


def test_an_item_is_known_by_its_links(found: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(found["degree"], np.log1p([2, 2, 1]), rtol=1e-6)
    np.testing.assert_allclose(found["year"], [0.95, 0, 0], rtol=1e-6)


def test_the_newest_node_is_the_last_one_named() -> None:
    turn = Turn("user", "Heat or Solaris", (Mention("Heat", 0), Mention("Solaris", 2)))
    grounding = Grounding(Reader(CATALOG, {}))
    columns = list(grounding.columns([State((turn, Turn("system", "Hm."))), State(())]))
    newest = columns[grounding.names.index("copy:newest")]
    np.testing.assert_array_equal(newest, [[0, 0, 1], [0, 0, 0]])


def test_descriptions_are_read_beside_what_was_said_and_named() -> None:
    about = ("a heist in town", "a heist at sea", "love in town", "")
    catalog = Catalog(tuple(Item(str(n), f"Film {n}", description=text) for n, text in enumerate(about)))
    reader = Reader(catalog, {"heist": 0, "in": 1, "sea": 2, "town": 3, "film": 4})
    state = State((Turn("user", "A heist film, like Film 0", (Mention("Film 0", 0),)),))
    grounding = Grounding(reader)
    columns = (column[0] for column in grounding.columns([state]))
    found = dict(zip(grounding.names, columns, strict=True))
    common = math.log(5 / 3) + 1  # of heist, in, town: two of four descriptions each; of sea: one
    sea = common / math.hypot(common, math.log(5 / 2) + 1)
    np.testing.assert_allclose(found["description:said"], [1 / math.sqrt(3), sea, 0, 0], rtol=1e-6)
    others = [0, sea / math.sqrt(3), 2 / math.sqrt(6), 0]  # the item itself is a copy
    np.testing.assert_allclose(found["description:named"], others, rtol=1e-6)


def test_where_nothing_is_described_there_is_no_such_feature() -> None:
    assert not any(name.startswith("description") for name in Grounding(Reader(CATALOG, {})).names)
