"""A corpus as a DatasetDict: all of it comes back, but nothing that is sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crsbench
from crsbench.types import (
    Catalog,
    Corpus,
    Dialogue,
    Feedback,
    Item,
    Mention,
    Row,
    Sealed,
    Split,
    State,
    Turn,
)

ASKED = Turn(
    "user", "Like Heat, with Al Pacino?", (Mention("Heat", 0, (5, 9)), Mention("Al Pacino")), (), 0.5
)
TOLD = Turn("system", "Jaws.", (Mention("Jaws", 1, None),), (1, 0), 4.0)
LEFT = Turn("user", "", ends=True)
DIALOGUES = (Dialogue("a", (ASKED, TOLD, LEFT), "u1"), Dialogue("b", (), group=3))
ROWS = (Row("r", "b", State((ASKED,)), (1, 1), exposed=True), Row("s", "b", State(()), ()))
ITEMS = (Item("7", "Heat", 1995, {"actor": ("Al Pacino", "Val Kilmer")}, "A heist."), Item("9", "Jaws"))
CORPUS = Corpus(
    Catalog(ITEMS),
    Split(DIALOGUES),
    Split(),
    Split(rows=ROWS),
    Sealed({"a": Feedback(liked={1: False}, ratings={"secret": 2.5})}),
    "f",
    2,
)


def turns(rows: Any) -> tuple[Turn, ...]:
    def mention(one: Any) -> Mention:
        return Mention(one["name"], one["item"], None if one["start"] is None else (one["start"], one["end"]))

    return tuple(
        Turn(
            row["speaker"],
            row["text"],
            tuple(map(mention, row["mentions"])),
            tuple(row["recommended"]),
            row["seconds"],
            row["ends"],
        )
        for row in rows
    )


def test_all_comes_back_from_disk(tmp_path: Path) -> None:
    from datasets import DatasetDict, load_from_disk

    crsbench.to_hf(CORPUS).save_to_disk(str(tmp_path))
    found: Any = load_from_disk(str(tmp_path))
    assert isinstance(found, DatasetDict)
    assert set(found) == {"train", "test_rows", "catalog"}
    assert (
        tuple(Dialogue(row["id"], turns(row["turns"]), row["user"], row["group"]) for row in found["train"])
        == DIALOGUES
    )
    assert (
        tuple(
            Row(
                row["id"],
                row["dialogue"],
                State(turns(row["history"])),
                tuple(row["targets"]),
                row["exposed"],
            )
            for row in found["test_rows"]
        )
        == ROWS
    )
    assert (
        tuple(
            Item(
                row["id"],
                row["title"],
                row["year"],
                {one["relation"]: tuple(one["values"]) for one in row["attributes"]},
                row["description"],
            )
            for row in found["catalog"]
        )
        == ITEMS
    )


def test_what_is_sealed_stays_out() -> None:
    found = crsbench.to_hf(CORPUS)
    everything = str([row for split in found.values() for row in split])
    assert "secret" not in everything
    assert "2.5" not in everything
    assert "liked" not in everything
