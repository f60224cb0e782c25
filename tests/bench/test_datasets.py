"""The readers of real data hold the conformance suite, on the files themselves.

No part of the quick tests: `pytest tests/bench/test_datasets.py`. What is not here is skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from crsbench.plugins import Host
from crsbench.testing.bench import Bench, Target
from crsbench.testing.suite import NotAskedError, rules

EXPECTED: dict[tuple[str, str], str] = {
    ("uss", "names_everything_once"): "ratings alone: there is nothing in it to be recommended",
    ("uss", "keeps_its_splits_apart"): "ratings alone: no row asks for a recommendation",
}
REAL = [
    offer.name
    for offer in Host.discover().offers
    if offer.kind == "dataset"
    and offer.origin.distribution == "crsbench"
    and not offer.name.startswith("synthetic")
]


@pytest.mark.parametrize("name", REAL)
def test_conformance(name: str, data_dir: Path, tmp_path: Path) -> None:
    bench = Bench(Target("dataset", name, data_dir=str(data_dir)), tmp_path)
    failed: dict[str, str] = {}
    for rule in rules("dataset"):
        try:
            rule.ask(bench)
        except NotAskedError as reason:
            pytest.skip(str(reason))
        except Exception as error:  # whatever breaks a rule is its failure, to be told from those expected
            failed[rule.name] = str(error)
    expected = {rule for dataset, rule in EXPECTED if dataset == name}
    assert failed.keys() == expected, failed
