"""The default scenario as it stands, drawn once for all tests."""

from pathlib import Path

import pytest
from crsbench_synthetic.dataset import SyntheticDataset

from crsbench.types import Corpus


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return SyntheticDataset().load("logged", Path("nowhere"), 0)
