"""`crsbench compare`: paired tests on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from crsbench.cli.output import Json, console, reserved, table

if TYPE_CHECKING:
    from rich.console import Console

    from crsbench.stats import Comparison, Row


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN …", help="Folders of finished runs.")],
    as_json: Json = False,
) -> None:
    """Compare runs, paired on the rows and episodes they share.

    Runs that differ in their seed alone are one side; such a side alone has its stages compared.
    """
    with reserved(as_json) as emit:
        from crsbench.stats import compare as compared

        found = compared(runs)
        if as_json:
            emit(found.to_dict())
        else:
            _print(console(), found)


def _print(out: Console, found: Comparison) -> None:
    """Two or more runs on what they share: differences with intervals and p-values."""
    from crsbench.cli.numbers import rank

    units: dict[str, str] = {}
    for row in found.rows:
        units[row.metric] = min(units.get(row.metric, row.unit), row.unit, key=rank)
    shown = [row for row in found.rows if row.subset == "all" and row.unit == units[row.metric]]
    pairs = list(dict.fromkeys((row.a, row.b) for row in shown))
    out.print(f"{found.dataset}, protocol {found.protocol}: b - a [95% interval], paired", markup=False)
    for a, b in pairs:
        out.print()
        for side, name in (("a", a), ("b", b)):
            ids = ", ".join(found.sides.get(name, ()))
            out.print(f"{side} = {name}{f' ({ids})' if ids else ''}", markup=False, soft_wrap=True)
        _table(out, [row for row in shown if (row.a, row.b) == (a, b)], adjusted=len(pairs) > 1)


def _table(out: Console, rows: Sequence[Row], adjusted: bool) -> None:
    from crsbench.cli.numbers import difference, number, section, signed

    several = any(row.seeds > 1 for row in rows)
    # Several comparisons of one metric: p is Holm's, which makes up for their number.
    p_title, last = "p (Holm)" if adjusted else "p", "over seeds" if several else "n"
    made = table("metric", "a", "b", "b - a", p_title, last, numbers=(1, 2, 4, 5))
    for column in made.columns:
        column.no_wrap = True
    for decoding in dict.fromkeys(row.decoding for row in rows):
        made.add_row(f"[dim]{section(decoding)}[/]")
        for row in rows:
            if row.decoding != decoding:
                continue
            p = row.p_adjusted if adjusted else row.p
            made.add_row(
                f" {row.metric}",
                number(row.value_a),
                number(row.value_b),
                difference(row.difference, row.low, row.high),
                "<.001" if p < 0.001 else number(p),
                f"\\[{signed(row.seeds_low)}, {signed(row.seeds_high)}]" if several else str(row.n),
            )
    out.print(made)
