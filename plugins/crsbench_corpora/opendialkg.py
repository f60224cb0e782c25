"""OpenDialKG (Moon et al., ACL 2019) as prepared for iEvaLM (Wang et al., EMNLP 2023), and as published.

Protocol `ievalm`: the published split is by row, not by dialogue. Half of the test dialogues also have rows
in train, and some train contexts hold the reply of a test row. The protocol keeps that for comparison, and
says so (`Split.by_row`). Dialogues are rebuilt from rows of one split only, so the reader adds nothing to it.

Protocol `ievalm-clean` mends it: rows of dialogues that have a test row are taken out of train and valid
(4,818 and 1,038 rows stay), and all 1,188 test rows are scored.

Protocol `books` reads the whole dialogues of one domain (opendialkg_books.py), `official` the published
files (opendialkg_official.py). iEvaLM's id2info.json is not read: it repeats the graph by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from crsbench import Options
from crsbench.errors import UsageError, nearest
from crsbench.fetch.pins import Pinned
from crsbench.types import Catalog, Corpus, Dialogue, Item, Mention, Row, Sealed, Split, State, Turn
from crsbench_corpora import opendialkg_books as books
from crsbench_corpora import opendialkg_official as official
from crsbench_corpora.cache import remembered
from crsbench_corpora.files import Files
from crsbench_corpora.mentions import assign, find
from crsbench_corpora.sources import sources

FOLDER, OFFICIAL = Path("opendialkg", "ievalm"), Path("opendialkg", "official")
SOURCE = (
    "download it with crsbench data get opendialkg: data/opendialkg_eval/*.jsonl and data/opendialkg/*.json "
    "of the repository RUCAIBox/iEvaLM-CRS, commit 162e2f442fb0799550af587dce0285a2d5ca897f, into {folder}; "
    "another data folder is named by --data-dir or CRSBENCH_DATA"
)
OFFICIAL_SOURCE = (
    "download it with crsbench data get opendialkg: data/* of the repository facebookresearch/opendialkg, "
    "commit e596daeaf599028aba82c71a488f7abce3099d80, into {folder}; "
    "another data folder is named by --data-dir or CRSBENCH_DATA"
)
GRAPH = ("entity2id.json", "relation2id.json", "kg.json", "item_ids.json")
ROWS, SPLITS = "{}_data_processed.jsonl", ("train", "valid", "test")


class Record(BaseModel):
    """One line of a split: a context, what it names, and the reply with the items it recommends."""

    model_config = ConfigDict(frozen=True)

    dialog_id: int
    turn_id: int
    context: tuple[str, ...]
    entity: tuple[str, ...]
    rec: tuple[str, ...]
    resp: str


class OpenDialKG:
    """`opendialkg`: reads `<data_dir>/opendialkg/ievalm`, or `official` beside it.

    A user's reply to a recommendation is known only where a later row of the same dialogue and split
    carries it, and no dialogue is known to end, so most transitions are censored.
    """

    protocols: ClassVar[tuple[str, ...]] = ("ievalm", "ievalm-clean", "books", "official")
    default_protocol: ClassVar[str] = "ievalm"
    simulator: ClassVar[str | None] = None
    sources: ClassVar[tuple[Pinned, ...]] = sources("opendialkg")
    licence: ClassVar[str] = sources[0].licence
    citation: ClassVar[str] = "; ".join(one.citation for one in reversed(sources))

    def __init__(self, options: Options | None = None) -> None:
        self.options = options

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:  # noqa: ARG002 (the split is fixed)
        """Read the corpus. Raises DataError where a file is missing or damaged.

        Labels outside the catalogue are no targets: `targets` counts those of the test rows before that,
        `dropped` those lost. A row that loses its only label stays, with no target.
        """
        if protocol not in self.protocols:
            raise UsageError(f"opendialkg has no protocol {protocol!r}", nearest(protocol, self.protocols))
        if protocol == "official":
            folder = data_dir / OFFICIAL
            files = Files(folder, OFFICIAL_SOURCE.format(folder=folder))
            for name in (official.DIALOGUES, official.ENTITIES, official.TRIPLES):
                files.content(name)
            return remembered("opendialkg-official", files.fingerprint, lambda: official.read(files))
        folder = data_dir / FOLDER
        files = Files(folder, SOURCE.format(folder=folder))
        for name in (*GRAPH, *((books.DIALOGUES,) if protocol == "books" else map(ROWS.format, SPLITS))):
            files.content(name)
        return remembered(f"opendialkg-{protocol}", files.fingerprint, lambda: _read(files, protocol))


def _read(files: Files, protocol: str) -> Corpus:
    catalog = _catalog(files)
    if protocol == "books":
        return books.read(files, catalog)
    items = {item.title: index for index, item in enumerate(catalog.items)}
    train, valid, test = (_records(files, split) for split in SPLITS)
    if protocol == "ievalm-clean":
        tested = {record.dialog_id for record in test}
        train, valid = ([one for one in part if one.dialog_id not in tested] for part in (train, valid))
    by_row = protocol == "ievalm"
    labels = [name for record in test for name in record.rec]
    lost = sum(name not in items for name in labels)
    return Corpus(
        catalog=catalog,
        train=Split(_dialogues(train, items), by_row=by_row),
        valid=Split(_dialogues(valid, items), _rows(valid, items), by_row),
        test=Split(_dialogues(test, items), _rows(test, items), by_row),
        sealed=Sealed(),
        fingerprint=files.fingerprint,
        targets=len(labels),
        dropped={official.NOT_LISTED: lost} if lost else {},
    )


def _catalog(files: Files) -> Catalog:
    """The items in the order of item_ids.json, with their links in the graph as attributes."""
    entities = {number: name for name, number in files.json("entity2id.json", dict[str, int]).items()}
    relations = {number: name for name, number in files.json("relation2id.json", dict[str, int]).items()}
    graph = files.json("kg.json", dict[str, list[tuple[int, int]]])
    ids = files.json("item_ids.json", list[int])
    if len(set(ids)) < len(ids):
        raise files.damaged("item_ids.json", "an item is listed twice")
    items: list[Item] = []
    for number in ids:
        if number not in entities:
            raise files.damaged("item_ids.json", f"item {number} is not in entity2id.json")
        attributes: dict[str, dict[str, None]] = {}
        for relation, entity in graph.get(str(number), []):
            if relation not in relations or entity not in entities:
                raise files.damaged("kg.json", f"item {number} has an unknown link [{relation}, {entity}]")
            attributes.setdefault(relations[relation], {})[entities[entity]] = None
        links = {relation: tuple(values) for relation, values in attributes.items()}
        items.append(Item(str(number), entities[number], _year(links), links))
    return Catalog(tuple(items))


def _year(links: Mapping[str, tuple[str, ...]]) -> int | None:
    for value in links.get("year", ()):
        try:
            return int(value)
        except ValueError:
            continue
    return None


def _records(files: Files, split: str) -> list[Record]:
    """The rows of a split, checked against each other and against their own texts."""
    name = ROWS.format(split)
    numbered = files.rows(name, Record)
    seen: dict[tuple[int, str, int], int] = {}
    longest: dict[int, Record] = {}
    for line, record in numbered:
        for kind, value in (("turn_id", record.turn_id), ("context length", len(record.context))):
            first = seen.setdefault((record.dialog_id, kind, value), line)
            if first != line:
                problem = f"dialog_id {record.dialog_id} with {kind} {value} repeats line {first}"
                raise files.damaged(name, problem, line)
        if len(record.context) >= len(longest.get(record.dialog_id, record).context):
            longest[record.dialog_id] = record
    for line, record in numbered:
        problem = _problem(record, longest[record.dialog_id])
        if problem:
            raise files.damaged(name, problem, line)
    return [record for _, record in numbered]


def _problem(record: Record, longest: Record) -> str | None:
    """What contradicts the longest row of the same dialogue, or the row's own context."""
    said, whole = (*record.context, record.resp), (*longest.context, longest.resp)
    if said != whole[: len(said)]:
        return f"context and resp contradict another row of dialog_id {record.dialog_id}"
    try:
        assign(_named(record), record.context)
    except ValueError as error:
        return f"field entity: {error.args[0]!r} is not in the context, or not in this order"
    return None


def _named(record: Record) -> list[str]:
    """The entities of the context; the data holds a few empty names."""
    return [name for name in record.entity if name.strip()]


def _history(record: Record, items: Mapping[str, int]) -> tuple[Turn, ...]:
    """The turns of a row's context. The reply is the system's, and speakers alternate back from it."""
    mentions: list[list[Mention]] = [[] for _ in record.context]
    names = _named(record)
    for name, (turn, span) in zip(names, assign(names, record.context), strict=True):
        mentions[turn].append(Mention(name, items.get(name), span))
    last = len(record.context)
    return tuple(
        Turn("user" if (last - i) % 2 else "system", text, _in_text_order(found))
        for i, (text, found) in enumerate(zip(record.context, mentions, strict=True))
    )


def _in_text_order(mentions: list[Mention]) -> tuple[Mention, ...]:
    return tuple(sorted(mentions, key=lambda mention: mention.span or (0, 0)))


def _recommending(turn: Turn, record: Record, items: Mapping[str, int]) -> Turn:
    """The system turn with the row's label: its in-catalogue items, and mentions of them."""
    named = {mention.item for mention in turn.mentions}
    labels = {name: items[name] for name in record.rec if name in items}
    found = [Mention(name, item, find(name, turn.text)) for name, item in labels.items() if item not in named]
    return replace(
        turn, mentions=_in_text_order([*turn.mentions, *found]), recommended=tuple(labels.values())
    )


def _dialogues(records: list[Record], items: Mapping[str, int]) -> tuple[Dialogue, ...]:
    """One dialogue a dialog_id, in the order of their first rows: the longest context and its reply."""
    grouped: dict[int, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.dialog_id, []).append(record)
    dialogues: list[Dialogue] = []
    for number, group in grouped.items():
        longest = max(group, key=lambda record: len(record.context))
        turns = [*_history(longest, items), Turn("system", longest.resp)]
        for record in group:
            at = len(record.context)
            turns[at] = _recommending(turns[at], record, items)
        dialogues.append(Dialogue(str(number), tuple(turns)))
    return tuple(dialogues)


def _rows(records: list[Record], items: Mapping[str, int]) -> tuple[Row, ...]:
    """The rows to be scored: each sees its own context and nothing of its neighbours."""
    return tuple(
        Row(
            id=f"{record.dialog_id}-{record.turn_id}",
            dialogue=str(record.dialog_id),
            state=State(_history(record, items)),
            targets=tuple(dict.fromkeys(items[name] for name in record.rec if name in items)),
        )
        for record in records
    )
