"""Large worlds: drawing does not read the whole catalogue, and memory does not grow with the log."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from crsbench_synthetic import logger
from crsbench_synthetic.dataset import SyntheticDataset
from crsbench_synthetic.log import write_log
from crsbench_synthetic.options import DatasetOptions
from crsbench_synthetic.scenarios import COLD, SYNTHETIC
from crsbench_synthetic.shelves import Shelves
from crsbench_synthetic.world import TEST, TRAIN, make_world
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench.types import Mention, State, Turn

MB = 2**20


@pytest.fixture
def traced():
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()
    tracemalloc.stop()


@given(
    named=st.integers(-1, 46),
    before=st.lists(st.integers(0, 49), unique=True, max_size=6),
    at=st.floats(0, 1, exclude_max=True),
    even=st.booleans(),
    scenario=st.sampled_from([SYNTHETIC, COLD]),
    source=st.sampled_from([TRAIN, TEST]),
)
@settings(max_examples=400, deadline=None)
def test_shelves_draw_from_the_loggers_distribution(named, before, at, even, scenario, source):
    world = make_world(50, 0, scenario)
    released = world.released(source)
    before = [item for item in before if released[item]]
    mentions = () if named < 0 else (Mention(world.entities[named].name),)
    state = State((Turn("user", "", mentions), *(Turn("system", "", recommended=(item,)) for item in before)))
    p = logger.distribution(world, state, released)
    if even:
        p = (p > 0) / np.count_nonzero(p)
    sums = np.cumsum(p)
    if np.abs(sums - at).min() > 1e-9:  # between two items; at a border rounding may decide
        item = Shelves(world, released).draw(state, at, even)
        assert item == min(int(np.searchsorted(sums, at, side="right")), 49)
        assert at > sums[-1] or p[item] > 0


def test_a_stream_keeps_nothing(traced):
    """Four times as many dialogues of 20,000 items take no more memory."""
    world = make_world(20_000, 0)
    for _ in write_log(world, TRAIN, 60):
        pass  # templates are parsed once
    peaks = []
    for count in (60, 240):
        tracemalloc.reset_peak()
        before, _ = traced()
        assert sum(len(one.satisfied) for one in write_log(world, TRAIN, count)) > 2 * count
        peaks.append(traced()[1] - before)
    assert peaks[1] < peaks[0] + 0.3 * MB


def test_truth_is_worked_out_when_asked_for(traced):
    options = DatasetOptions(items=20_000, dialogues=1, valid=0, test=100)
    make_world(20_000, 0).catalog.fingerprint  # noqa: B018 (the world and its digest are there already)
    tracemalloc.reset_peak()
    before, _ = traced()
    corpus = SyntheticDataset(options).load("logged", Path("nowhere"), 0)
    rows = len(corpus.test.rows)
    assert rows > 250
    assert traced()[1] - before < rows * 20_000 * 4 / 3  # a third of what all utilities would take
    truth = corpus.sealed.truth
    assert len(truth) == rows == len(list(truth))
    assert "test-00000-1" in truth
    assert "test-00000-2" not in truth
    assert truth["test-00000-1"].utilities.shape == (20_000,)
    assert np.array_equal(truth["test-00003-3"].utilities, truth["test-00003-3"].utilities)


def test_a_stream_is_what_is_loaded():
    dataset = SyntheticDataset(DatasetOptions(dialogues=30, valid=3, test=10))
    corpus = dataset.load("logged", Path("nowhere"), 0)
    for split in ("train", "valid", "test"):
        streamed = list(dataset.stream(split))
        assert tuple(one.dialogue for one in streamed) == getattr(corpus, split).dialogues
        assert all(corpus.sealed.feedback[one.dialogue.id] == one.feedback() for one in streamed)
