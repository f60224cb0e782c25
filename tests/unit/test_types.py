"""The data types: what their digests cover."""

from __future__ import annotations

import hashlib
import json

import pytest

from crsbench.types import FOLDS, Catalog, Dialogue, Item


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_catalogue_s_fingerprint_is_that_of_its_json(size: int) -> None:
    """The row by row digest is the one of the whole document, so that it is stable across versions."""
    items = tuple(
        Item(f"i{n}", 'é "\\', None if n else 1995, {"z": ("b", "a"), "a": ()}) for n in range(size)
    )
    document = [[i.id, i.title, i.year, {name: list(v) for name, v in i.attributes.items()}] for i in items]
    text = json.dumps(document, ensure_ascii=False, sort_keys=True)
    assert Catalog(items).fingerprint == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_what_is_known_of_an_item_is_in_the_fingerprint() -> None:
    plain, told = (Catalog((Item("a", "Heat", description=text),)).fingerprint for text in ("", "a heist"))
    assert told != plain
    assert Catalog((Item("a", "Heat", description="a heist at sea"),)).fingerprint != told


def test_a_group_shares_its_fold() -> None:
    assert [Dialogue("d", (), group=group).fold for group in range(FOLDS + 1)] == [*range(FOLDS), 0]
    assert len({Dialogue(f"d{n}", ()).fold for n in range(50)}) == FOLDS
