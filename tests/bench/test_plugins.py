"""How long `crsbench plugins` takes with many plugins installed, and that it imports nothing of them.

No part of the quick tests: `pytest tests/bench/test_plugins.py -s`. CPU seconds, in turns, medians.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

MANY = 200
MODULE = """
from crsbench import Spec, hookimpl

@hookimpl
def crsbench_policies():
    return [Spec("policy-{n}", "many_{n}_heavy:Policy", summary="one of many")]
"""
HEAVY = "raise RuntimeError('something heavy was imported')\n"


def many(folder: Path) -> Path:
    """A folder with so many distributions, each of one light module and one that must not be imported."""
    for n in range(MANY):
        (folder / f"many_{n}.py").write_text(MODULE.format(n=n))
        (folder / f"many_{n}_heavy.py").write_text(HEAVY)
        info = folder / f"many_{n}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: many-{n}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[crsbench]\nmany = many_{n}\n[crsbench.interface]\n1.0 = many_{n}\n"
        )
    return folder


def listing(path: Path) -> tuple[float, str]:
    """CPU seconds of the command and what it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "crsbench", "plugins"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def test_two_hundred_plugins(tmp_path: Path) -> None:
    none, full = tmp_path / "none", tmp_path / "full"
    none.mkdir()
    full.mkdir()
    many(full)
    listing(none), listing(full)  # compiled files are written once
    times: dict[Path, list[float]] = {none: [], full: []}
    for _ in range(7):
        for folder, seconds in times.items():
            took, said = listing(folder)
            seconds.append(took)
            assert ("policy-199" in said) == (folder == full)
            assert "broken" not in said
    without, with_all = (statistics.median(times[folder]) for folder in (none, full))
    print(f"\nnone {without:.3f} s, {MANY} {with_all:.3f} s of CPU")
    assert with_all <= 1.5 * without + 0.001 * MANY
