"""Finished runs of small policies, and the records kept of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crsbench import run
from crsbench.record import Run

SMALL = {"dataset.dialogues": 60, "dataset.test": 30, "dataset.valid": 10, "simulator.episodes": 12}
METRICS = ["recall@1", "recall@10", "mrr@10", "ndcg@10", "truth_ndcg@10", "satisfaction", "gini"]


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One output folder, so that runs are made once."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def small_run(out: Path) -> Callable[..., Run]:
    """A run of a policy on a small scenario."""

    def make(policy: str = "popularity", seed: int = 0, **options: Any) -> Run:
        made = run(policy, options={**SMALL, **options}, metrics=METRICS, seed=seed, out=out)
        assert isinstance(made, Run)
        return made

    return make
