"""Links between mentions and items, by hand."""

from __future__ import annotations

import math

import numpy as np
from crsbench_features.linking import Linker
from crsbench_features.links import LinkIndex

from crsbench.types import Catalog, Item, Mention

CATALOG = Catalog(
    (
        Item("a", "Heat", attributes={"genre": ("crime",), "actor": ("Al Pacino",)}),
        Item("b", "Heat Wave", attributes={"genre": ("crime", "comedy")}),
        Item("c", "Solaris", attributes={"genre": ("drama",)}),
    )
)


def test_an_entity_is_linked_to_what_has_it_by_idf() -> None:
    links = LinkIndex(CATALOG)
    node = links.node(Mention("Crime"))
    assert node is not None
    weight = math.log(4 / 2) / math.log(4)
    np.testing.assert_allclose(links.rows([node]), [[weight, weight, 0.0]], rtol=1e-6)
    assert links.relations[links.relation_of[node] - 1] == "genre"


def test_an_item_is_linked_to_others_by_cosine_and_not_to_itself() -> None:
    links = LinkIndex(CATALOG)
    crime, rare = math.log(2), math.log(4)
    cosine = crime**2 / (math.hypot(crime, rare) * math.hypot(crime, rare))
    np.testing.assert_allclose(links.rows([0]), [[0.0, cosine, 0.0]], rtol=1e-6)


def test_rows_keep_the_order_of_mixed_nodes() -> None:
    links = LinkIndex(CATALOG)
    drama = links.node(Mention("drama"))
    assert drama is not None
    both = links.rows([drama, 1, drama])
    np.testing.assert_array_equal(both[0], both[2])
    np.testing.assert_array_equal(both[1], links.rows([1])[0])


def test_pairs_are_entries_of_rows() -> None:
    links = LinkIndex(CATALOG)
    nodes = range(links.items + len(links.entities))
    whole = [(node, item) for node in nodes for item in range(links.items)]
    np.testing.assert_allclose(links.pairs(*zip(*whole, strict=True)), links.rows(nodes).ravel(), rtol=1e-6)
    assert links.pairs([], []).shape == (0,)


def test_what_nobody_knows_has_no_node() -> None:
    assert LinkIndex(CATALOG).node(Mention("opera")) is None


def test_composition_sums_to_one_over_what_an_item_has() -> None:
    np.testing.assert_allclose(LinkIndex(CATALOG).composition.sum(axis=1).A1, 1.0, rtol=1e-6)


def test_the_linker_takes_the_longest_name_and_whole_words() -> None:
    found = Linker(CATALOG).find("Not heat wave but HEAT, with al pacino. Preheat!")
    assert [(m.name, m.item) for m in found] == [("Heat Wave", 1), ("Heat", 0), ("Al Pacino", None)]
    assert [m.span for m in found] == [(4, 13), (18, 22), (29, 38)]
