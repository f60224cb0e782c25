"""`crsbench leaderboard fill`: make the records that a plan asks for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crsbench.cli.output import console, discover, plain, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crsbench.leaderboard.fill import Filled, Planned


def fill(
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder with plan.toml and records/.")
    ] = Path("leaderboards"),
    plan: Annotated[Path | None, typer.Option(help="Another plan. [plan.toml of the folder]")] = None,
    out: Annotated[Path, typer.Option(help="Where the runs themselves go.")] = Path("runs"),
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data is. [CRSBENCH_DATA, else the cache folder]")
    ] = None,
    max_hours: Annotated[
        float | None, typer.Option(min=0, help="Begin no run that may end later than this.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run what the plan asks for and this version of the code has not recorded yet; keep each record at once.

    Finished runs and stages in the output folder are reused, so that the same command goes on where it was
    stopped.
    """
    from crsbench.cli.progress import progress_ui
    from crsbench.errors import CrsbenchError
    from crsbench.leaderboard import fill as filling
    from crsbench.leaderboard.build import RECORDS
    from crsbench.leaderboard.cells import read_plan
    from crsbench.leaderboard.records import load_records, store_record

    host = discover(None)
    cells = read_plan(plan or folder / "plan.toml", {"out": out, "data_dir": data_dir})
    records = folder / RECORDS
    with progress_ui(quiet) as ui:
        planned = filling.plan(cells, [one.record for one in load_records(records)], host, ui)
        _print(planned)
        if dry_run:
            return
        ended: list[Filled] = []
        for one in filling.fill(planned, host, ui, lambda run: store_record(run, records), max_hours):
            ended.append(one)
            if one.state == "failed":
                ui.message(f"failed: {one.planned.cell.label}: {one.reason}")
    told = Counter(one.state for one in ended)
    words = {"made": "made", "kept": "there before", "left": "left for later", "failed": "failed"}
    console().print(", ".join(f"{told[state]} {word}" for state, word in words.items() if told[state]))
    if told["failed"]:
        raise CrsbenchError(f"{told['failed']} of {len(ended)} runs failed: the reasons stand above")


def _print(planned: Sequence[Planned | Filled]) -> None:
    """The plan as a table, with its estimate."""
    from crsbench.cli.progress import clock
    from crsbench.leaderboard.fill import Filled, Planned

    out = console()
    made = table("run", "estimate", numbers=(1,))
    missing = [one for one in planned if isinstance(one, Planned) and not one.there]
    for one in missing:
        made.add_row(*plain(one.cell.label, clock(one.seconds)))
    if missing:
        out.print(made)
    there = sum(isinstance(one, Planned) and one.there for one in planned)
    total = clock(sum(one.seconds for one in missing))
    told = f"{there} recorded by this version of the code, {len(missing)} to be made, about {total}"
    out.print(f"{len(planned)} runs: {told}")
    impossible = [one for one in planned if isinstance(one, Filled)]
    if impossible:
        out.print(
            *plain(f"{len(impossible)} cannot be made, the first of them because: {impossible[0].reason}")
        )
