"""A server of files on this machine that can be told to misbehave."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Behaviour = Callable[[Any, bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; `server.behaviours[path]` are used up first, one a request."""

    server: Any

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        queue = self.server.behaviours[self.path]
        content = self.server.files.get(self.path)
        with contextlib.suppress(ConnectionError):
            if queue:
                queue.pop(0)(self, content or b"")
            elif content is None:
                self.send_error(404)
            else:
                ranged(self, content)

    def answer(self, code: int, headers: dict[str, object]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def hang_up(self) -> None:
        self.wfile.flush()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: Any) -> None:
        pass


def start_of(handler: Handler) -> int:
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range") or "")
    return int(asked[1]) if asked else 0


def ranged(handler: Handler, content: bytes, most: int | None = None) -> None:
    """What a good server does; `most`: hang up after so many bytes."""
    start = start_of(handler)
    if start and start >= len(content):
        handler.answer(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": 0})
        return
    headers: dict[str, object] = {"Content-Length": len(content) - start}
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    handler.answer(206 if start else 200, headers)
    handler.wfile.write(content[start:] if most is None else content[start : start + most])
    if most is not None:
        handler.hang_up()


def cut(most: int) -> Behaviour:
    """Hang up after `most` bytes."""
    return lambda handler, content: ranged(handler, content, most)


def whole(handler: Handler, content: bytes) -> None:
    """Send all of it, whatever was asked for."""
    handler.answer(200, {"Content-Length": len(content)})
    handler.wfile.write(content)


def whole_cut(most: int) -> Behaviour:
    """Ignore ranges and hang up."""

    def behave(handler: Handler, content: bytes) -> None:
        handler.answer(200, {"Content-Length": len(content)})
        handler.wfile.write(content[:most])
        handler.hang_up()

    return behave


def answers(code: int, **headers: object) -> Behaviour:
    """An answer without a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.answer(code, {"Content-Length": 0, **named})


def sends(content: bytes) -> Behaviour:
    """Other bytes than asked for, ranges respected."""
    return lambda handler, _: ranged(handler, content)


class Server:
    """`files`: path → content. `behaviours[path]`: what the next requests meet instead. `requests`: what was
    asked for, with its range."""

    def __init__(self, http: Any) -> None:
        self.files: dict[str, bytes] = {}
        self.behaviours: defaultdict[str, list[Behaviour]] = defaultdict(list)
        self.requests: list[tuple[str, str | None]] = []
        http.files, http.behaviours, http.requests = self.files, self.behaviours, self.requests
        self.url = f"http://127.0.0.1:{http.server_address[1]}"

    cut, whole, whole_cut = staticmethod(cut), staticmethod(whole), staticmethod(whole_cut)
    answers, sends = staticmethod(answers), staticmethod(sends)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server(http)
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits between two tries; how long it would have been is noted."""
    noted: list[float] = []
    monkeypatch.setattr("crsbench.fetch.transfer.pause", noted.append)
    return noted
