"""`crsbench data get` against a server on this machine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
COMMIT = "d" * 40
CONTENT = {"data/a.json": b"[1, 2]\n" * 50_000, "data/b.json": b"{}\n"}
SOURCE = """
    from crsbench import Spec, hookimpl
    from crsbench.fetch.pins import Pinned, PinnedFile

    class Toy:
        protocols = ("plain", "other")
        default_protocol = "plain"
        simulator = None
        sources = ({sources},)

        def __init__(self, options):
            pass

    class Bare(Toy):
        sources = ()

    @hookimpl
    def crsbench_datasets():
        return [Spec("toy", Toy), Spec("bare", Bare)]
"""


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pinned(path: str, protocol: str, terms: str = "Be kind.") -> str:
    content = CONTENT[path]
    file = f"PinnedFile(path={path!r}, blob={blob(content)!r}, size={len(content)})"
    return (
        f"Pinned(repository='a/b', commit={COMMIT!r}, folder='toy', licence='CC BY 4.0', terms={terms!r}, "
        f"citation='Somebody 2020', protocols=({protocol!r},), files=({file},))"
    )


@pytest.fixture
def flags(server: Any, pauses: list[float], plugin_file: Any, tmp_path: Path) -> list[object]:
    for path, content in CONTENT.items():
        server.files[f"/a/b/{COMMIT}/{path}"] = content
    sources = ", ".join([pinned("data/a.json", "plain"), pinned("data/b.json", "other")])
    folder = plugin_file("toygets", SOURCE.format(sources=sources))
    return ["--plugins-dir", folder, "--data-dir", tmp_path / "data", "--mirror", server.url]


def test_everything_verified_and_a_notice_first(cli: Cli, flags: list[object], tmp_path: Path) -> None:
    answer = cli("data", "get", "toy", *flags)
    assert answer.code == 0, answer.err
    for path, content in CONTENT.items():
        assert (tmp_path / "data" / "toy" / Path(path).name).read_bytes() == content
    for part in ("CC BY 4.0", "Be kind.", "Somebody 2020", f"a/b, commit {COMMIT[:12]}", "350.0 kB"):
        assert part in answer.err
    assert "2 files downloaded and verified" in answer.out
    assert "crsbench data info toy" in answer.out


def test_the_notice_comes_before_the_first_byte(cli: Cli, flags: list[object], server: Any) -> None:
    for path in CONTENT:
        server.behaviours[f"/a/b/{COMMIT}/{path}"] = [server.answers(404)]
    answer = cli("data", "get", "toy", *flags)
    assert answer.code == 4
    assert "CC BY 4.0" in answer.err
    assert answer.err.strip().splitlines()[-1].startswith(f"error: {server.url}/a/b/{COMMIT}/data/a.json: ")


def test_twice_asks_for_nothing(cli: Cli, flags: list[object], server: Any) -> None:
    cli("data", "get", "toy", *flags)
    asked = len(server.requests)
    answer = cli("data", "get", "toy", *flags)
    assert (answer.code, answer.err) == (0, "")
    assert "nothing to download; 2 files there as pinned" in answer.out
    assert len(server.requests) == asked


def test_only_what_is_missing(cli: Cli, flags: list[object], tmp_path: Path) -> None:
    cli("data", "get", "toy", *flags)
    (tmp_path / "data" / "toy" / "b.json").unlink()
    answer = cli("data", "get", "toy", *flags)
    assert "1 file downloaded and verified; 1 file there as pinned" in answer.out


def test_one_protocol(cli: Cli, flags: list[object], tmp_path: Path) -> None:
    assert cli("data", "get", "toy", "--protocol", "other", *flags).code == 0
    assert [path.name for path in (tmp_path / "data" / "toy").iterdir()] == ["b.json"]


def test_the_environment_names_the_server(
    cli: Cli, flags: list[object], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRSBENCH_MIRROR", server.url)
    assert cli("data", "get", "toy", *flags[:-2]).code == 0


def test_wrong_bytes(cli: Cli, flags: list[object], server: Any, tmp_path: Path) -> None:
    path = f"/a/b/{COMMIT}/data/b.json"
    server.behaviours[path] = [server.sends(b"[]\n")]
    answer = cli("data", "get", "toy", *flags)
    assert answer.code == 4
    assert "is not the pinned one" in answer.err
    names = {path.name for path in (tmp_path / "data" / "toy").iterdir()}
    assert names == {"a.json"}  # what was verified before stays


def test_my_own_file_is_kept(cli: Cli, flags: list[object], tmp_path: Path) -> None:
    mine = tmp_path / "data" / "toy" / "b.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert cli("data", "get", "toy", *flags).code == 2
    assert mine.read_text() == "mine"
    assert cli("data", "get", "toy", "--replace", *flags).code == 0
    assert mine.read_bytes() == CONTENT["data/b.json"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["bare"], "error: dataset 'bare' has nothing to download"),
        (["synthetic"], "error: dataset 'synthetic' has nothing to download"),
        (["tooy"], "error: unknown dataset 'tooy'"),
        (["toy", "--protocol", "x"], "error: dataset 'toy' has no protocol 'x'"),
        (["toy", "--mirror", "file:///tmp"], "error: 'file:///tmp' is no address of a server"),
    ],
)
def test_what_cannot_be(cli: Cli, flags: list[object], arguments: list[str], line: str) -> None:
    answer = cli("data", "get", *flags, *arguments)
    assert answer.code == 2
    assert answer.line.startswith(line)


class Terminal:
    """Standard input that is one."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:
        return self.answer


def test_on_a_terminal_it_asks(
    cli: Cli, flags: list[object], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    answer = cli("data", "get", "toy", *flags)
    assert answer.code == 130
    assert "Download?" in answer.err
    assert not server.requests
    assert cli("data", "get", "toy", "--yes", *flags).code == 0


def test_an_interrupt_leaves_a_part_that_is_continued(
    flags: list[object], server: Any, tmp_path: Path
) -> None:
    path, content = f"/a/b/{COMMIT}/data/a.json", CONTENT["data/a.json"]
    stalled, release = threading.Event(), threading.Event()

    def stall(handler: Any, _: bytes) -> None:
        handler.answer(200, {"Content-Length": len(content)})
        handler.wfile.write(content[:100_000])
        handler.wfile.flush()
        stalled.set()
        release.wait(30)

    server.behaviours[path] = [stall]
    command = [sys.executable, "-m", "crsbench", "data", "get", "toy", *map(str, flags)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert stalled.wait(30)
        part = tmp_path / "data" / "toy" / f".a.json.{blob(content)[:12]}.part"
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    release.set()
    assert process.returncode == 130
    assert said.strip().splitlines()[-1].startswith("interrupted (what has arrived is kept")
    assert "Traceback" not in said
    kept = part.stat().st_size
    assert 0 < kept <= 100_000
    assert part.read_bytes() == content[:kept]
    again = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "data" / "toy" / "a.json").read_bytes() == content
    assert server.requests[1] == (path, f"bytes={kept}-")


def test_progress_in_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from crsbench.cli import get, progress

    moments = iter([0.0, 1.0, 31.0, 40.0, 62.0])
    monkeypatch.setattr(get.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(progress, "EVERY", 30.0)
    say = get.Lines("a.json (1 of 2)")
    for done in (1_000_000, 2_000_000, 2_100_000, 3_000_000):
        say(done, 4_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "a.json (1 of 2): 2.0 MB of 4.0 MB, 1 min 02 s left",
        "a.json (1 of 2): 3.0 MB of 4.0 MB, 31 s left",
    ]


def test_the_command_says_how_it_asks(cli: Cli) -> None:
    said = " ".join(cli("data", "get", "--help").out.split())
    assert "calling this command is the answer" in said
    assert "CRSBENCH_MIRROR" in said


def test_opendialkg_arrives_where_its_reader_looks(
    cli: Cli, server: Any, data_dir: Path, tmp_path: Path
) -> None:
    from crsbench_corpora.opendialkg import OpenDialKG

    [source] = [one for one in OpenDialKG.sources if "ievalm" in one.protocols]
    for file in source.files:
        here = source.place(data_dir, file)
        if not here.is_file():
            pytest.skip(f"{here} is not at hand")
        server.files[source.url("", file)] = here.read_bytes()
    place = ["--data-dir", tmp_path / "data"]
    answer = cli("data", "get", "opendialkg", "--protocol", "ievalm", "--mirror", server.url, *place)
    assert answer.code == 0, answer.err
    assert "CC BY-NC 4.0" in answer.err
    facts = cli("data", "info", "opendialkg", *place, "--json").json
    assert facts == cli("data", "info", "opendialkg", "--data-dir", data_dir, "--json").json
