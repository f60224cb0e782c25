"""What was measured of rows, and of whole samples.

Statistics such as the share of a catalogue that is ever shown are no mean over rows. They come as one value a
dialogue, their linearisation, so that intervals, tests and seeds work on them as on any other values.
With θ the statistic of all G dialogues and θ₋g that of all but g,

    value of g = θ + (G − 1) (mean of θ₋h over all h − θ₋g),

whose mean is θ and whose standard error is the jackknife's (Efron & Stein, Annals of Statistics 1981: not too
small in expectation). It is that of the statistic of this many dialogues: what counts distinct things grows
with their number, so compare on the same rows only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crsbench.types import RankedRow, Values

Floats = NDArray[np.float64]


def by_dialogue(rows: Sequence[RankedRow]) -> dict[str, list[int]]:
    """Dialogue → the places of its rows."""
    found: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        found.setdefault(row.row.dialogue, []).append(place)
    return found


def of_rows(
    metric: str, rows: Sequence[RankedRow], values: Sequence[float], higher_is_better: bool = True
) -> Values:
    """One value a row. Unit row, subset all."""
    ids, groups = tuple(row.row.id for row in rows), tuple(row.row.dialogue for row in rows)
    return Values(metric, "all", "row", ids, groups, tuple(values), higher_is_better)


def linearised(whole: float, without: Floats) -> Floats:
    """One value a dialogue, of the statistic and what it is without each dialogue [G]."""
    return whole + (len(without) - 1) * (without.mean() - without)


def of_sample(
    metric: str,
    dialogues: Sequence[str],
    whole: float,
    without: Floats,
    higher_is_better: bool = True,
    most: float | None = 1.0,
) -> Values:
    """A statistic between 0 and `most`, and what it is without each dialogue. Unit dialogue, subset all."""
    names = tuple(dialogues)
    values = tuple(linearised(whole, without).tolist())
    return Values(metric, "all", "dialogue", names, names, values, higher_is_better, bounds=(0.0, most))


def distinct(things: Sequence[Sequence[object]]) -> tuple[int, Floats]:
    """How many different things the dialogues have, and how many without each of them."""
    sets = [set(some) for some in things]
    owners: dict[object, int] = {}
    for some in sets:
        for one in some:
            owners[one] = owners.get(one, 0) + 1
    alone = [sum(owners[one] == 1 for one in some) for some in sets]
    return len(owners), len(owners) - np.array(alone, np.float64)
