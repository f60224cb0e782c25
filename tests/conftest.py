"""Fixtures that every test may use."""

from __future__ import annotations

import importlib
import itertools
import json
import lzma
import os
import signal
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crsbench._pytest_plugin import Answer

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """What a script starts in its background ignores interrupts, and hands that on to all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real data; the test is skipped where there is none."""
    given = os.environ.get("CRSBENCH_DATA")
    path = Path(given) if given else ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no data in {path}: set CRSBENCH_DATA to a folder that has some")
    return path.resolve()


@pytest.fixture(scope="session")
def redial_sizes() -> list[int]:
    """How many targets each dialogue of ReDial's test split has (protocol mentions)."""
    counts = {1: 35, 2: 208, 3: 399, 4: 372, 5: 163, 6: 88, 7: 26, 8: 20, 9: 8, 10: 6, 12: 1, 15: 1}
    return [size for size, count in counts.items() for _ in range(count)]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Corpora are cached for the tests alone, and not among the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRSBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def cli(run_cli: Callable[..., Answer]) -> Callable[..., Answer]:
    """`cli("plugins", "--json")`: the command line in this process."""
    return run_cli


@pytest.fixture
def cli_process(tmp_path: Path) -> Callable[..., Answer]:
    """`cli_process("plugins", path=folder, env={…})`: the command line in a process of its own."""

    def call(*arguments: object, path: Path | None = None, env: dict[str, str] | None = None) -> Answer:
        environment = {**os.environ, **(env or {})}
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join(
                filter(None, [str(path), environment.get("PYTHONPATH")])
            )
        done = subprocess.run(
            [sys.executable, "-m", "crsbench", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def host() -> Any:
    """The plugin host with everything that is installed."""
    from crsbench.plugins import Host

    return Host.discover()


@dataclass
class Site:
    """A folder on the import path in which distributions can be installed."""

    path: Path

    def install(
        self,
        distribution: str,
        source: str,
        *,
        module: str | None = None,
        entry: str | None = None,
        version: str = "1.0",
        points: str | None = None,
    ) -> None:
        """A distribution of one module with one entry point (or the given text of entry_points.txt)."""
        module = module or distribution.replace("-", "_")
        (self.path / f"{module}.py").write_text(textwrap.dedent(source))
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        text = points if points is not None else f"[crsbench]\n{entry or distribution} = {module}\n"
        (info / "entry_points.txt").write_text(text)
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A fresh place for distributions; what is imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def plugin_file(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """`plugin_file("mine", source)` writes a one-file plugin and gives its folder, for --plugins-dir."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    names: list[str] = []

    def write(name: str, source: str) -> Path:
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
        names.append(name)
        return folder

    yield write
    for name in names:
        module = sys.modules.get(name)
        if module is not None and str(getattr(module, "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def invent() -> Callable[..., Path]:
    """A record that no run made: fast, of any size, under any name; its intervals are not computed."""

    def make(root: Path, policy: str, seed: int = 0, skill: float = 0.5, rows: int = 40, **told: Any) -> Path:
        """`skill` is the mean share of rows whose target is found; `told` goes into `run` of the record.

        Without a simulator nobody is satisfied: it is real data.
        """
        from crsbench.leaderboard import records
        from crsbench.leaderboard.ranks import SUBSETS, UNITS, Rows, Scored, recompute
        from crsbench.record import Measured, values_lines
        from crsbench.types import Values

        rng = np.random.default_rng([seed, *policy.encode()])
        dialogues = [f"d{i // 2}" for i in range(rows)]
        found = [[int(rng.integers(1, 11))] if rng.random() < skill else [None] for _ in range(rows)]
        columns: dict[str, list[Any]] = {
            "id": [f"r{i}" for i in range(rows)],
            "dialogue": dialogues,
            "targets": [[i] for i in range(rows)],
            "new": [[i % 3 > 0] for i in range(rows)],
            "tail": [[i % 4 == 0] for i in range(rows)],
            "liked": [[None]] * rows,
            "clean": [True] * rows,
            "exposed": [False] * rows,
        }
        happy = tuple(float(x) for x in (rng.random(rows) < skill))
        names = tuple(columns["id"])
        satisfied = Values("satisfaction", "all", "episode", names, names, happy, decoding="greedy")
        simulator = told.get("simulator", "crsbench/synthetic")
        measured = [Measured("final", simulator, satisfied)] if simulator else []
        kept = values_lines(measured)
        given = recompute(Rows(Scored(columns), {"final": found}), "final")
        for metric, subset, unit in itertools.product(("recall@1", "recall@10"), SUBSETS, UNITS):
            values = given(metric, subset, unit)
            measured += [Measured("final", None, values)] if values else []
        run = {
            "id": f"{zlib.crc32(repr((policy, seed, sorted(told.items()))).encode()):016x}",
            "plugin": policy,
            "plugins": [
                {"kind": "dataset", "name": "crsbench/toy", "version": "1", "digest": "", "options": {}}
            ],
            "dataset": "crsbench/toy",
            "dataset_fingerprint": "0" * 16,
            "protocol": "logged",
            "seed": seed,
            "model": "tiny",
            "simulator": "crsbench/synthetic",
            "limit": None,
            "precision": "fp32",
            "privileged": False,
            "options": told.get("options_passed", {}),
            "options_passed": {},
            "simulator_in_training": False,
            **told,
        }
        scores = [
            {
                **{"metric": v.metric, "stage": "final", "subset": v.subset, "unit": v.unit},
                **{"decoding": v.decoding, "simulator": one.simulator},
                "value": records.fixed(float(np.mean(v.values))),
                "low": records.fixed(float(np.mean(v.values)) - 0.05),
                "high": records.fixed(float(np.mean(v.values)) + 0.05),
                **{"n": len(v.values), "higher_is_better": True},
            }
            for one in measured
            for v in [one.values]
        ]
        where = {"device": "cpu", "device_name": None, "threads": 1, "seconds": 2.0 + 60 * skill}
        counts = {"rows": rows, "targets": rows, "dropped": {}, "catalog": 99, "train_dialogues": 9}
        config = {
            **{"plugin": policy.removeprefix("crsbench/"), "dataset": "toy", "protocol": run["protocol"]},
            **{"seed": seed, "options": run["options_passed"]},
        }
        result = {
            **{"schema": 1, "status": "complete", "error": None, "run": run, "scores": scores, "stages": []},
            **{"counts": counts, "absent": [], "differences": [], "observer_failures": []},
            **{"provenance": where, "config": config},
        }
        folder = root / records.place(result)
        folder.mkdir(parents=True)
        lines: list[Any] = [columns, {"stage": "final", "ranks": found}]
        for name, content in ((records.ROWS, lines), (records.VALUES, kept)):
            text = "".join(json.dumps(line) + "\n" for line in content)
            (folder / name).write_bytes(lzma.compress(text.encode(), preset=0))
        (folder / "result.json").write_text(records.spelled(result), encoding="utf-8")
        return folder

    return make
