"""All pairs at once, against the paired tests of two."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crsbench.intervals import over_both
from crsbench.leaderboard import pairs
from crsbench.leaderboard.lines import Sample, units
from crsbench.leaderboard.pairs import against_all, ranks
from crsbench.significance import paired

GROUPS = tuple(f"d{i // 3}" for i in range(240))
IDS = tuple(f"r{i}" for i in range(240))


def sample(shift: float, seed: int, common: float = 1.0, count: int = 240) -> Sample:
    rng = np.random.default_rng(7)
    base = rng.normal(size=240) * common
    own = np.random.default_rng(seed).normal(size=240) * 0.3
    return Sample(units(IDS[:count], GROUPS[:count]), (base + own + shift)[:count])


def test_agrees_with_the_paired_tests() -> None:
    lines = [sample(0.0, 1), sample(0.03, 2), sample(0.08, 3), sample(0.3, 4)]
    (block,) = against_all(lines)
    for i, j in ((1, 0), (2, 0), (3, 0), (2, 1)):
        exact = paired(lines[j].values.tolist(), lines[i].values.tolist(), GROUPS)
        assert block.difference[i, j] == pytest.approx(exact.value)
        p = 2 * stats.t.sf(abs(block.difference[i, j] / block.spread[i, j]), block.freedom[i, j])
        assert p == pytest.approx(exact.p, abs=0.02)
        half = stats.t.ppf(0.975, 79) * block.spread[i, j]
        assert (exact.value - half, exact.value + half) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_blocks_are_one_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [sample(i / 50, i) for i in range(7)]
    (whole,) = against_all(lines)
    monkeypatch.setattr(pairs, "BLOCK", 3)
    parts = list(against_all(lines))
    assert len(parts) == 3
    assert np.concatenate([one.spread for one in parts]) == pytest.approx(whole.spread)


def test_only_shared_units_are_paired() -> None:
    short, other, whole = sample(0.1, 1, count=120), sample(0.2, 3, count=120), sample(0.0, 2)
    mixed = list(against_all([short, whole, other]))
    (alike,) = against_all([short, Sample(units(IDS[:120], GROUPS[:120]), whole.values[:120]), other])
    assert mixed[0].spread[0] == pytest.approx(alike.spread[0])
    assert mixed[0].difference[0] == pytest.approx(alike.difference[0])
    assert mixed[1].freedom[0, 0] == 39
    apart = Sample(units(tuple(f"x{i}" for i in range(240)), GROUPS), whole.values)
    assert np.isnan(next(against_all([whole, apart])).spread[0, 1])


def test_seeds_widen_as_over_both_does() -> None:
    rng = np.random.default_rng(3)
    a = [0.4 * rng.normal() + rng.normal(size=240) for _ in range(5)]
    from crsbench.leaderboard.lines import _shared  # pyright: ignore[reportPrivateUsage]

    line, _ = _shared([Sample(units(IDS, GROUPS), one) for one in a]) or pytest.fail("no shared units")
    nothing = Sample(units(IDS, GROUPS), np.zeros(240))
    (block,) = against_all([line, nothing])
    both = over_both([one.tolist() for one in a], GROUPS)
    half = stats.t.ppf(0.975, 79) * block.spread[0, 1]
    assert line.of_seeds > 0
    assert half == pytest.approx((both.high - both.low) / 2, rel=0.03)


def test_ties_share_a_rank() -> None:
    best, tied, worse = sample(0.5, 1), sample(0.49, 2), sample(0.0, 3)
    assert ranks([worse, best, tied, best], higher_is_better=True) == [4, 1, 1, 1]
    assert ranks([worse, best, tied], higher_is_better=False) == [1, 2, 2]
    assert ranks([best], higher_is_better=True) == [1]
    assert ranks([], higher_is_better=True) == []


def test_what_varies_by_nothing_is_no_tie() -> None:
    one, half = (Sample(units(IDS, GROUPS), np.full(240, value)) for value in (1.0, 0.5))
    assert ranks([one, half], higher_is_better=True) == [1, 2]


@pytest.mark.parametrize("apart", [False, True])
def test_five_dialogues_tell_nothing_apart(apart: bool) -> None:
    """As `intervals.of_difference` has it: six of one sign do, five do not, whatever the t-interval says."""

    def better_in(dialogues: int) -> Sample:
        values = np.zeros(240)
        values[: 3 * dialogues] = 1.0
        count = 237 if apart and dialogues else 240  # where units are not shared by all, pair by pair
        return Sample(units(IDS[:count], GROUPS[:count]), values[:count])

    nothing = better_in(0)
    for dialogues, rank in ((5, 1), (6, 2)):
        lines = [nothing, better_in(dialogues)]
        assert ranks(lines, higher_is_better=True) == [rank, 1]
        found = paired(*([one.values[:237].tolist() for one in lines]), GROUPS[:237])
        assert (found.low > 0) == (rank == 2)
        if not apart:
            told = pairs.triangle([0, 1], lines) or pytest.fail("two lines make a pair")
            t = stats.t.ppf(0.975, told.freedom[0])
            assert (dialogues / 80 > t * (told.spread[0] or 0)) == (rank == 2)
