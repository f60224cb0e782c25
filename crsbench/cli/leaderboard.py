"""`crsbench leaderboard`: pages from records, whether they hold, and a record of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crsbench.cli.fill import fill
from crsbench.cli.output import Json, discover, reserved

app = typer.Typer(
    help="Leaderboards: make their records, build and check them, submit one.", rich_markup_mode=None
)
Folder = Annotated[
    Path, typer.Option("--folder", metavar="DIR", help="The folder with records/ and the pages.")
]
HOME = Path("leaderboards")


@app.callback()
def _leaderboard() -> None:
    """Leaderboards: fill, build, check, submit a record."""


app.command("fill")(fill)


@app.command("build")
def build(folder: Folder = HOME, as_json: Json = False) -> None:
    """Write README.md, a page for each dataset, leaderboard.json and index.html from the records."""
    with reserved(as_json) as emit:
        from crsbench.leaderboard.build import build as built

        changed = built(folder)
        if as_json:
            emit({"changed": [str(file) for file in changed]})
            return
        for file in changed:
            print(file)
        if not changed:
            print(f"{folder} is what its records give")


@app.command("check")
def check(folder: Folder = HOME, as_json: Json = False) -> None:
    """Compute every score of every record again, and every page; fail where one differs."""
    with reserved(as_json) as emit:
        from crsbench.leaderboard.build import RECORDS
        from crsbench.leaderboard.build import check as checked

        count = sum(1 for _ in (folder / RECORDS).glob("**/result.json"))
        found = list(checked(folder))
        if as_json:
            emit({"records": count, "faults": found})
        for fault in found if not as_json else ():
            print(fault)
        if not found and not as_json:
            print(f"{count} records give their scores, and all pages of {folder}")
        if found:
            raise typer.Exit(_refuse(f"{folder}: {len(found)} {'faults' if len(found) > 1 else 'fault'}"))


@app.command("submit")
def submit(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The folder of a finished run.")],
    folder: Folder = HOME,
    as_json: Json = False,
) -> None:
    """Look at a run as a reviewer would, and put its record into the leaderboard."""
    with reserved(as_json) as emit:
        from crsbench.leaderboard.submit import submit as submitted

        verdict = submitted(record, folder, discover(None))
        if as_json:
            told = None if verdict.folder is None else str(verdict.folder)
            emit({"run": verdict.id, "record": told, "reasons": verdict.reasons})
        if verdict.folder is None:
            if not as_json:
                for reason in verdict.reasons:
                    print(f"- {reason}")
            raise typer.Exit(_refuse(f"run {verdict.id} is refused"))
        if not as_json:
            print(f"{verdict.folder} holds its record. Build the pages, and commit both:")
            print(f"  crsbench leaderboard build{'' if folder == HOME else f' --folder {folder}'}")
            print(f"  git add {folder}")


def _refuse(line: str) -> int:
    """Say it, and give the exit code of damaged data; standard output has its object already."""
    from crsbench.errors import DataError

    print(f"error: {line}", file=sys.stderr)
    return DataError.exit_code
