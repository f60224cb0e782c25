"""Make the records that a plan asks for: one run after another, each kept as soon as it is there.

Finished runs and stages are found in the output folder and reused. What fails leaves its reason and stops
nothing: the other cells do not depend on it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crsbench.errors import CrsbenchError
from crsbench.leaderboard.cells import Cell
from crsbench.plugins import Host
from crsbench.record import Run
from crsbench.run import execute, identify
from crsbench.ui import Ui

State = Literal["kept", "made", "failed", "left"]
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell, the id that its run has or will have, whether its record is there, and what it may take."""

    cell: Cell
    id: str
    there: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of a cell: its record was there, was made, failed with `reason`, or was left for later."""

    planned: Planned
    state: State
    reason: str = ""


def plan(
    cells: Sequence[Cell], records: Sequence[Mapping[str, Any]], host: Host, ui: Ui
) -> list[Planned | Filled]:
    """Which cells have their record among `records` (the contents of `result.json`), and what the rest takes.

    A run of the same policy on the same data tells what a run takes; without one, the plan's own minutes do.
    A cell that cannot even be planned (its data is missing, say) is Filled, with the reason.
    """
    there = {str(record["run"]["id"]) for record in records}
    took: dict[tuple[str, str, str], list[float]] = {}
    for record in records:
        ran = record["run"]
        took.setdefault((ran["plugin"], ran["dataset"], ran["protocol"]), []).append(
            record["provenance"]["seconds"]
        )
    found: list[Planned | Filled] = []
    for cell in cells:
        try:
            asked = identify(cell.config, host, ui)
        except CrsbenchError as error:
            unknown = Planned(cell, "", False, 0.0)
            found.append(Filled(unknown, "failed", str(error)))
            continue
        known = took.get((asked.plan.policy.name, asked.plan.dataset.name, asked.plan.protocol))
        seconds = statistics.median(known) if known else cell.minutes * MINUTE
        found.append(Planned(cell, asked.id, asked.id in there, seconds))
    return found


def fill(
    planned: Sequence[Planned | Filled],
    host: Host,
    ui: Ui,
    keep: Callable[[Run], object],
    max_hours: float | None = None,
) -> Iterator[Filled]:
    """Run what is missing and `keep` each finished run; yield what became of each cell, as it does.

    A run that may pass `max_hours` from now is not begun, and neither is any after it.
    """
    until = None if max_hours is None else time.monotonic() + max_hours * 60 * MINUTE
    for one in planned:
        if isinstance(one, Filled):
            yield one
        elif one.there:
            yield Filled(one, "kept")
        elif until is not None and time.monotonic() + one.seconds > until:
            until = 0.0  # the order is the plan's: a later, shorter one does not push in
            yield Filled(one, "left")
        else:
            ui.message(one.cell.label)
            try:
                keep(execute(one.cell.config, host, ui))
            except CrsbenchError as error:
                yield Filled(one, "failed", str(error))
            else:
                yield Filled(one, "made")
