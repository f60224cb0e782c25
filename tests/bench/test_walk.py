"""The walk of `tests/third_party/test_walk.py`, nothing borrowed: it takes minutes, and gigabytes.

No part of the quick tests: `pytest tests/bench/test_walk.py`, with an index to install from.
"""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = f"""
pip install -q {ROOT}
crsbench new my-crs
pip install -q ./my-crs
crsbench check my-crs
crsbench run --plugin my-crs --limit 20 --quiet
crsbench run --plugin popularity --limit 20 --quiet
crsbench compare $(ls -d runs/*/result.json)
pip uninstall -q -y my-crs
test -z "$(crsbench plugins | grep my-crs)"
"""


def test_every_step(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    script = f". venv/bin/activate\nset -ex{STEPS}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
