"""From messages to turns. In chats people send several messages before the other answers.

A *turn* is a run of messages of one speaker, their texts on lines of their own: a reply is all that the
user says before the system speaks again. Of its moments a turn keeps the one that a reply is timed by: the
system's is that of its last message, the user's that of its first, so that what lies between is how long
the user took to react.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crsbench.types import Dialogue, Mention, Row, State, Turn


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of one dialogue in columns of one length.

    `ids` are unique in the dialogue, `system` says who speaks, `labels` holds the items that a system
    message recommends, repeats kept.
    """

    ids: Sequence[object]
    system: Sequence[bool]
    texts: Sequence[str]
    mentions: Sequence[tuple[Mention, ...]]
    labels: Sequence[tuple[int, ...]]
    seconds: Sequence[float | None]

    def runs(self) -> list[tuple[int, int]]:
        """[start, end) of each run of one speaker."""
        system = self.system
        found: list[tuple[int, int]] = []
        start = 0
        for at in range(1, len(system)):
            if system[at] != system[start]:
                found.append((start, at))
                start = at
        if system:
            found.append((start, len(system)))
        return found

    def opening(self) -> int:
        """How many messages the first turn has: with them nobody has answered yet."""
        runs = self.runs()
        return runs[0][1] if runs else 0

    def turns(self, runs: Iterable[tuple[int, int]]) -> list[Turn]:
        """Each run [start, end) of messages of one speaker as a turn."""
        texts, mentions, labels, seconds = self.texts, self.mentions, self.labels, self.seconds
        found: list[Turn] = []
        for start, end in runs:
            text, named, given = texts[start], mentions[start], labels[start]
            for at in range(start + 1, end):
                if mentions[at]:
                    named += _shifted(mentions[at], len(text) + 1)
                text = f"{text}\n{texts[at]}"
                given += labels[at]
            items = tuple(dict.fromkeys(given)) if given else ()
            if self.system[start]:
                found.append(Turn("system", text, named, items, seconds[end - 1]))
            else:
                found.append(Turn("user", text, named, items, seconds[start]))
        return found


def _shifted(mentions: Sequence[Mention], by: int) -> tuple[Mention, ...]:
    return tuple([Mention(m.name, m.item, m.span and (m.span[0] + by, m.span[1] + by)) for m in mentions])


class Chat:
    """A dialogue with the messages that its turns are made of; the first of its `people` is the user."""

    def __init__(self, id: str, messages: Messages, *people: str) -> None:  # noqa: A002
        self.messages = messages
        self.people = frozenset(people)
        self.runs = messages.runs()
        self.dialogue = Dialogue(id, tuple(messages.turns(self.runs)), next(iter(people), None))

    def rows_by_turn(self) -> list[Row]:
        """One row a system turn with labels, each item once: its history are the turns before."""
        turns = self.dialogue.turns
        return [
            self._row(start, turns[:at], said.recommended)
            for at, ((start, _), said) in enumerate(zip(self.runs, turns, strict=True))
            if said.recommended
        ]

    def rows_by_message(self) -> list[Row]:
        """One row a system message with labels, repeats kept: its history is everything said before.

        That includes earlier messages of the same turn, as a system turn of their own.
        """
        rows: list[Row] = []
        for turns, (start, end) in enumerate(self.runs):
            for at in range(start, end):
                if labels := self.messages.labels[at]:
                    begun = self.messages.turns([(start, at)]) if at > start else ()
                    rows.append(self._row(at, (*self.dialogue.turns[:turns], *begun), labels))
        return rows

    def _row(self, at: int, history: tuple[Turn, ...], targets: tuple[int, ...]) -> Row:
        name = self.dialogue.id
        return Row(f"{name}-{self.messages.ids[at]}", name, State(history), targets)
