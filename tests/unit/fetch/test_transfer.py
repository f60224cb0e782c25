"""Downloads from a server that cuts, redirects, refuses and lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crsbench.errors import DataError, UsageError
from crsbench.fetch import transfer
from crsbench.fetch.transfer import TRIES, checked_base, download

CONTENT = bytes(range(256)) * 4096  # 1 MiB
PATH = "/file"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part"


@pytest.fixture
def fetch(server: Any, part: Path, pauses: list[float]) -> Any:
    server.files[PATH] = CONTENT
    reports: list[tuple[int, int | None]] = []

    def fetch(size: int | None = None, path: str = PATH) -> list[tuple[int, int | None]]:
        download(server.url + path, part, size, lambda done, total: reports.append((done, total)))
        return reports

    return fetch


def test_a_plain_download(fetch: Any, part: Path, server: Any, pauses: list[float]) -> None:
    reports = fetch(len(CONTENT))
    assert part.read_bytes() == CONTENT
    assert reports[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})
    assert server.requests == [(PATH, None)]
    assert not pauses


def test_cut_connections_go_on_where_they_stopped(
    fetch: Any, part: Path, server: Any, pauses: list[float]
) -> None:
    server.behaviours[PATH] = [server.cut(100_000), server.cut(300_000)]
    fetch()
    assert part.read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", "bytes=400000-"]
    assert all(0.5 <= wait <= 2 for wait in pauses)


def test_an_earlier_part_is_continued(fetch: Any, part: Path, server: Any) -> None:
    part.write_bytes(CONTENT[:777])
    fetch(len(CONTENT))
    assert part.read_bytes() == CONTENT
    assert server.requests == [(PATH, "bytes=777-")]


def test_a_complete_part_asks_for_nothing(fetch: Any, part: Path, server: Any) -> None:
    part.write_bytes(CONTENT)
    fetch(len(CONTENT))
    assert not server.requests
    fetch()  # of unknown size: the server says that there is no more
    assert server.requests == [(PATH, f"bytes={len(CONTENT)}-")]
    assert part.read_bytes() == CONTENT


def test_a_part_that_is_too_long_begins_anew(fetch: Any, part: Path, server: Any) -> None:
    part.write_bytes(CONTENT + b"!")
    fetch(len(CONTENT))
    assert part.read_bytes() == CONTENT
    part.write_bytes(CONTENT + b"!")
    fetch()  # of unknown size: the server's 416 says so
    assert part.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_sends_it_all(fetch: Any, part: Path, server: Any) -> None:
    part.write_bytes(b"x" * 500)  # even where this was wrong
    server.behaviours[PATH] = [server.whole_cut(200_000), server.whole]
    fetch(len(CONTENT))
    assert part.read_bytes() == CONTENT


def test_another_range_than_asked_for_is_not_appended(fetch: Any, part: Path, server: Any) -> None:
    part.write_bytes(CONTENT[:1000])

    def shifted(handler: Any, content: bytes) -> None:
        size = len(content)
        handler.answer(206, {"Content-Range": f"bytes 900-{size - 1}/{size}", "Content-Length": size - 900})
        handler.wfile.write(content[900:])

    server.behaviours[PATH] = [shifted]
    fetch(len(CONTENT))
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [404, 403, 410, 400, 501])
def test_a_refusal_is_final(fetch: Any, server: Any, code: int, pauses: list[float]) -> None:
    server.behaviours[PATH] = [server.answers(code)]
    with pytest.raises(DataError, match=f"{server.url}{PATH}: the server answers {code}"):
        fetch()
    assert not pauses


@pytest.mark.parametrize("code", [500, 502, 503, 504, 429, 408])
def test_what_may_pass_is_tried_again(fetch: Any, part: Path, server: Any, code: int) -> None:
    server.behaviours[PATH] = [server.answers(code)] * (TRIES - 1)
    fetch()
    assert part.read_bytes() == CONTENT


def test_pauses_grow_and_the_server_may_ask_for_more(fetch: Any, server: Any, pauses: list[float]) -> None:
    server.behaviours[PATH] = [server.answers(503)] * 3 + [server.answers(503, Retry_After=40)]
    fetch()
    assert [low <= wait <= 2 * low for wait, low in zip(pauses, (1, 2, 4), strict=False)] == [True] * 3
    assert pauses[3] == 40


def test_it_gives_up_and_keeps_what_came(fetch: Any, part: Path, server: Any, pauses: list[float]) -> None:
    server.behaviours[PATH] = [server.cut(5000), *[server.answers(500)] * 50]
    with pytest.raises(DataError, match="gave up after 5 tries") as caught:
        fetch(len(CONTENT))
    assert "the same command goes on" in str(caught.value)
    assert part.read_bytes() == CONTENT[:5000]
    assert len(pauses) == TRIES - 1


def test_a_server_that_never_gets_further_is_given_up(fetch: Any, server: Any) -> None:
    server.behaviours[PATH] = [server.whole_cut(5000)] * 50
    with pytest.raises(DataError, match="the connection was cut after 5000 of"):
        fetch(len(CONTENT))
    assert len(server.requests) == TRIES


def test_progress_renews_patience(fetch: Any, part: Path, server: Any) -> None:
    server.behaviours[PATH] = [server.cut(10_000)] * 60
    fetch(len(CONTENT))
    assert part.read_bytes() == CONTENT


def test_nobody_there(part: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DataError, match="Connection refused"):
        download("http://127.0.0.1:9/file", part, None, lambda *_: None)


def test_a_server_that_says_nothing_more(
    fetch: Any, part: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    done = threading.Event()

    def stall(handler: Any, content: bytes) -> None:
        handler.answer(200, {"Content-Length": len(content)})
        handler.wfile.write(content[:4000])
        handler.wfile.flush()
        done.wait(10)

    server.behaviours[PATH] = [stall]
    fetch(len(CONTENT))
    done.set()
    assert part.read_bytes() == CONTENT
    assert server.requests[1] == (PATH, "bytes=4000-")  # nothing that came was lost


def test_another_size_than_pinned_is_refused_before_anything_is_written(
    fetch: Any, part: Path, server: Any
) -> None:
    with pytest.raises(DataError, match=r"has 1048576 bytes there, and 5 are expected"):
        fetch(5)
    assert not part.exists()


def test_an_endless_file_is_refused(
    fetch: Any, part: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MOST_BYTES", 100_000)

    def unbounded(handler: Any, content: bytes) -> None:
        handler.answer(200, {})  # no length
        for _ in range(1000):
            handler.wfile.write(content)

    server.behaviours[PATH] = [unbounded]
    with pytest.raises(DataError, match="more than 100000 bytes"):
        fetch()
    assert part.stat().st_size <= 100_000


def test_redirects_are_followed_to_http(fetch: Any, part: Path, server: Any) -> None:
    server.behaviours["/old"] = [server.answers(302, Location=PATH)]
    fetch(len(CONTENT), "/old")
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher://x/", ""])
def test_redirects_elsewhere_are_refused(
    fetch: Any, part: Path, server: Any, pauses: list[float], place: str
) -> None:
    server.behaviours["/old"] = [server.answers(302, Location=place)] * 20
    with pytest.raises(DataError, match="redirects"):
        fetch(None, "/old")
    assert not part.exists()
    assert not pauses


def test_redirects_in_a_circle_end(fetch: Any, server: Any) -> None:
    server.behaviours["/old"] = [server.answers(301, Location="/old")] * 50
    with pytest.raises(DataError, match="redirects"):
        fetch(None, "/old")


def test_a_redirect_never_leaves_https() -> None:
    from email.message import Message
    from urllib.error import HTTPError
    from urllib.request import Request

    follow = transfer._Redirects().redirect_request
    ask = Request("https://example.org/a")
    with pytest.raises(HTTPError, match="not followed"):
        follow(ask, None, 302, "Found", Message(), "http://example.org/a")
    assert follow(ask, None, 302, "Found", Message(), "https://example.org/b").full_url.endswith("/b")


def test_a_compressed_answer_is_refused(fetch: Any, part: Path, server: Any) -> None:
    server.behaviours[PATH] = [server.answers(200, Content_Encoding="gzip")]
    with pytest.raises(DataError, match="another encoding"):
        fetch()


@pytest.mark.parametrize("url", ["file:///tmp", "ftp://x", "example.org", "", "http://"])
def test_only_web_servers(url: str) -> None:
    with pytest.raises(UsageError, match="no address of a server"):
        checked_base(url)


def test_the_address_of_a_server() -> None:
    assert checked_base("https://example.org/mirror/") == "https://example.org/mirror"
