"""The endpoint: what is sent, what is tried again, and one line for what fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from crsbench_simulators import endpoint
from crsbench_simulators.endpoint import Endpoint
from crsbench_simulators.options import LanguageModelOptions

from crsbench.errors import CrsbenchError, PluginError, UsageError

CHAT = ({"role": "system", "content": "Ünder"}, {"role": "user", "content": "hi"})


class Server(ThreadingHTTPServer):
    """Answers with a queue of (status, body, headers), and then with "ok" and the last message."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.asked: list[tuple[str, str | None, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], asked))
        said = {"choices": [{"message": {"content": f"ok {asked['messages'][-1]['content']}"}}]}
        answers = self.server.answers
        status, body, headers = answers.pop(0) if answers else (200, json.dumps(said).encode(), {})
        if status == 0:
            self.close_connection = True
            return  # hangs up without a word
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(endpoint.time, "sleep", waited.append)
    return waited


def options(server: Server, **more: Any) -> LanguageModelOptions:
    return LanguageModelOptions(**{"base_url": server.url, "model": "small", "retries": 3, **more})


def test_what_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    chats = [(*CHAT, {"role": "user", "content": str(n)}) for n in range(9)]
    assert Endpoint(options(server, key_variable="SOME_KEY")).answers(chats) == [f"ok {n}" for n in range(9)]
    path, key, asked = min(server.asked, key=lambda one: one[2]["messages"][-1]["content"])
    assert (path, key) == ("/v1/chat/completions", "Bearer secret")
    expected = {"model": "small", "messages": list(chats[0]), "temperature": 0.0, "max_tokens": 120}
    assert asked == expected
    Endpoint(options(server)).answers([CHAT])
    assert server.asked[-1][1] is None


def test_what_may_pass_is_tried_again(server: Server, waits: list[float]) -> None:
    server.answers = [(503, b"", {}), (429, b"", {"Retry-After": "7"}), (0, b"", {})]
    assert Endpoint(options(server)).answers([CHAT]) == ["ok hi"]
    assert waits == [0.5, 7.0, 2.0]


def test_waiting_is_bounded(server: Server, waits: list[float]) -> None:
    server.answers = [(500, b"", {"Retry-After": "86400"})] * 9
    with pytest.raises(PluginError, match=r"failed 9 times, last with 500 Internal Server Error"):
        Endpoint(options(server, retries=8)).answers([CHAT])
    assert waits == [30.0] * 8
    assert len(server.asked) == 9


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((401, b'{"error": {"message": "bad\\n key"}}', {}), r"refuses: 401 Unauthorized: bad key$"),
        ((404, b"<html>", {}), r"refuses: 404 Not Found$"),
        ((302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}), r"refuses: 302 Found$"),
        ((200, b'{"choices": []}', {}), r"answers with what is no chat completion$"),
        ((200, b"[1", {}), r"answers with what is no chat completion$"),
    ],
)
def test_what_does_not_pass_is_one_line(
    server: Server, waits: list[float], answer: tuple[int, bytes, dict[str, str]], line: str
) -> None:
    server.answers = [answer]
    with pytest.raises(PluginError, match=line) as caught:
        Endpoint(options(server)).answers([CHAT])
    assert "\n" not in str(caught.value)
    assert len(server.asked) == 1
    assert waits == []


def test_nothing_said_is_nothing(server: Server) -> None:
    server.answers = [(200, b'{"choices": [{"message": {"content": null}}]}', {})]
    assert Endpoint(options(server)).answers([CHAT]) == [""]


def test_nobody_is_there(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as gone:
        url = gone.url
    lone = LanguageModelOptions(base_url=url, model="small", retries=2)
    with pytest.raises(CrsbenchError, match=r"failed 3 times, last with .*refused.* \(is it running\?\)"):
        Endpoint(lone).answers([CHAT])
    assert waits == [0.5, 1.0]


def test_a_key_that_is_not_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(UsageError, match="environment variable SOME_KEY is not set"):
        Endpoint(options(server, key_variable="SOME_KEY"))


def test_a_run_keeps_every_transcript(server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Episodes come of it, the raw answers are in its log, and the key is nowhere."""
    from crsbench import run

    monkeypatch.setenv("SOME_KEY", "topsecret")
    small = {"dataset.dialogues": 12, "dataset.valid": 2, "dataset.test": 6, "simulator.episodes": 3}
    told = {
        "simulator.model": "small",
        "simulator.base_url": server.url,
        "simulator.key_variable": "SOME_KEY",
    }
    done = run(
        "popularity",
        options={**told, **small, "simulator.turns": 2},
        simulator="llm",
        metrics=["consistency_episodes"],
        out=tmp_path,
    )
    assert not isinstance(done, list)
    episodes = [json.loads(line) for line in (done.path / "episodes.jsonl").read_text().splitlines()]
    assert len(episodes) == 6  # three greedy, three sampled, and every question asked once
    assert all(len(one["turns"]) == 5 for one in episodes)
    asked = [json.loads(line) for line in (done.path / "log.txt").read_text().splitlines() if line[0] == "{"]
    assert len(asked) == len(server.asked) == 9
    assert all(line["answer"].startswith("ok ") for line in asked)
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("topsecret" in text for text in files)
