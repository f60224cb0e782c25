"""OpenDialKG as published (Moon et al., ACL 2019), protocol `official`.

13,802 dialogues in opendialkg.csv about films, books, sports and music; nothing says which is about which.
Before a message a speaker may choose a walk in the graph, which the message then puts into words. What the
assistant recommends is where its walks end, in its next message. An item is any entity, a person or a genre
too, that an assistant recommends so in any split and opendialkg_entities.txt lists; items stand in its order,
and their facts are the triples that begin with them (reversed relations have a "~").
opendialkg_relations.txt says nothing that the triples do not.

No split was published. This one is by dialogue: 70, 15 and 15 of 100 by a hash of a dialogue's messages,
which is also its id, so that a dialogue that is there twice stays in one split. A row is a turn of the
assistant with a label that does not open the dialogue.

A mention is an entity of a walk chosen so far whose name stands in the text: later walks say nothing about
earlier turns, or a mention would give away where the assistant will begin. Both ratings are sealed.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from crsbench.types import Catalog, Corpus, Feedback, Item, Mention, Row, Sealed, Split
from crsbench_corpora.chat import Chat, Messages
from crsbench_corpora.files import Files, parse
from crsbench_corpora.mentions import find
from crsbench_corpora.split import percentile

DIALOGUES, ENTITIES, TRIPLES = "opendialkg.csv", "opendialkg_entities.txt", "opendialkg_triples.txt"
RATINGS = {"user": "User Rating", "assistant": "Assistant Rating"}
VALID, TEST = 70, 85  # percentiles at which these splits begin
NOT_LISTED, OPENS = "not in the catalogue", "opens the dialogue"
UNSAID, REPEATED = "no message follows the walk", "named twice in one turn"


class Metadata(TypedDict):
    """[score, [[subject, relation, object], …], rendering] of a walk; other actions have other metadata."""

    path: NotRequired[tuple[float, list[tuple[str, str, str]], Any]]


class Step(TypedDict):
    """One element of the column Messages."""

    type: Literal["chat", "action"]
    sender: Literal["user", "assistant"]
    message: NotRequired[str]
    metadata: NotRequired[Metadata | None]


@dataclass(frozen=True, slots=True)
class Talk:
    """One dialogue as read: for each message who says it, the text, the entities of all walks so far, and
    where the walks that it puts into words end. `unsaid`: ends of the assistant's walks that nothing follows.
    """

    id: str
    system: list[bool]
    texts: list[str]
    named: list[tuple[str, ...]]
    ends: list[tuple[str, ...]]
    unsaid: int
    ratings: Mapping[str, float]


def read(files: Files) -> Corpus:
    """The corpus. Raises DataError where a file is missing or damaged.

    `targets` counts the ends of all the assistant's walks in test dialogues.
    """
    talks = list(_talks(files))
    items = _items(files, {end for talk in talks for ends in talk.ends for end in ends})
    index = {item.id: at for at, item in enumerate(items)}
    parts: dict[str, list[Talk]] = {"train": [], "valid": [], "test": []}
    for talk in talks:
        place = percentile(talk.id.partition("#")[0], "split")
        parts["train" if place < VALID else "valid" if place < TEST else "test"].append(talk)
    chats = {name: [_chat(talk, index) for talk in part] for name, part in parts.items()}
    splits = {name: Split(tuple(chat.dialogue for chat in some), _rows(some)) for name, some in chats.items()}
    dropped = _dropped(parts["test"], chats["test"], index)
    targets = sum(len(row.targets) for row in splits["test"].rows)
    return Corpus(
        catalog=Catalog(items),
        train=Split(splits["train"].dialogues),
        valid=splits["valid"],
        test=splits["test"],
        sealed=Sealed({talk.id: Feedback(ratings=talk.ratings) for talk in talks if talk.ratings}),
        fingerprint=files.fingerprint,
        targets=targets + sum(dropped.values()),
        dropped=dropped,
    )


def _talks(files: Files) -> Iterator[Talk]:
    adapter = TypeAdapter(Annotated[list[Step], Field(strict=True)])
    seen: Counter[str] = Counter()
    for line, row in files.table(DIALOGUES, ("Messages", *RATINGS.values())):
        steps = parse(adapter, row["Messages"], files.place(DIALOGUES), line)
        ratings = {who: _rating(files, line, row, column) for who, column in RATINGS.items()}
        name = hashlib.sha256(row["Messages"].encode()).hexdigest()[:16]
        seen[name] += 1
        number = name if seen[name] == 1 else f"{name}#{seen[name]}"
        given = {who: rating for who, rating in ratings.items() if rating is not None}
        yield _talk(files, line, number, steps, given)


def _talk(files: Files, line: int, number: str, steps: Iterable[Step], ratings: Mapping[str, float]) -> Talk:
    talk = Talk(number, [], [], [], [], 0, ratings)
    named: dict[str, None] = {}
    pending: list[str] = []
    for step in steps:
        system = step["sender"] == "assistant"
        if step["type"] == "chat":
            if "message" not in step:
                raise files.damaged(DIALOGUES, "a step of type chat without a message", line)
            talk.system.append(system)
            talk.texts.append(step["message"])
            talk.named.append(tuple(named))
            talk.ends.append(tuple(pending) if system else ())
            pending = [] if system else pending
        elif (walk := (step.get("metadata") or {}).get("path")) and walk[1]:
            named |= dict.fromkeys(
                node for subject, _, end in walk[1] for node in (subject, end) if node.strip()
            )
            if system:
                pending.append(walk[1][-1][2])
    return Talk(number, talk.system, talk.texts, talk.named, talk.ends, len(pending), ratings)


def _rating(files: Files, line: int, row: Mapping[str, str], column: str) -> float | None:
    given = row[column].strip()
    if given.lower() in ("", "nan"):
        return None
    try:
        rating = float(given)
    except ValueError:
        rating = math.inf
    if not math.isfinite(rating):
        raise files.damaged(DIALOGUES, f"field {column}: {given!r} is no rating", line)
    return rating


def _items(files: Files, ends: set[str]) -> tuple[Item, ...]:
    """The entities that walks end at, with the facts that begin with them."""
    listed = dict.fromkeys(line.strip() for line in files.text(ENTITIES).split("\n"))
    facts: dict[bytes, dict[str, dict[str, None]]] = {
        name.encode(): {} for name in listed if name and name in ends
    }
    for number, line in enumerate(io.BytesIO(files.content(TRIPLES)), start=1):
        parts = line.rstrip(b"\r\n").split(b"\t")
        if len(parts) != 3 and line.strip():
            raise files.damaged(TRIPLES, f"{len(parts)} fields instead of 3", number)
        if (known := facts.get(parts[0])) is not None:
            try:
                relation, value = parts[1].decode(), parts[2].decode()
            except UnicodeDecodeError as error:
                raise files.damaged(TRIPLES, f"not UTF-8: {error.reason}", number) from None
            if value.strip():
                known.setdefault(relation, {})[value] = None
    return tuple(_item(name.decode(), known) for name, known in facts.items())


def _item(name: str, known: Mapping[str, Mapping[str, None]]) -> Item:
    years = [int(v) for v in known.get("release_year", ()) if v.isascii() and v.isdigit() and len(v) == 4]
    attributes = {relation: tuple(values) for relation, values in known.items()}
    return Item(name, name, years[0] if years else None, attributes)


def _chat(talk: Talk, index: Mapping[str, int]) -> Chat:
    mentions = [
        tuple(_mentions(text, named, index)) for text, named in zip(talk.texts, talk.named, strict=True)
    ]
    ids = list(range(1, len(talk.texts) + 1))
    labels = [tuple(index[end] for end in ends if end in index) for ends in talk.ends]
    messages = Messages(ids, talk.system, talk.texts, mentions, labels, [None] * len(ids))
    opening = messages.opening()
    return Chat(talk.id, replace(messages, labels=[()] * opening + labels[opening:]))


def _mentions(text: str, named: Sequence[str], index: Mapping[str, int]) -> list[Mention]:
    said = text.casefold()
    spans = ((name, find(name, text)) for name in named if name.casefold() in said)
    found = [Mention(name, index.get(name), span) for name, span in spans if span]
    return sorted(found, key=lambda mention: mention.span or (0, 0))


def _rows(chats: Sequence[Chat]) -> tuple[Row, ...]:
    return tuple(row for chat in chats for row in chat.rows_by_turn())


def _dropped(talks: Sequence[Talk], chats: Sequence[Chat], index: Mapping[str, int]) -> dict[str, int]:
    """Ends of walks that are no targets, by reason."""
    dropped: Counter[str] = Counter()
    for talk, chat in zip(talks, chats, strict=True):
        opening = chat.messages.opening()
        dropped[UNSAID] += talk.unsaid
        for at, ends in enumerate(talk.ends):
            lost = len(ends) if at < opening else sum(end not in index for end in ends)
            dropped[OPENS if at < opening else NOT_LISTED] += lost
        labels = sum(map(len, chat.messages.labels))
        dropped[REPEATED] += labels - sum(len(turn.recommended) for turn in chat.dialogue.turns)
    return {reason: count for reason, count in dropped.items() if count}
