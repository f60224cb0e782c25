"""OpenDialKG's whole dialogues about books, as prepared for iEvaLM: protocol `books`.

iEvaLM cut its rows from whole dialogues and published those of the book domain beside them, 1,901 in number.
They hold what the rows lack: the user's reply to a recommendation (2,584 of 2,838 have one), and how the
dialogue goes on. Items, graph and labels are those of `ievalm`: a turn of the assistant recommends the items
that it names, as in the 2,838 of the 7,923 rows that were cut from these dialogues.

No split of them was published. This one is by dialogue, by a hash of its line's number: 15% test, 15% valid.
It has nothing to do with the split by row: what was trained under `ievalm` must not be tested here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from typing_extensions import TypedDict

from crsbench.types import Catalog, Corpus, Mention, Sealed, Split
from crsbench_corpora.chat import Chat, Messages
from crsbench_corpora.files import Files
from crsbench_corpora.mentions import find
from crsbench_corpora.opendialkg_official import NOT_LISTED
from crsbench_corpora.split import percentile

DIALOGUES = "dialog_Books.jsonl"
TEST, VALID = 15, 15  # per cent of the dialogues


class Said(TypedDict):
    """One message: `entity` holds the names in its text, `item` those of them that can be recommended."""

    role: Literal["user", "assistant"]
    text: str
    entity: list[str]
    item: list[str]


def read(files: Files, catalog: Catalog) -> Corpus:
    """The corpus. Raises DataError."""
    items = {item.title: index for index, item in enumerate(catalog.items)}
    train, valid, test = list[Chat](), list[Chat](), list[Chat]()
    targets = lost = 0
    for line, messages in files.rows(DIALOGUES, list[Said]):
        try:
            chat = _chat(str(line), messages, items)
        except ValueError as error:
            raise files.damaged(DIALOGUES, str(error), line) from None
        place = percentile(chat.dialogue.id, "books")
        (test if place < TEST else valid if place < TEST + VALID else train).append(chat)
        if place < TEST:
            labels = [name for one in messages if one["role"] == "assistant" for name in one["item"]]
            targets += len(labels)
            lost += sum(name not in items for name in labels)
    return Corpus(
        catalog=catalog,
        train=_split(train, rows=False),
        valid=_split(valid),
        test=_split(test),
        sealed=Sealed(),
        fingerprint=files.fingerprint,
        targets=targets,
        dropped={NOT_LISTED: lost} if lost else {},
    )


def _split(chats: Sequence[Chat], rows: bool = True) -> Split:
    dialogues = tuple(chat.dialogue for chat in chats)
    return Split(dialogues, tuple(row for chat in chats for row in chat.rows_by_turn()) if rows else ())


def _chat(name: str, messages: Sequence[Said], items: Mapping[str, int]) -> Chat:
    """A dialogue. Raises ValueError that says what is wrong with it."""
    if not messages:
        raise ValueError("the dialogue is empty")
    system = [one["role"] == "assistant" for one in messages]
    labels = [
        tuple(items[item] for item in one["item"] if item in items) if speaks else ()
        for one, speaks in zip(messages, system, strict=True)
    ]
    texts = [one["text"] for one in messages]
    mentions = [_mentions(one, items) for one in messages]
    return Chat(name, Messages(range(len(texts)), system, texts, mentions, labels, [None] * len(texts)))


def _mentions(said: Said, items: Mapping[str, int]) -> tuple[Mention, ...]:
    """What a message names, in the order of its text; the data holds a few empty names."""
    found: list[tuple[tuple[int, int], str]] = []
    for name in dict.fromkeys(name for name in (*said["entity"], *said["item"]) if name.strip()):
        span = find(name, said["text"])
        if span is None:
            raise ValueError(f"{name!r} is not in the text")
        found.append((span, name))
    return tuple(Mention(name, items.get(name), span) for span, name in sorted(found))
