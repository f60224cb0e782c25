"""One row of evidence: how much of a belief there is, how it is spread, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crsbench.evidence import scores
from crsbench.evidence.believed import Believed, Kind
from crsbench.evidence.cases import Cases
from crsbench.evidence.scores import Bin
from crsbench.intervals import Interval

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MEASURES = ("auc", "average_precision", "brier", "calibration_error")
NO_PROBABILITY = "its values are no probabilities"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """`coverage`: the share of recommendations in test dialogues with a value, `quantiles` of those values at
    QUANTILES. `n` of the labels have a value, and the measures are over these; a measure that cannot be taken
    is None, and `absent` says why. `roc` are the corners of the curve, `bins` the reliability diagram.
    `reliability`: label model → the reliability that it has learnt for this signal.
    """

    name: str
    kind: Kind | Literal["baseline", "ceiling"]
    n: int
    auc: Interval | None = None
    average_precision: Interval | None = None
    brier: Interval | None = None
    calibration_error: Interval | None = None
    absent: Mapping[str, str] = field(default_factory=dict[str, str])
    bins: tuple[Bin, ...] = ()
    roc: tuple[Sequence[float], Sequence[float]] | None = None
    plugin: str | None = None
    source: str | None = None
    unit: str | None = None
    coverage: float | None = None
    quantiles: tuple[float, ...] = ()
    reliability: Mapping[str, float | None] = field(default_factory=dict[str, float | None])


def described(one: Believed, cases: Cases, unlabelled: str, reliability: Mapping[str, float | None]) -> Row:
    """The row of a signal, a label model or R_φ."""
    known = one.values[~np.isnan(one.values)]
    spread = tuple(np.quantile(known, QUANTILES).tolist()) if len(known) else ()
    return judged(
        Row(
            one.name,
            one.kind,
            0,
            plugin=one.plugin,
            source=one.source,
            unit=one.unit,
            coverage=len(known) / len(one.values) if len(one.values) else 0.0,
            quantiles=spread,
            reliability=reliability,
        ),
        one.judged,
        one.probability,
        cases,
        unlabelled,
    )


def judged(row: Row, values: Floats, probability: bool, cases: Cases, unlabelled: str) -> Row:
    """The row with its measures from values of cases, float64 [N], nan where unknown."""
    known = ~np.isnan(values)
    some, liked = values[known], cases.liked[known]
    dialogues = [name for name, there in zip(cases.dialogues, known.tolist(), strict=True) if there]
    why = (None if len(cases) else unlabelled) or scores.undecided(liked)
    if why:
        return replace(row, n=len(some), absent=dict.fromkeys(MEASURES, why))
    auc, precision = scores.discrimination(some, liked, dialogues)
    row = replace(
        row,
        n=len(some),
        auc=auc.interval(),
        average_precision=precision.interval(),
        roc=scores.roc(some, liked),
    )
    if not probability:
        return replace(row, absent=dict.fromkeys(MEASURES[2:], NO_PROBABILITY))
    return replace(
        row,
        brier=scores.brier(some, liked, dialogues),
        calibration_error=scores.calibration_error(some, liked, dialogues),
        bins=scores.reliability(some, liked),
    )
