"""Building a leaderboard of 10,000 records, against reading and parsing them: `pytest tests/bench -s`."""

from __future__ import annotations

import json
import lzma
import os
import time
from pathlib import Path

from crsbench import run
from crsbench.leaderboard.build import render
from crsbench.leaderboard.records import RESULT, ROWS, VALUES, place, spelled, store_record
from crsbench.record import Run

BOARDS, POLICIES, SEEDS = 20, 100, 5


def test_ten_thousand_records(tmp_path: Path) -> None:
    """Copies of one real record, under other names: as large as those that are there."""
    made = run("popularity", out=tmp_path / "runs")
    assert isinstance(made, Run)
    one = store_record(made, tmp_path / "one")
    result = json.loads((one / RESULT).read_text("utf-8"))
    for i in range(BOARDS * POLICIES * SEEDS):
        board, policy, seed = i % BOARDS, i // BOARDS % POLICIES, i // BOARDS // POLICIES
        result["run"] |= {"id": f"{i:016x}", "seed": seed, "plugin": f"crsbench/p{policy}"}
        result["run"] |= {"dataset": f"crsbench/d{board}", "dataset_fingerprint": f"{board:016x}"}
        folder = tmp_path / "records" / place(result)
        folder.mkdir(parents=True)
        (folder / RESULT).write_text(spelled(result), "utf-8")
        for name in (ROWS, VALUES):
            os.link(one / name, folder / name)

    def read() -> int:
        """Every file of every record, as Python values."""
        count = 0
        for file in sorted((tmp_path / "records").glob(f"*/*/*/*/{RESULT}")):
            json.loads(file.read_text("utf-8"))
            for name in (ROWS, VALUES):
                text = lzma.decompress((file.parent / name).read_bytes()).decode()
                count += sum(1 for line in text.splitlines() if json.loads(line))
        return count

    start = time.perf_counter()
    read()
    parsed = time.perf_counter()
    files = render(tmp_path)
    built = time.perf_counter()
    size = sum(map(len, files.values())) / 1e6
    ratio = (built - parsed) / (parsed - start)
    print(f"\nread {parsed - start:.1f} s, built in {built - parsed:.1f} s: {ratio:.1f} times; {size:.0f} MB")
    assert ratio < 10
