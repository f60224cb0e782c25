"""Sees what code reaches for: the network, files, processes. It rests on Python's own audit events.

An audit hook cannot be taken away again, so there is one, and it does nothing while nobody watches.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass, field

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_PROCESS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")


class NetworkRefusedError(ConnectionError):
    """The network is not there while a check watches."""


@dataclass(slots=True)
class Seen:
    """What was reached for, in words, first things first."""

    network: list[str] = field(default_factory=list[str])
    written: list[str] = field(default_factory=list[str])
    read: list[str] = field(default_factory=list[str])
    processes: list[str] = field(default_factory=list[str])


_watching: list[Seen] = []
_installed: list[bool] = []


@contextlib.contextmanager
def watching() -> Generator[Seen]:
    """Note what happens in this process, and refuse the network."""
    if not _installed:
        sys.addaudithook(_hook)
        _installed.append(True)
    seen = Seen()
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


def _hook(event: str, args: tuple[object, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = str(args[0]), args[1], args[2]
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else False
        writes = writes or (isinstance(flags, int) and bool(flags & _WRITING))
        for seen in _watching:
            (seen.written if writes else seen.read).append(path)
    elif event in _NETWORK:
        # of a socket's events the address comes second; one that is a path stays on this machine
        address = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
        if isinstance(address, str | bytes) and event in ("socket.connect", "socket.sendto"):
            return
        for seen in _watching:
            seen.network.append(str(address))
        raise NetworkRefusedError(f"a check refuses the network: {address}")
    elif event in _PROCESS:
        for seen in _watching:
            seen.processes.append(f"{event} {args[0] if args else ''}".strip())
