"""A corpus for Hugging Face's `datasets`."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from crsbench.types import Corpus, Item, Split, Turn

if TYPE_CHECKING:
    from datasets import DatasetDict


def to_hf(corpus: Corpus) -> DatasetDict:
    """The corpus as a `datasets.DatasetDict`: everything but what is sealed.

    `train`, `valid`, `test`: one example a dialogue (id, user, group, turns). `valid_rows`, `test_rows`: one
    example a row (id, dialogue, history, targets, exposed). `catalog`: one example an item, in the
    catalogue's order: targets, recommended and mentioned items are its indices. A split without examples is
    left out.
    Explicit labels and truth are not there: this is what may be trained on.
    """
    from datasets import Dataset, DatasetDict, Features, List, Value

    text, whole = Value("string"), Value("int64")
    mention = {"name": text, "item": whole, "start": whole, "end": whole}
    turn = {
        "speaker": text,
        "text": text,
        "mentions": List(mention),
        "recommended": List(whole),
        "seconds": Value("float64"),
        "ends": Value("bool"),
    }
    dialogues = Features({"id": text, "user": text, "group": whole, "turns": List(turn)})
    rows = Features(
        {
            "id": text,
            "dialogue": text,
            "history": List(turn),
            "targets": List(whole),
            "exposed": Value("bool"),
        }
    )
    items = Features(
        {
            "id": text,
            "title": text,
            "year": whole,
            "attributes": List({"relation": text, "values": List(text)}),
            "description": text,
        }
    )
    tables: dict[str, tuple[list[dict[str, Any]], Features]] = {
        "train": (_dialogues(corpus.train), dialogues),
        "valid": (_dialogues(corpus.valid), dialogues),
        "test": (_dialogues(corpus.test), dialogues),
        "valid_rows": (_rows(corpus.valid), rows),
        "test_rows": (_rows(corpus.test), rows),
        "catalog": ([_item(item) for item in corpus.catalog.items], items),
    }
    made: dict[Any, Any] = {
        name: Dataset.from_list(found, features)  # pyright: ignore[reportUnknownMemberType]
        for name, (found, features) in tables.items()
        if found
    }
    return DatasetDict(made)


def _dialogues(split: Split) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "user": one.user, "group": one.group, "turns": _turns(one.turns)}
        for one in split.dialogues
    ]


def _rows(split: Split) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "dialogue": row.dialogue,
            "history": _turns(row.state.history),
            "targets": list(row.targets),
            "exposed": row.exposed,
        }
        for row in split.rows
    ]


def _turns(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    return [
        {
            "speaker": turn.speaker,
            "text": turn.text,
            "mentions": [
                {
                    "name": mention.name,
                    "item": mention.item,
                    "start": mention.span[0] if mention.span else None,
                    "end": mention.span[1] if mention.span else None,
                }
                for mention in turn.mentions
            ],
            "recommended": list(turn.recommended),
            "seconds": turn.seconds,
            "ends": turn.ends,
        }
        for turn in turns
    ]


def _item(item: Item) -> dict[str, Any]:
    attributes = [{"relation": relation, "values": list(v)} for relation, v in item.attributes.items()]
    return {
        "id": item.id,
        "title": item.title,
        "year": item.year,
        "attributes": attributes,
        "description": item.description,
    }
