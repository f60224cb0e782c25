"""Ranking 4,000 states against a million items: time against the matrix product alone, and memory.

No part of the quick tests: `pytest tests/bench/test_topk.py -s`, on a machine that does nothing else.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

MEASURE = """
import resource, torch
from crsbench_features.topk import best_of_products
torch.manual_seed(0)
found, _ = best_of_products(torch.randn(4000, 64), torch.randn(1_000_000, 64), 50)
assert found.shape == (4000, 50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def seconds(function: Callable[[], object]) -> float:
    """Of the processor: another process on the machine does not count."""
    began = time.process_time()
    function()
    return time.process_time() - began


def test_time() -> None:
    import torch
    from crsbench_features import topk

    torch.manual_seed(0)
    states, items = torch.randn(4000, 64), torch.randn(1_000_000, 64)

    def product() -> None:
        block = torch.empty(topk.ROWS, topk.COLUMNS)
        for row in range(0, len(states), topk.ROWS):
            for column in range(0, len(items), topk.COLUMNS):
                some, others = states[row : row + topk.ROWS], items[column : column + topk.COLUMNS].T
                torch.mm(some, others, out=block[: len(some), : others.shape[1]])

    turns = [(seconds(product), seconds(lambda: topk.best_of_products(states, items, 50))) for _ in range(5)]
    ratio = statistics.median(ranked / alone for alone, ranked in turns)
    print(f"\nproduct {turns[-1][0]:.1f} s, ranking {turns[-1][1]:.1f} s, ratio (median of 5) {ratio:.2f}")
    assert ratio <= 1.5


def test_memory() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, env=environment, check=True
    )
    megabytes = int(done.stdout) / 1024
    print(f"\npeak memory {megabytes:.0f} MB")
    assert megabytes < 2048
