"""Dialogues as tokens.

A dialogue is one row of tokens: each turn opens with `<user>` or `<system>` and closes with `<eot>`
(`<end>` where the speaker leaves). A system turn that names an item is `<system> <rec> [item] words <eot>`:
the item token stands right after `<rec>`, the *recommendation position*, and its title inside the words is
the placeholder `<title>`. Word pieces are 0 … V-1; item i is V + i. Other mentions of items stand in the
text as their item token; entities, annotated or found by their names, stay words, and the place where they
end is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from crsbench_features.examples import recommendations
from crsbench_features.folds import left_out
from crsbench_features.linking import Linker
from crsbench_features.links import LinkIndex
from numpy.typing import NDArray
from tokenizers import Tokenizer

from crsbench.types import Catalog, Mention, State, Turn
from crsbench_lm.evidence import Evidence, Evidences, Recommended
from crsbench_lm.pieces import SPECIALS, segments

USER, SYSTEM = 0, 1


def lead_item(turn: Turn) -> int | None:
    """The item that a system turn recommends: its label, else the first item that it names."""
    if turn.speaker != "system":
        return None
    if turn.recommended:
        return turn.recommended[0]
    return next((m.item for m in turn.mentions if m.item is not None), None)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One dialogue. Positions index `ids`.

    `say` [L]: the token is a word that a model of the speaker is to say. `role` [L]: USER or SYSTEM.
    `rec` [T]: recommendation positions, `targets` the labelled items of each (empty: unlabelled),
    `shown` the item token that follows (-1: none yet), `turns` the index of its turn.
    Mentions [M]: `nodes` (see LinkIndex), `at` where they stand, `closes` where their turn ends,
    `mention_roles`, `mention_turns`.
    `history` holds the turns, the first `logged` of which are on record (None: all). `fold` is that of the
    dialogue, which says what is left out of memory (None: nothing is; `DialogueCodec.left_out`). `evidence`
    [T]: what counting says at each recommendation position (None: not looked up yet).
    """

    ids: NDArray[np.int64]
    say: NDArray[np.bool_]
    role: NDArray[np.int64]
    rec: NDArray[np.int64]
    shown: NDArray[np.int64]
    turns: NDArray[np.int64]
    targets: tuple[tuple[int, ...], ...]
    nodes: NDArray[np.int64]
    at: NDArray[np.int64]
    closes: NDArray[np.int64]
    mention_roles: NDArray[np.int64]
    mention_turns: NDArray[np.int64]
    history: tuple[Turn, ...]
    fold: int | None = None
    logged: int | None = None
    evidence: tuple[Evidence, ...] | None = None

    def newest(self) -> Encoded:
        """The same row with its last recommendation position alone."""
        return replace(
            self,
            rec=self.rec[-1:],
            shown=self.shown[-1:],
            turns=self.turns[-1:],
            targets=self.targets[-1:],
            evidence=self.evidence and self.evidence[-1:],
        )


@dataclass(frozen=True, slots=True)
class _TurnTokens:
    ids: tuple[int, ...]
    says: tuple[bool, ...]
    mentions: tuple[tuple[int, int], ...]  # (node, offset)


class DialogueCodec:
    """Between dialogues and tokens. `words` is V, the number of word pieces, specials included.

    `evidences` counts what speaks for an item in a state; without it nothing is counted.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        catalog: Catalog,
        links: LinkIndex,
        max_length: int,
        evidences: Evidences | None = None,
    ) -> None:
        tokenizer.encode_special_tokens = True  # "<rec>" typed by a user is text
        self.tokenizer = tokenizer
        self.catalog = catalog
        self.links = links
        self.max_length = max_length
        self.evidences = evidences
        self._linker = Linker(catalog)
        self.words = tokenizer.get_vocab_size(with_added_tokens=True)
        ids = [tokenizer.token_to_id(token) for token in SPECIALS]
        self.pad, self.user, self.system, self.rec, self.title, self.eot, self.end = ids
        # What a model may say inside a turn: anything but what would break the turn's structure.
        self.sayable = np.ones(self.words, dtype=bool)
        self.sayable[[self.pad, self.user, self.system, self.rec]] = False
        self._cache: dict[tuple[Turn, int | None], _TurnTokens] = {}

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save(str(directory / "tokenizer.json"))

    def encode(
        self,
        turns: Sequence[Turn],
        opens: str | None = None,
        said: Mapping[int, Sequence[int]] | None = None,
        fold: int | None = None,
        logged: int | None = None,
    ) -> Encoded:
        """Tokens of `turns`, the oldest ones dropped where they would pass `max_length`.

        `opens="system"` appends `<system> <rec>`, `opens="user"` appends `<user>`: what comes next is to be
        chosen. `said[t]` gives the exact word pieces of turn t as they were sampled. `fold` and `logged` are
        those of the row.
        """
        pieces: list[_TurnTokens] = []
        leads: list[int | None] = []
        lead: int | None = None
        for t, turn in enumerate(turns):
            lead = lead_item(turn) if turn.speaker == "system" else lead
            leads.append(lead)
            given = None if said is None else said.get(t)
            if given is not None:
                pieces.append(_TurnTokens(tuple(given), (True,) * len(given), ()))
            else:
                pieces.append(self._words(turn, lead))

        room = self.max_length - 2
        first = len(turns)
        while first > 0 and room - len(pieces[first - 1].ids) - 4 >= 0:
            first -= 1
            room -= len(pieces[first].ids) + 4
        first = min(first, max(0, len(turns) - 1))

        ids: list[int] = []
        say: list[bool] = []
        role: list[int] = []
        rec: list[int] = []
        shown: list[int] = []
        rec_turns: list[int] = []
        targets: list[tuple[int, ...]] = []
        mentions: list[tuple[int, int, int, int, int]] = []
        for t in range(first, len(turns)):
            turn, piece = turns[t], pieces[t]
            who = SYSTEM if turn.speaker == "system" else USER
            start_mentions = len(mentions)
            ids.append(self.system if who else self.user)
            item = leads[t] if who else None
            if item is not None:
                rec.append(len(ids))
                rec_turns.append(t)
                targets.append(turn.recommended)
                shown.append(item)
                mentions.append((item, len(ids) + 1, 0, who, t))
                ids += [self.rec, self.words + item]
            say += [False] * (len(ids) - len(say))
            base = len(ids)
            ids += piece.ids[: self.max_length - 8]
            say += piece.says[: self.max_length - 8]
            mentions += [
                (node, base + offset, 0, who, t)
                for node, offset in piece.mentions
                if base + offset < len(ids)
            ]
            ids.append(self.end if turn.ends else self.eot)
            say.append(True)
            mentions[start_mentions:] = [
                (n, at, len(ids) - 1, r, u) for n, at, _, r, u in mentions[start_mentions:]
            ]
            role += [who] * (len(ids) - len(role))
        if opens == "system":
            rec.append(len(ids) + 1)
            rec_turns.append(len(turns))
            targets.append(())
            shown.append(-1)
            ids += [self.system, self.rec]
        elif opens == "user":
            ids.append(self.user)
        say += [False] * (len(ids) - len(say))
        role += [SYSTEM if opens == "system" else USER] * (len(ids) - len(role))
        table = np.array(mentions, dtype=np.int64).reshape(-1, 5)
        return Encoded(
            ids=np.array(ids, np.int64),
            say=np.array(say, bool),
            role=np.array(role, np.int64),
            rec=np.array(rec, np.int64),
            shown=np.array(shown, np.int64),
            turns=np.array(rec_turns, np.int64),
            targets=tuple(targets),
            nodes=table[:, 0],
            at=table[:, 1],
            closes=table[:, 2],
            mention_roles=table[:, 3],
            mention_turns=table[:, 4],
            history=tuple(turns),
            fold=fold,
            logged=logged,
        )

    def left_out(self, row: Encoded) -> list[int | None]:
        """[T]: the fold that each recommendation position leaves out of memory.

        What follows the turns on record is read as the row that would have come next: without it.
        """
        by_row = self.evidences is not None and self.evidences.candidates.by_row
        on_record = len(row.history) if row.logged is None else row.logged
        return [left_out(row.history[: min(int(t), on_record)], row.fold, by_row) for t in row.turns]

    def evident(self, rows: Sequence[Encoded]) -> list[Encoded]:
        """The rows with the evidence at their recommendation positions looked up."""
        evidences = self.evidences
        if evidences is None:
            return list(rows)
        missing = [row for row in rows if row.evidence is None]
        found = iter(
            evidences.of(
                [State(row.history[:t]) for row in missing for t in row.turns],
                [fold for row in missing for fold in self.left_out(row)],
            )
        )
        return [
            row if row.evidence is not None else replace(row, evidence=tuple(next(found) for _ in row.turns))
            for row in rows
        ]

    def recommended(self, rows: Sequence[Encoded]) -> list[Recommended]:
        """What the rows recommend, as it is scored: message by message (examples.py)."""
        if self.evidences is None:
            return []
        made = [
            (fold, state, targets, evidence if len(state.history) == turn else None)
            for row in self.evident(rows)
            for turn, labelled, evidence, fold in zip(
                row.turns, row.targets, row.evidence or (), self.left_out(row), strict=True
            )
            if labelled
            for state, targets in recommendations(row.history[:turn], row.history[turn])
        ]
        missing = [(state, fold) for fold, state, _, evidence in made if evidence is None]
        found = iter(self.evidences.of([state for state, _ in missing], [fold for _, fold in missing]))
        return [
            Recommended(next(found) if evidence is None else evidence, targets, fold)
            for fold, _, targets, evidence in made
        ]

    def turn_ends(self, row: Encoded) -> NDArray[np.int64]:
        """[T]: where the turn of each recommendation position closes; the last piece where it does not."""
        ends = np.flatnonzero((row.ids == self.eot) | (row.ids == self.end))
        return np.append(ends, len(row.ids) - 1)[np.searchsorted(ends, row.rec)]

    def may_say(self, end: bool) -> NDArray[np.bool_]:
        """[V]: the pieces that a turn may hold, `<end>` being one of them or not."""
        allowed = self.sayable.copy()
        allowed[self.end] = end
        return allowed

    def _words(self, turn: Turn, lead: int | None) -> _TurnTokens:
        """Word pieces of a turn; the title of the item under discussion becomes `<title>`."""
        key = (turn, lead)
        if (known := self._cache.get(key)) is not None:
            return known
        ids: list[int] = []
        says: list[bool] = []
        mentions: list[tuple[int, int]] = []
        for text, mention in segments(turn):
            if mention is not None and mention.item is not None:
                if mention.item == lead:
                    ids.append(self.title)
                    says.append(True)
                else:
                    mentions.append((mention.item, len(ids)))
                    ids.append(self.words + mention.item)
                    says.append(False)
                continue
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
            base, pieces = len(ids), encoding.ids
            ids += pieces
            says += [True] * len(pieces)
            if mention is not None and pieces and (node := self.links.node(mention)) is not None:
                mentions.append((node, len(ids) - 1))
            elif mention is None:
                mentions += [(node, base + at) for node, at in self._named(text, encoding.offsets)]
        for mention in turn.mentions:  # named, but nobody says where
            if mention.span is None and mention.item != lead:
                node = self.links.node(mention)
                if node is not None and mention.item is not None:
                    mentions.append((node, len(ids)))
                    ids.append(self.words + mention.item)
                    says.append(False)
                elif node is not None and ids:
                    mentions.append((node, len(ids) - 1))
        found = _TurnTokens(tuple(ids), tuple(says), tuple(mentions))
        if len(self._cache) < 200_000:
            self._cache[key] = found
        return found

    def _named(self, text: str, offsets: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Entities of the catalogue that stand in a text which nobody annotated: (node, its last piece)."""
        for found in self._linker.find(text):
            node = self.links.node(found) if found.item is None else None  # many titles are common words
            if node is not None and found.span is not None:
                last = max(at for at, (start, _) in enumerate(offsets) if start < found.span[1])
                yield node, last

    def text(self, pieces: Sequence[int], item: int | None) -> str:
        """The words of generated pieces, `<title>` replaced by the item's title."""
        title = self.catalog.items[item].title if item is not None else ""
        parts: list[str] = []
        run: list[int] = []
        for piece in [*pieces, self.title]:
            if piece == self.title:
                parts.append(self.tokenizer.decode(run, skip_special_tokens=True))
                run = []
            elif piece not in (self.eot, self.end):
                run.append(piece)
        return _join(parts, title)


def _join(parts: Sequence[str], title: str) -> str:
    text = parts[0]
    for part in parts[1:]:
        text = f"{text.rstrip()} {title}".strip() + part
    return text.strip()


def said_turn(catalog: Catalog, item: int | None, text: str) -> Turn:
    """A system turn as a policy took it: the item is its recommendation, located in the text if there."""
    if item is None:
        return Turn("system", text)
    title = catalog.items[item].title
    start = text.casefold().find(title.casefold())
    span = (start, start + len(title)) if start >= 0 and len(text.casefold()) == len(text) else None
    return Turn("system", text, (Mention(title, item, span),), (item,))
