"""Commands that are decided and not built yet: each says so in one line."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from crsbench.errors import UsageError

leaderboard = typer.Typer(help="Leaderboards from records (not there yet).", rich_markup_mode=None)


def absent(command: str) -> NoReturn:
    """Raises the one line."""
    raise UsageError(f"crsbench {command} is not there yet", "crsbench --help lists what is")


@leaderboard.command("build")
def build() -> None:
    """Build the tables from records (not there yet)."""
    absent("leaderboard build")


@leaderboard.command("check")
def leaderboard_check() -> None:
    """Check that the tables are what the records say (not there yet)."""
    absent("leaderboard check")


@leaderboard.command("submit")
def submit(record: Annotated[str, typer.Argument(metavar="RECORD")]) -> None:
    """Submit a record (not there yet)."""
    del record
    absent("leaderboard submit")


def report(run: Annotated[str, typer.Argument(metavar="RUN")]) -> None:
    """Make one page of a run (not there yet)."""
    del run
    absent("report")


def chat(run: Annotated[str, typer.Argument(metavar="RUN")]) -> None:
    """Talk to what was trained (not there yet)."""
    del run
    absent("chat")
