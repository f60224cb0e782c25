"""`crsbench report`: one page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where it goes. [RUN/report.html]")
    ] = None,
) -> None:
    """Write one page of a run: scores, curves, what can be believed, conversations, environment."""
    from crsbench.cli.output import discover
    from crsbench.errors import UsageError
    from crsbench.record import load_run
    from crsbench.report.page import page
    from crsbench.store import write_text

    found = load_run(run)
    if not found.complete:
        raise UsageError(f"run {found.id} failed: {found.record['error']['message']}")
    file = out or found.path / "report.html"
    write_text(file, page(found, discover))
    print(file)
