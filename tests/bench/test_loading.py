"""How long ReDial takes to load, against `json.loads` of the same lines in the same run, and its memory.

No part of the quick tests: `pytest tests/bench/test_loading.py`, on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

LOAD = """
import resource, sys
from pathlib import Path
from crsbench_corpora.redial import ReDial
ReDial().load("mentions", Path(sys.argv[1]), seed=0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    found = function()
    took = time.perf_counter() - began
    del found
    return took


def test_redial(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crsbench_corpora.redial import ReDial

    if not (data_dir / "redial").is_dir():
        pytest.skip(f"{data_dir} has no folder redial")
    files = [data_dir / "redial" / name for name in ("train_data.jsonl", "test_data.jsonl")]
    lines = [line for file in files for line in file.read_text().split("\n") if line]
    assert len(lines) == 5451
    plain, first, second = [], [], []
    for attempt in range(5):
        monkeypatch.setenv("CRSBENCH_CACHE", str(tmp_path / str(attempt)))
        plain.append(seconds(lambda: [json.loads(line) for line in lines]))
        first.append(seconds(lambda: ReDial().load("mentions", data_dir, seed=0)))
        second.append(seconds(lambda: ReDial().load("mentions", data_dir, seed=0)))
    times = [sorted(some)[2] for some in (plain, first, second)]
    print("\njson.loads {:.2f} s, first load {:.2f} s, second load {:.2f} s".format(*times))
    assert times[1] <= 6 * times[0]
    assert times[2] <= 2 * times[0]


def test_memory(data_dir: Path, tmp_path: Path) -> None:
    if not (data_dir / "redial").is_dir():
        pytest.skip(f"{data_dir} has no folder redial")
    environment = {**os.environ, "CRSBENCH_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in ("read", "remembered"):
        done = subprocess.run(
            [sys.executable, "-c", LOAD, str(data_dir)],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        kilobytes = int(done.stdout)
        print(f"\npeak memory {kilobytes / 1024:.0f} MB")
        assert kilobytes < 600 * 1024
