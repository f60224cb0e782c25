"""`crsbench metrics check`: every metric against what people judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crsbench.cli.output import Json, console, discover, plain, reserved

if TYPE_CHECKING:
    from crsbench.evidence.metrics import Checked

app = typer.Typer(help="What metrics are worth.", rich_markup_mode=None)


@app.callback()
def metrics() -> None:
    """What metrics are worth."""


@app.command("check")
def check(
    wanted: Annotated[
        str | None, typer.Option("--metrics", metavar="a,b", help="These only.", show_default=False)
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where data is [CRSBENCH_DATA].")
    ] = None,
    plugins_dir: Annotated[
        Path | None, typer.Option("--plugins-dir", metavar="DIR", help="Also load *.py from DIR.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.html", help="Also write one page.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Json = False,
) -> None:
    """Measure how far metrics agree with what people judged, or with what is known to be true."""
    from crsbench.cli.progress import progress_ui
    from crsbench.config import data_root
    from crsbench.evidence.metrics import check as ask

    names = None if wanted is None else [name.strip() for name in wanted.split(",") if name.strip()]
    with reserved(as_json) as emit:
        host = discover(plugins_dir)
        with progress_ui(quiet) as ui:
            found = ask(host, data_root(data_dir), names, ui)
        if report is not None:
            from crsbench.store import write_text

            write_text(report, found.page())
        if not (as_json and quiet):
            _show(found)
        if as_json:
            emit(found.to_dict())


def _show(found: Checked) -> None:
    from crsbench.cli.fitting import show
    from crsbench.cli.numbers import interval

    out = console()
    for name, data in dict.fromkeys((row.metric, row.data) for row in found.rows):
        out.print()
        out.print(f"{name}: {data}", markup=False)
        lines = [
            [*plain(f" {row.measure}"), interval(row.value, row.low, row.high), str(row.n)]
            for row in found.rows
            if (row.metric, row.data) == (name, data)
        ]
        show(out, ["", "agreement", "n"], lines, numbers=(2,))
    out.print()
    for one in found.absent:
        out.print(f"{one.metric}: not measured: {one.reason}", markup=False, soft_wrap=True)
    if found.silent:
        out.print(f"without evidence: {', '.join(found.silent)}", markup=False, soft_wrap=True)
