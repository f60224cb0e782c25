"""`lines/{train,test}.txt`: a turn a line, as `U: text` or `S: text`, items in [brackets]; an empty line
between two dialogues."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import ClassVar

from crsbench import Options
from crsbench.errors import DataError
from crsbench.types import Catalog, Corpus, Dialogue, Item, Mention, Row, Sealed, Split, State, Turn

ITEM = re.compile(r"\[([^\]]+)\]")


class Lines:
    protocols: ClassVar[tuple[str, ...]] = ("plain",)
    default_protocol: ClassVar[str] = "plain"
    simulator: ClassVar[str | None] = None

    def __init__(self, options: Options) -> None:
        self.options = options

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:
        texts = {split: _read(data_dir / "lines" / f"{split}.txt") for split in ("train", "test")}
        titles = sorted({title for text in texts.values() for title in ITEM.findall(text)})
        items = {title: n for n, title in enumerate(titles)}
        told = {split: _dialogues(split, text, items) for split, text in texts.items()}
        rows = tuple(
            Row(f"{one.id}/{n}", one.id, State(one.turns[:n]), turn.recommended)
            for one in told["test"]
            for n, turn in enumerate(one.turns)
            if turn.recommended
        )
        digest = hashlib.sha256("\f".join(texts.values()).encode()).hexdigest()[:16]
        catalog = Catalog(tuple(Item(title, title) for title in titles))
        targets = sum(len(row.targets) for row in rows)
        test = Split(told["test"], rows)
        return Corpus(catalog, Split(told["train"]), Split(), test, Sealed(), digest, targets)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _dialogues(split: str, text: str, items: dict[str, int]) -> tuple[Dialogue, ...]:
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return tuple(
        Dialogue(f"{split}-{n}", tuple(_turn(line, items) for line in block.splitlines() if line))
        for n, block in enumerate(blocks)
    )


def _turn(line: str, items: dict[str, int]) -> Turn:
    named = [(match[1], match.span(1)) for match in ITEM.finditer(line[3:])]
    mentions = tuple(Mention(title, items[title], span) for title, span in named)
    shown = tuple(dict.fromkeys(items[title] for title, _ in named)) if line.startswith("S:") else ()
    return Turn("system" if line.startswith("S:") else "user", line[3:], mentions, shown)
