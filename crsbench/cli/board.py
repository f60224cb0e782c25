"""A comparison as one table: a line a metric, a column a side, letters for what each side is better than."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from string import ascii_lowercase
from typing import TYPE_CHECKING

from crsbench.cli.numbers import number, rank, section

if TYPE_CHECKING:
    from crsbench.record import Decoding
    from crsbench.stats import Comparison, Row

LEVEL = 0.05
CAPTION = (
    "a letter marks a value that is better than that side's: paired permutation test over dialogues, "
    f"p < {LEVEL} after Holm"
)
BOUND = "† privileged: it is handed the scenario's truth; a bound, not a contender"
_RAISED = str.maketrans(ascii_lowercase, "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖ\N{MODIFIER LETTER SMALL Q}ʳˢᵗᵘᵛʷˣʸᶻ")
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>()#+-!|~"})
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"†": r"\textdagger{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A side's value in one measure. `over`: the letters of the sides that it is better than."""

    value: float
    over: str
    best: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One measure; a side that was not measured has no cell."""

    metric: str
    decoding: Decoding | None
    cells: Mapping[str, Cell]


def letters(found: Comparison) -> dict[str, str]:
    """Side → its letter; beyond the 26th there is none."""
    return dict(zip(found.sides, ascii_lowercase, strict=False))


def shown(found: Comparison) -> list[Row]:
    """What people are shown: all targets, each metric in its first unit."""
    units: dict[str, str] = {}
    for row in found.rows:
        units[row.metric] = min(units.get(row.metric, row.unit), row.unit, key=rank)
    return [row for row in found.rows if row.subset == "all" and row.unit == units[row.metric]]


def titled(found: Comparison, side: str) -> str:
    """The name of a side, with a mark where it is privileged."""
    return f"{side} †" if side in found.privileged else side


def winner(row: Row, privileged: Sequence[str] = ()) -> str | None:
    """The side that is better, where the difference is significant; a privileged one competes with nobody."""
    if row.p_adjusted >= LEVEL or row.difference == 0 or row.a in privileged or row.b in privileged:
        return None
    return row.b if (row.difference > 0) == row.higher_is_better else row.a


def board(found: Comparison) -> list[Line]:
    """Every measure that is shown; the best value of each is marked."""
    names = letters(found)
    grouped: dict[tuple[str, Decoding | None], list[Row]] = {}
    for row in shown(found):
        grouped.setdefault((row.metric, row.decoding), []).append(row)
    return [
        Line(metric, decoding, _cells(rows, names, found.privileged))
        for (metric, decoding), rows in grouped.items()
    ]


def _cells(rows: Sequence[Row], names: Mapping[str, str], privileged: Sequence[str]) -> dict[str, Cell]:
    values: dict[str, float] = {}
    over: dict[str, list[str]] = {}
    for row in rows:
        values.setdefault(row.a, row.value_a)
        values.setdefault(row.b, row.value_b)
        better = winner(row, privileged)
        if better is not None:
            over.setdefault(better, []).append(names.get(row.a if better == row.b else row.b, ""))
    ranked = [value for side, value in values.items() if side not in privileged]
    best = (max if rows[0].higher_is_better else min)(ranked, default=None)
    return {
        side: Cell(value, "".join(sorted(over.get(side, ()))), value == best and side not in privileged)
        for side, value in values.items()
    }


def raised(text: str) -> str:
    """Letters as superscripts."""
    return text.translate(_RAISED)


def to_markdown(found: Comparison) -> str:
    """A table in Markdown; the best value is bold."""
    names = letters(found)
    head = [
        "metric",
        *(f"{titled(found, side).translate(_MARKDOWN)} ({names.get(side, '')})" for side in found.sides),
    ]
    lines = [head, ["---", *["--:"] * len(found.sides)]]
    for line, heading in _with_headings(board(found)):
        if heading is not None:
            lines.append([f"*{heading}*", *[""] * len(found.sides)])
        cells = (line.cells.get(side) for side in found.sides)
        lines.append([line.metric.translate(_MARKDOWN), *(_marked(cell) for cell in cells)])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\n{_about(found).translate(_MARKDOWN)}.\n"


def _marked(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    text = f"**{number(cell.value)}**" if cell.best else number(cell.value)
    return f"{text}<sup>{cell.over}</sup>" if cell.over else text


def to_latex(found: Comparison) -> str:
    """A table for LaTeX with booktabs; the best value is bold."""
    names = letters(found)
    head = [f"{titled(found, side).translate(_LATEX)}$^{{{names.get(side, '')}}}$" for side in found.sides]
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\begin{{tabular}}{{l{'r' * len(head)}}}",
        r"\toprule",
        rf"{' & '.join(['metric', *head])} \\",
    ]
    for line, heading in _with_headings(board(found)):
        if heading is not None:
            lines += [r"\midrule", rf"\multicolumn{{{len(head) + 1}}}{{l}}{{\emph{{{heading}}}}} \\"]
        cells = [_typeset(line.cells.get(side)) for side in found.sides]
        lines.append(rf"{' & '.join([line.metric.translate(_LATEX), *cells])} \\")
    caption = f"{_about(found).translate(_LATEX)}."
    return "\n".join(
        [*lines, r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}", r"\end{table}", ""]
    )


def _typeset(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    text = rf"\textbf{{{number(cell.value)}}}" if cell.best else number(cell.value)
    return f"{text}$^{{{cell.over}}}$" if cell.over else text


def to_csv(found: Comparison) -> str:
    """Every pair in every measure, subset and unit: the fields of `stats.Row`."""
    from crsbench.stats import Row

    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in found.rows)
    return out.getvalue()


def _about(found: Comparison) -> str:
    about = f"{found.dataset}, protocol {found.protocol}: {CAPTION}"
    return f"{about}. {BOUND}" if found.privileged else about


def _with_headings(lines: Sequence[Line]) -> list[tuple[Line, str | None]]:
    """Lines by decoding, the first of each with its heading."""
    found: list[tuple[Line, str | None]] = []
    for decoding in dict.fromkeys(line.decoding for line in lines):
        some = [line for line in lines if line.decoding == decoding]
        found += [(line, None if i else section(decoding)) for i, line in enumerate(some)]
    return found
