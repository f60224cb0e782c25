"""Commands that are decided and not built yet: each says so in one line."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from crsbench.errors import UsageError


def absent(command: str) -> NoReturn:
    """Raises the one line."""
    raise UsageError(f"crsbench {command} is not there yet", "crsbench --help lists what is")


def report(run: Annotated[str, typer.Argument(metavar="RUN")]) -> None:
    """Make one page of a run (not there yet)."""
    del run
    absent("report")
