"""What can go wrong, and whose fault it is: each error carries its exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CrsbenchError(Exception):
    """One clear line for people: what is wrong and where; `hint` says what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(CrsbenchError):
    """The call is wrong: an unknown name, an option out of range, a folder that cannot be written."""

    exit_code = 2


class PluginError(CrsbenchError):
    """A plugin that the run asked for failed; `plugin` is its full name."""

    exit_code = 3

    def __init__(self, message: str, plugin: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.plugin = plugin


class DataError(CrsbenchError):
    """Data that is missing or damaged; the message names the file and, where there is one, the line."""

    exit_code = 4


class InterruptError(CrsbenchError):
    """Ctrl-C; `where` it met the program, if that is known."""

    exit_code = 130

    def __init__(self, where: str | None, hint: str | None = None) -> None:
        super().__init__(f"interrupted in {where}" if where else "interrupted", hint)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint that suggests the known name closest to `name`, or lists the known ones when they are few."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.55)
    if close:
        return f"did you mean {close[0]!r}?"
    if names and len(names) <= 20:
        return "known: " + ", ".join(names)
    return None
