"""What speaks for an item, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from crsbench_features.candidates import Candidates
from crsbench_features.connections import GROUPS, Connections, group_of
from crsbench_features.memory import THOROUGH
from crsbench_features.sentences import OF_DESCRIPTIONS, OF_RIDGE, Sentences

from crsbench.types import Catalog, Dialogue, Item, Mention

FILMS = Catalog(
    (
        Item("a", "Heat", 1995, {"genre": ("crime", "drama"), "director": ("Michael Mann",)}),
        Item("b", "Collateral", 2004, {"genre": ("crime", "drama"), "director": ("Michael Mann",)}),
        Item("c", "Babe", 1995, {"genre": ("drama",)}),
        Item("d", "Fargo", 1996, {"genre": ("crime",)}),
    )
)


@pytest.mark.parametrize(
    ("mention", "item", "told"),
    [
        (Mention("Heat", 0), 0, "named before"),
        (Mention("Heat", 0), 1, "same director: Michael Mann; same genre: crime"),  # the rarest two
        (Mention("Heat", 0), 2, "same genre: drama"),
        (Mention("michael mann"), 1, "director"),
        (Mention("Michael Mann"), 2, ""),
    ],
)
def test_how_a_mention_is_connected_with_an_item(mention: Mention, item: int, told: str) -> None:
    assert Connections(FILMS).told(mention, item) == told


def test_every_feature_has_its_group(
    toy: tuple[Catalog, tuple[Dialogue, ...]],
) -> None:
    described = Catalog(tuple(replace(item, description="a film") for item in toy[0].items))
    encoded = (*Sentences.names, *OF_DESCRIPTIONS, *OF_RIDGE)
    names = (*Candidates.fit(toy[1], described, 12).names, *encoded, *THOROUGH)
    assert {group_of(name) for name in names} == set(GROUPS)
    assert {group_of(name) for name in OF_RIDGE} == {group_of("ridge")}
