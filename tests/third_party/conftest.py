"""Real distributions, built by their own build backend and installed into a folder on the import path."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SMALL = {
    "dataset.items": 20,
    "dataset.dialogues": 30,
    "dataset.valid": 4,
    "dataset.test": 6,
    "simulator.episodes": 6,
}
Install = Callable[..., list[Path]]
Run = Callable[..., Any]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`built("crs-bm25")`: the folder that its wheel was unpacked into, which is what installing it does."""
    folder = tmp_path_factory.mktemp("wheels")

    def build(name: str) -> Path:
        site = folder / name
        if not site.exists():
            (home,) = HERE.glob(f"*/{name}")
            wheel = wheel_of(home, folder)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
        return site

    return build


def wheel_of(home: Path, into: Path) -> Path:
    """The wheel of a distribution, built as pip would build it: through the backend's own hook."""
    from hatchling import build

    before = Path.cwd()
    os.chdir(home)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return into / build.build_wheel(str(into))
    finally:
        os.chdir(before)


@pytest.fixture
def install(built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install("crs-bm25", …)`: they are there until the test ends; what they imported is forgotten then."""
    known = set(sys.modules)
    sites: list[Path] = []

    def call(*names: str) -> list[Path]:
        for name in names:
            sites.append(built(name))
            monkeypatch.syspath_prepend(str(sites[-1]))
        importlib.invalidate_caches()
        return sites

    yield call
    for name in set(sys.modules) - known:
        if any(str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)) for site in sites):
            del sys.modules[name]


@pytest.fixture
def run(run_cli: Run, tmp_path: Path) -> Run:
    """`run("popularity", "--metrics", "x", options={…})`: `crsbench run` on a few dialogues."""

    def call(plugin: str, *arguments: object, options: Mapping[str, Any] = SMALL, out: str = "runs") -> Any:
        given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return run_cli(
            "run", "--plugin", plugin, *arguments, *given, "--out", tmp_path / out, "--quiet", "--json"
        )

    return call


def content(folder: Path) -> dict[str, Any]:
    """What a run recorded: its record without clock times, and every file beside it, byte for byte.

    `observer_failures` are left out: a run says which observers failed it, whoever they belong to.
    """
    record = json.loads((folder / "result.json").read_text("utf-8"))
    del record["provenance"], record["observer_failures"]
    for stage in record["stages"]:
        del stage["seconds"], stage["reused"]
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    told = ("result.json", "config.toml")  # the one is the record, the other names the folder it went to
    kept = {name: path.read_bytes() for name, path in files.items() if name not in told}
    return {"record": record, **kept}
