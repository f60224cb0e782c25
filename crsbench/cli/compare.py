"""`crsbench compare`: paired tests on the same rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crsbench.cli.output import Json, console, plain, reserved

if TYPE_CHECKING:
    from rich.console import Console

    from crsbench.stats import Comparison, Row


class Format(StrEnum):
    TABLE = "table"
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"
    JSON = "json"


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN …",
            help="Finished runs or records of a leaderboard: their folders, or result.json files.",
        ),
    ],
    as_json: Json = False,
    form: Annotated[
        Format, typer.Option("--format", help="How it is written to standard output.")
    ] = Format.TABLE,
) -> None:
    """Compare runs, paired on the rows and episodes they share.

    Runs that differ in their seed alone are one side; such a side alone has its stages compared. csv and json
    hold every subset and unit, the others each metric on all targets.
    """
    as_json = as_json or form is Format.JSON
    with reserved(as_json) as emit:
        from crsbench.cli.board import to_csv, to_latex, to_markdown
        from crsbench.comparison import compare as compared

        found = compared(runs)
        written = {Format.MARKDOWN: to_markdown, Format.LATEX: to_latex, Format.CSV: to_csv}.get(form)
        if as_json:
            emit(found.to_dict())
        elif written is not None:
            sys.stdout.write(written(found))
        else:
            _print(console(), found)


def overview(out: Console, found: Comparison) -> None:
    """The sides by their letters and, where they are more than two, one table of them with superscripts."""
    from crsbench.cli.board import BOUND, CAPTION, letters, titled

    out.print(f"{found.dataset}, protocol {found.protocol}", markup=False)
    for side, letter in letters(found).items():
        ids = ", ".join(found.sides[side])
        out.print(
            f"{letter} = {titled(found, side)}{f' ({ids})' if ids else ''}", markup=False, soft_wrap=True
        )
    out.print(CAPTION, markup=False)
    if found.privileged:
        out.print(BOUND, markup=False)
    if len(found.sides) > 2:
        out.print()
        _sides(out, found)


def _print(out: Console, found: Comparison) -> None:
    """The overview, then each pair of sides in full."""
    from crsbench.cli.board import letters, shown

    overview(out, found)
    rows, names = shown(found), letters(found)
    pairs = list(dict.fromkeys((row.a, row.b) for row in rows))
    for a, b in pairs:
        some = [row for row in rows if (row.a, row.b) == (a, b)]
        out.print()
        _pair(out, found, some, (names.get(a, a), names.get(b, b)), adjusted=len(pairs) > 1)


def _sides(out: Console, found: Comparison) -> None:
    from rich.text import Text

    from crsbench.cli.board import board, letters, raised
    from crsbench.cli.fitting import show
    from crsbench.cli.numbers import number, section

    lines, columns = board(found), list(letters(found).items())
    rows: list[list[Text]] = []
    for decoding in dict.fromkeys(line.decoding for line in lines):
        rows.append([Text(section(decoding), "dim")])
        for line in lines:
            if line.decoding == decoding:
                cells = [line.cells.get(side) for side, _ in columns]
                texts = [f"{number(cell.value)}{raised(cell.over)}" if cell else "-" for cell in cells]
                rows.append(plain(line.metric, *texts))
    show(out, ["metric", *(letter for _, letter in columns)], rows)


def _pair(
    out: Console, found: Comparison, rows: Sequence[Row], names: tuple[str, str], adjusted: bool
) -> None:
    from crsbench.cli.board import raised, winner
    from crsbench.cli.fitting import show
    from crsbench.cli.numbers import difference, number, section, signed

    a, b = names
    several = any(row.seeds > 1 for row in rows)
    # Several comparisons of one metric: p is Holm's, which makes up for their number.
    p_title, last = "p Holm" if adjusted else "p", ["over seeds"] if several else ["d", "n"]
    lines: list[list[str]] = []
    for decoding in dict.fromkeys(row.decoding for row in rows):
        lines.append([f"[dim]{section(decoding)}[/]"])
        for row in rows:
            if row.decoding != decoding:
                continue
            p = row.p_adjusted if adjusted else row.p
            better = winner(row, found.privileged)
            bounds = f"\\[{signed(row.seeds_low)}, {signed(row.seeds_high)}]"
            line = [
                row.metric,
                number(row.value_a) + (raised(b) if better == row.a else ""),
                number(row.value_b) + (raised(a) if better == row.b else ""),
                difference(row.difference, row.low, row.high),
                "<.001" if p < 0.001 else number(p),
                *([bounds] if several else [signed(row.effect), str(row.n)]),
            ]
            lines.append(line)
    show(out, ["metric", a, b, f"{b} - {a} \\[95% interval]", p_title, *last], lines, numbers=(4, 5, 6))
