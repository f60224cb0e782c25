"""A corpus as one JSON value that is quick to read: columns instead of objects, each turn once.

Turns are numbered through all dialogues, so that a dialogue is a count. A row's history is a number of turns
of its dialogue, and then turns of its own. Mentions follow each other in columns of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice, takewhile
from operator import is_
from typing import Any

from crsbench.types import Catalog, Corpus, Dialogue, Feedback, Item, Mention, Row, Sealed, Split, State, Turn

SPLITS = ("train", "valid", "test")
NONE = -1


def pack(corpus: Corpus) -> dict[str, Any]:
    """The corpus as a JSON value; `unpack` gives an equal one. What a scenario knows (truth) has no place."""
    if corpus.sealed.truth:
        raise ValueError("a corpus with truth cannot be packed")
    turns: list[Turn] = []
    splits: dict[str, Any] = {}
    for name, split in zip(SPLITS, (corpus.train, corpus.valid, corpus.test), strict=True):
        at = len(turns)
        dialogues: list[list[Any]] = []
        starts: dict[str, tuple[int, Dialogue]] = {}
        for one in split.dialogues:
            starts[one.id] = len(turns), one
            dialogues.append([one.id, one.user, one.group, len(one.turns)])
            turns += one.turns
        rows: list[list[Any]] = []
        for row in split.rows:
            history = row.state.history
            start, dialogue = starts.get(row.dialogue, (0, None))
            shared = _shared(history, dialogue.turns) if dialogue else 0
            own = history[shared:]
            rows.append([row.id, row.dialogue, start, shared, len(turns), len(own), row.targets, row.exposed])
            turns += own
        splits[name] = {"at": at, "dialogues": dialogues, "rows": rows, "by_row": split.by_row}
    items = corpus.catalog.items
    mentions = [mention for turn in turns for mention in turn.mentions]
    return {
        "items": [
            [item.id, item.title, item.year, dict(item.attributes), item.description] for item in items
        ],
        "turns": {
            "system": [turn.speaker == "system" for turn in turns],
            "text": [turn.text for turn in turns],
            "mentions": [len(turn.mentions) for turn in turns],
            "recommended": [turn.recommended or 0 for turn in turns],
            "seconds": [turn.seconds for turn in turns],
            "ends": [turn.ends for turn in turns],
        },
        "mentions": {
            "name": [0 if m.item is not None and m.name == items[m.item].title else m.name for m in mentions],
            "item": [NONE if m.item is None else m.item for m in mentions],
            "start": [NONE if m.span is None else m.span[0] for m in mentions],
            "end": [NONE if m.span is None else m.span[1] for m in mentions],
        },
        "splits": splits,
        "feedback": {
            name: [
                *(_flat(answers) for answers in (one.liked, one.seen, one.suggested)),
                dict(one.ratings),
                sorted(one.guessed),
            ]
            for name, one in corpus.sealed.feedback.items()
        },
        "fingerprint": corpus.fingerprint,
        "targets": corpus.targets,
        "dropped": dict(corpus.dropped),
    }


def unpack(packed: dict[str, Any]) -> Corpus:
    """The corpus that was packed."""
    items = tuple(
        [
            Item(name, title, year, {relation: tuple(values) for relation, values in facts.items()}, about)
            for name, title, year, facts, about in packed["items"]
        ]
    )
    turns = _turns(packed["turns"], iter(_mentions(packed["mentions"], items)))
    train, valid, test = (_split(packed["splits"][name], turns) for name in SPLITS)
    feedback = {
        name: Feedback(_mapping(liked), _mapping(seen), _mapping(suggested), ratings, frozenset(guessed))
        for name, (liked, seen, suggested, ratings, guessed) in packed["feedback"].items()
    }
    sealed = Sealed(feedback)
    catalog, fingerprint = Catalog(items), packed["fingerprint"]
    return Corpus(catalog, train, valid, test, sealed, fingerprint, packed["targets"], packed["dropped"])


def _mentions(columns: dict[str, list[Any]], items: Sequence[Item]) -> list[Mention]:
    return [
        Mention(
            name or items[item].title if name != "" else "",
            None if item == NONE else item,
            None if start == NONE else (start, end),
        )
        for name, item, start, end in zip(*columns.values(), strict=True)
    ]


def _turns(columns: dict[str, list[Any]], mentions: Any) -> list[Turn]:
    return [
        Turn(
            "system" if system else "user",
            text,
            tuple(islice(mentions, count)) if count else (),
            tuple(recommended) if recommended else (),
            seconds,
            ends,
        )
        for system, text, count, recommended, seconds, ends in zip(*columns.values(), strict=True)
    ]


def _split(packed: dict[str, Any], turns: list[Turn]) -> Split:
    at = packed["at"]
    dialogues: list[Dialogue] = []
    for name, user, group, count in packed["dialogues"]:
        dialogues.append(Dialogue(name, tuple(turns[at : at + count]), user, group))
        at += count
    rows = [
        Row(
            name,
            dialogue,
            State((*turns[start : start + shared], *turns[own : own + more])),
            tuple(to),
            exposed,
        )
        for name, dialogue, start, shared, own, more, to, exposed in packed["rows"]
    ]
    return Split(tuple(dialogues), tuple(rows), packed["by_row"])


def _shared(history: Sequence[Turn], turns: Sequence[Turn]) -> int:
    """How many turns at the beginning are the very same objects."""
    return sum(1 for _ in takewhile(bool, map(is_, history, turns)))


def _flat(answers: Mapping[int, bool]) -> list[int]:
    return list(chain.from_iterable(answers.items()))


def _mapping(flat: list[Any]) -> dict[int, bool]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
