"""All pairs of lines in one measure at once: paired differences, how sure they are, and ranks.

A mean over units is a ratio of sums over dialogues, and each dialogue g adds ψ_g = (s_g − mean · n_g) / Σn to
its error. The error of a difference of two means on the same units adds up from ψ_b − ψ_a, so that one
matrix of products Ψ Ψᵀ gives the cluster-robust standard error of every pair (the same as
`intervals.standard_error` of the pair's differences). Where a line has several seeds, the variance that
other seeds would add is in it too, weighted such that with Student's t of the dialogues the interval is that
of Zou & Donner (see `intervals.over_both`). Where too few dialogues differ to tell two lines apart, the
standard error is made so large that it does not (see `intervals.of_difference`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crsbench.intervals import FEWEST, by_group, standard_error, students_t
from crsbench.leaderboard.lines import Sample

Floats = NDArray[np.float64]
MOST = 64  # lines that a page can compare: its pairs grow with the square
BLOCK = 256  # lines compared with all at once
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Pairs:
    """Lines (of a block) against all: the difference line − other, its standard error and degrees of freedom.

    Each [B, L]; nan where two lines share no unit.
    """

    difference: Floats
    spread: Floats
    freedom: Floats


def against_all(samples: Sequence[Sample]) -> Iterator[Pairs]:
    """Every line against every line, in blocks of lines, in their order."""
    if not samples:
        return
    if all(one.units is samples[0].units for one in samples):
        yield from _on_the_same_units(samples)
    else:
        for one in samples:
            found = np.array([_pair(one, other) for other in samples]).T[:, None]
            yield Pairs(*found)


def ranks(samples: Sequence[Sample], higher_is_better: bool) -> list[int]:
    """1 + the number of lines that are better beyond the 95% interval of the paired difference, for each."""
    found: list[int] = []
    for block in against_all(samples):
        worse = -block.difference if higher_is_better else block.difference
        critical = {
            freedom: students_t(freedom) if freedom > 0 else np.inf for freedom in np.unique(block.freedom)
        }
        t = np.vectorize(critical.get, otypes=[float])(block.freedom)
        found += (1 + (worse > t * block.spread + TINY).sum(axis=1)).tolist()
    return found


@dataclass(frozen=True, slots=True)
class Triangle:
    """Pairs of the first MOST lines that are measured, as a page needs them: row by row below the diagonal.

    `spread` and `difference` to three digits, None where two lines share no unit; `difference` is None where
    all lines share all units, and it is that of their means.
    """

    lines: list[int]
    spread: list[float | None]
    freedom: list[int]
    difference: list[float | None] | None


def triangle(lines: Sequence[int], samples: Sequence[Sample]) -> Triangle | None:
    """The pairs of lines with these numbers; None for fewer than two."""
    lines, samples = lines[:MOST], samples[:MOST]
    if len(lines) < 2:
        return None
    blocks = list(against_all(samples))
    below = np.tril_indices(len(lines), -1)
    spread, freedom, difference = (
        np.concatenate(parts)[below]
        for parts in zip(*((one.spread, one.freedom, one.difference) for one in blocks), strict=True)
    )
    alike = all(one.units is samples[0].units for one in samples)
    return Triangle(
        list(lines),
        _short(spread),
        np.nan_to_num(freedom).astype(int).tolist(),
        None if alike else _short(difference),
    )


def _short(values: Floats) -> list[float | None]:
    """Three digits each: more than anybody reads."""
    return [None if np.isnan(value) else float(f"{value:.3g}") for value in values]


def _on_the_same_units(samples: Sequence[Sample]) -> Iterator[Pairs]:
    of = samples[0].units
    sums, sizes = np.array([of.sums(one.values) for one in samples]), of.sizes  # [L, G], [G]
    groups = len(sizes)
    means = sums.sum(axis=1) / sizes.sum()
    errors = (sums - means[:, None] * sizes) / sizes.sum()
    squares = (errors**2).sum(axis=1)
    of_seeds = _of_seeds(samples, groups)
    for start in range(0, len(samples), BLOCK):
        some = slice(start, start + BLOCK)
        distances = squares[some, None] + squares - 2 * errors[some] @ errors.T
        # products of equal rows cancel but for rounding, which must not make a spread of nothing
        distances[distances < TINY * (squares[some, None] + squares)] = 0.0
        variance = distances * groups / max(groups - 1, 1) + of_seeds[some, None] + of_seeds
        difference = means[some, None] - means
        differing = np.array([(np.abs(sums - one) > TINY).sum(axis=1) for one in sums[some]])
        spread = _told_by_enough(np.sqrt(variance), difference, differing, groups)
        yield Pairs(difference, spread, np.full_like(difference, groups - 1))


def _pair(a: Sample, b: Sample) -> tuple[float, float, float]:
    """a − b on the units that both have."""
    place = {name: i for i, name in enumerate(b.units.ids)}
    kept = [i for i, name in enumerate(a.units.ids) if name in place]
    if not kept:
        return np.nan, np.nan, np.nan
    values = a.values[kept] - b.values[[place[a.units.ids[i]] for i in kept]]
    sums, sizes = by_group(values, [a.units.groups[i] for i in kept])
    variance = standard_error(sums, sizes) ** 2 + float(_of_seeds([a, b], len(sizes)).sum())
    difference, differing = float(values.mean()), int((np.abs(sums) > TINY).sum())
    spread = _told_by_enough(np.sqrt(variance), difference, differing, len(sizes))
    return difference, float(spread), float(len(sizes) - 1)


def _told_by_enough(
    spread: Floats | float, difference: Floats | float, differing: NDArray[np.int64] | int, groups: int
) -> Floats:
    """The spread; where fewer than FEWEST of the dialogues differ, at least such that the interval holds 0.

    By a hundredth more than that, which the three digits of a page keep.
    """
    if groups < 2:
        return np.asarray(spread)
    least = 1.01 * np.abs(difference) / students_t(groups - 1)
    return np.where(np.asarray(differing) < FEWEST, np.maximum(spread, least), spread)


def _of_seeds(samples: Sequence[Sample], groups: int) -> Floats:
    """What seeds add to each line's variance, such that the dialogues' t fits it: (t of seeds / t)² · v."""
    if groups < 2:
        return np.array([one.of_seeds for one in samples])
    t = students_t(groups - 1)
    return np.array(
        [(students_t(one.seeds - 1) / t) ** 2 * one.of_seeds if one.of_seeds else 0.0 for one in samples]
    )
