"""Download one file over HTTP: it goes on where it was cut, and tries again with growing pauses."""

from __future__ import annotations

import http.client
import random
import re
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from crsbench.errors import DataError, UsageError
from crsbench.fetch.pins import CHUNK

Report = Callable[[int, "int | None"], None]  # bytes so far, bytes in all
TRIES = 5  # in a row that bring nothing new
TIMEOUT = 30.0  # seconds without a byte
LONGEST_PAUSE = 60.0
MOST_BYTES = 4 << 30  # of a file whose size nobody pinned
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_SCHEMES = ("http", "https")


class _PassingError(Exception):
    """Something that may pass; `wait` is how many seconds the server asked for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to http and https, and never from https to http."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> Request | None:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in _SCHEMES or (old == "https" and new == "http"):
            raise HTTPError(newurl, code, f"a redirect to {newurl!r} is not followed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def checked_base(url: str) -> str:
    """The address of a server. Raises UsageError where it is none that downloads may come from."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise UsageError(f"{url!r} is no address of a server", "it begins with https:// or http://")
    return url.rstrip("/")


def download(url: str, part: Path, size: int | None, report: Report) -> None:
    """Complete `part`, which may hold the beginning of the file already, up to `size` bytes.

    Whatever interrupts it, what has arrived stays in `part`. What arrived is not verified here. Raises
    DataError where the server does not give the file.
    """
    failures, furthest = 0, _length(part)
    while True:
        try:
            return _attempt(url, part, size, report)
        except _PassingError as error:
            reached = _length(part)
            failures = 1 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures >= TRIES:
                hint = "what has arrived is kept: the same command goes on from there"
                raise DataError(f"{url}: {error}; gave up after {TRIES} tries", hint) from error
            backoff = 2.0**failures * random.uniform(0.5, 1.0)
            pause(min(max(backoff, error.wait or 0.0), LONGEST_PAUSE))


def pause(seconds: float) -> None:
    """Wait between two tries."""
    time.sleep(seconds)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _attempt(url: str, part: Path, size: int | None, report: Report) -> None:
    start = _length(part)
    if size is not None and start > size:
        part.unlink()
        start = 0
    if size is not None and start == size:
        part.touch()
        return
    response = _open(url, start, part)
    if response is None:  # there is nothing after what we have
        return
    with response:
        done, total = _extent(response, url, start, part)
        if size is not None and total not in (None, size):
            raise DataError(f"{url}: the file has {total} bytes there, and {size} are expected")
        if total is None:
            total = size
        most = MOST_BYTES if total is None else total
        with part.open("ab" if done else "wb") as file:
            while chunk := _read(response):
                done += len(chunk)
                if done > most:
                    raise DataError(f"{url}: more than {most} bytes arrive")
                file.write(chunk)
                report(done, total)
    if total is not None and done < total:
        raise _PassingError(f"the connection was cut after {done} of {total} bytes")


def _open(url: str, start: int, part: Path) -> Any | None:
    """The server's answer; None where it says that the file ends at `start`."""
    headers = {"User-Agent": "crsbench", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        # The scheme was checked with the server's address, and each redirect is.
        request = Request(url, headers=headers)  # noqa: S310
        return build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except HTTPError as error:
        with error:
            if error.code == 416 and start:
                if (error.headers.get("Content-Range") or "").strip() == f"bytes */{start}":
                    return None
                part.unlink()
                raise _PassingError("what had arrived does not fit the file") from error
            if error.code in _PASSING:
                raise _PassingError(_said(error), _wait(error.headers)) from error
            raise DataError(f"{url}: {_said(error)}") from error
    except (URLError, http.client.HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _PassingError(str(reason) or type(error).__name__) from error
    except ValueError as error:  # a redirect to something that is no address
        raise DataError(f"{url}: {error}") from error


def _said(error: HTTPError) -> str:
    if 300 <= error.code < 400:
        return f"the server redirects: {' '.join(str(error.reason).split())}"
    return f"the server answers {error.code} {error.reason}".strip()


def _wait(headers: Message) -> float | None:
    asked = (headers.get("Retry-After") or "").strip()
    return float(asked) if asked.isascii() and asked.isdigit() else None


def _extent(response: Any, url: str, start: int, part: Path) -> tuple[int, int | None]:
    """(offset of what is sent, length of the whole file or None)."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise DataError(f"{url}: the server sends the file in another encoding than asked for")
    length = response.headers.get("Content-Length")
    total = int(length) if length is not None and length.isdigit() else None
    if response.status != 206:
        return 0, total  # a server that ignores ranges sends all of it
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", (response.headers.get("Content-Range") or "").strip())
    if found is None or int(found[1]) != start:
        part.unlink(missing_ok=True)
        raise _PassingError("the server sends another part of the file than asked for")
    return start, None if found[3] == "*" else int(found[3])


def _read(response: Any) -> bytes:
    try:
        return response.read1(CHUNK)  # what there is, so that an interrupt loses nothing
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _PassingError(f"the connection was cut ({type(error).__name__})") from error
