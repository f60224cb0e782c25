"""Standard output is for results, standard error for everything else; with --json for one object."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from crsbench.plugins import Host

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@contextlib.contextmanager
def reserved(as_json: bool) -> Generator[Callable[[Any], None]]:
    """Give a function that writes the object; meanwhile whatever else is printed goes to standard error."""
    out = sys.stdout

    def emit(value: Any) -> None:
        out.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
        out.flush()

    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        yield emit


def console(stderr: bool = False) -> Console:
    """A rich console; 80 columns wide where it is not a terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False)


def table(*columns: str, numbers: tuple[int, ...] = ()) -> Table:
    """A table without lines; `numbers` are the columns that are aligned to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, column in enumerate(columns):
        made.add_column(column, justify="right" if i in numbers else "left", overflow="fold")
    return made


def plain(*cells: str) -> list[Text]:
    """Cells for a table that show what plugins say as it is, brackets and all."""
    from rich.text import Text

    return [Text(cell) for cell in cells]


def warn(line: str) -> None:
    print(f"warning: {' '.join(line.split())}", file=sys.stderr)


def discover(plugins_dir: Path | None) -> Host:
    """The plugin host, its warnings said."""
    from crsbench.errors import InterruptError
    from crsbench.plugins import Host

    try:
        host = Host.discover(plugins_dir)
    except KeyboardInterrupt as interrupt:  # a plugin that hangs while it is imported has its name in it
        raise InterruptError(next(map(str, interrupt.args), None)) from interrupt
    for line in host.warnings:
        warn(line)
    return host
