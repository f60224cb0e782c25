"""The conversation on a terminal or in a pipe: lines in, lines out."""

from __future__ import annotations

import io
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from crsbench.chat.saving import save
from crsbench.chat.session import TOP, Answer, Session
from crsbench.errors import CrsbenchError, UsageError, nearest
from crsbench.numbers import number, signed
from crsbench.reopened import because

if TYPE_CHECKING:
    from crsbench.types import Reason

SHOWN = 3
WIDTH = 80
NOTHING = "nothing was recommended yet"


class Quit(Exception):  # noqa: N818 (it is none)
    """The user is done."""


class Talk:
    """Answers lines; `bold` marks what the policy says where there is a terminal."""

    def __init__(self, session: Session, bold: Callable[[str], str] = str) -> None:
        self.session = session
        self.bold = bold
        self.commands: dict[str, tuple[Callable[[str], Iterator[str]], str]] = {
            "/why": (self._why, "/why [N]      why the N-th item stands where it does [1]"),
            "/top": (self._top, f"/top [N]      the N best items, their scores and reasons [{TOP}]"),
            "/undo": (self._undo, "/undo         take the last thing that you said back"),
            "/save": (
                self._save,
                "/save FILE    write the conversation as a dialogue (as inspired reads it)",
            ),
            "/help": (self._help, "/help         this"),
            "/quit": (self._quit, "/quit         leave"),
        }

    def answer(self, line: str) -> Iterator[str]:
        """The lines to print. Raises Quit, and CrsbenchError where something cannot be done."""
        line = line.strip()
        if not line:
            return
        if not line.startswith("/"):
            yield from self._say(line)
            return
        name, _, rest = line.partition(" ")
        if name not in self.commands:
            raise UsageError(
                f"there is no {name}", nearest(name, self.commands) or "/help lists what there is"
            )
        yield from self.commands[name][0](rest.strip())

    def _say(self, text: str) -> Iterator[str]:
        mentions, answer = self.session.say(text)
        if mentions:
            yield f"  (understood: {_clean(', '.join(dict.fromkeys(m.name for m in mentions)))})"
        for line in textwrap.wrap(answer.turn.text, WIDTH):
            yield self.bold(_clean(line))
        yield from self._listed(answer, SHOWN)
        if answer.reward is not None:
            yield f"  R_φ of this turn: {number(answer.reward)}"

    def _listed(self, answer: Answer, n: int) -> Iterator[str]:
        items, scores = answer.ranking.items[:n], answer.ranking.scores[:n]
        reasons = self.session.why(answer, items)
        for at, item in enumerate(items):
            score = f"  {number(scores[at])}" if scores else ""
            yield f"  {at + 1:>2}  {_clean(self.session.catalog.items[item].title)}{score}"
            why = because(reasons[at], answer.asked) if reasons else None
            if why:
                yield from textwrap.wrap(
                    _clean(why), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8
                )

    def _last(self) -> Answer:
        if not self.session.answers:
            raise UsageError(NOTHING, "say something first")
        return self.session.answers[-1]

    def _top(self, rest: str) -> Iterator[str]:
        yield from self._listed(self._last(), _count(rest, TOP))

    def _why(self, rest: str) -> Iterator[str]:
        answer, n = self._last(), _count(rest, 1)
        if n > len(answer.ranking.items):
            raise UsageError(f"there are {len(answer.ranking.items)} items to ask about")
        item = answer.ranking.items[n - 1]
        found = self.session.why(answer, [item])
        if found is None:
            raise UsageError(f"{self.session.opened.run.record['run']['plugin']} does not say why")
        yield f"  {_clean(self.session.catalog.items[item].title)}"
        for reason in found[0]:
            yield from textwrap.wrap(
                f"{signed(reason.share):>7}  {_clean(told(reason))}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * 11,
            )

    def _undo(self, _: str) -> Iterator[str]:
        if not self.session.undo():
            raise UsageError("nothing was said yet")
        yield f"  ({len(self.session.answers)} of your turns are left)"

    def _save(self, rest: str) -> Iterator[str]:
        try:
            names = shlex.split(rest)
        except ValueError as error:
            raise UsageError(f"/save {rest}: {error}") from error
        if len(names) != 1:
            raise UsageError("/save takes one file")
        self._last()
        save(self.session.state.history, self.session.catalog, Path(names[0]).expanduser())
        yield f"  (saved in {names[0]})"

    def _help(self, _: str) -> Iterator[str]:
        return (f"  {words}" for _, words in self.commands.values())

    def _quit(self, _: str) -> Iterator[str]:
        raise Quit


def told(reason: Reason) -> str:
    """A reason in words."""
    if reason.mention is None:
        return reason.text
    return f"{reason.mention.name} was mentioned" + (f": {reason.text}" if reason.text else "")


def talk(session: Session) -> None:
    """Until the input ends or the user leaves; without prompts and colours where this is no terminal."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    talking = Talk(session, (lambda text: f"\033[1m{text}\033[0m") if terminal else str)
    lines = cast(TextIO, sys.stdin)
    if isinstance(lines, io.TextIOWrapper):
        cast(io.TextIOWrapper, lines).reconfigure(errors="replace")
    if terminal:
        run = session.opened.run.record["run"]
        print(f"{run['plugin']} on {run['dataset']}: say what you like. /help lists commands.")
    for line in _prompted() if terminal else lines:
        try:
            for answer in talking.answer(line):
                print(answer, flush=True)
        except Quit:
            return
        except CrsbenchError as error:
            if not isinstance(error, UsageError):
                raise
            print(f"  {error}", flush=True)


def _prompted() -> Iterator[str]:
    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return


def _clean(text: str) -> str:
    """Titles and texts of data steer no terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _count(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= TOP:
        raise UsageError(f"{text!r} is no number from 1 to {TOP}")
    return int(text)
