"""Tables of numbers that fit the width there is, and lose no character where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

Rows = list[list[Text]]


def show(
    out: Console, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], numbers: tuple[int, ...] = ()
) -> None:
    """Print a table; cells are markup or text, a row of one cell is a heading, `numbers` are the columns
    that are aligned to the right.

    One that is too wide has its gaps shrunk to a space; then names that are too long on lines of their own;
    then intervals below their values. What is wider still is printed as wide as it is.
    """
    titles = [Text.from_markup(column, style="bold") for column in columns]
    cells = [[Text.from_markup(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    whole = [titles, *cells]
    room = out.width - sum(_widths(whole)[1:]) - (len(titles) - 1)
    stacked = [[row[0], *map(_stacked, row[1:])] for row in whole]
    shapes = [(2, whole), (1, whole), (1, _apart(whole, room)), (2, stacked), (1, stacked)]
    gap, shape = next((one for one in shapes if _width(*one) <= out.width), shapes[-1])
    widths = _widths(shape)
    for row in shape:
        for line in zip_longest(*(cell.split(allow_blank=True) for cell in row), fillvalue=Text()):
            padded = [
                _padded(cell, width, right=i in numbers)
                for i, (cell, width) in enumerate(zip(line, widths, strict=False))
            ]
            text = Text(" " * gap).join(padded)
            text.rstrip()
            out.print(text, soft_wrap=True)


def _width(gap: int, rows: Rows) -> int:
    widths = _widths(rows)
    return max(sum(widths) + gap * (len(widths) - 1), *(row[0].cell_len for row in rows if len(row) == 1), 0)


def _widths(rows: Rows) -> list[int]:
    """How wide each column is; a heading may reach over all of them."""
    found = [0] * max(map(len, rows))
    for row in rows:
        for i, cell in enumerate(row if len(row) > 1 else ()):
            found[i] = max(found[i], *(line.cell_len for line in cell.split(allow_blank=True)))
    return found


def _apart(rows: Rows, room: int) -> Rows:
    """Each name that is wider than `room` on a line of its own."""
    found: Rows = []
    for row in rows:
        long = len(row) > 1 and row[0].cell_len > room
        found += [row[:1], [Text(), *row[1:]]] if long else [row]
    return found


def _stacked(cell: Text) -> Text:
    """A value's interval below it."""
    at = cell.plain.find(" [")
    if at < 0:
        return cell
    value, interval = cell.divide([at])
    return Text("\n").join([value, interval[1:]])


def _padded(cell: Text, width: int, right: bool) -> Text:
    filled = cell.copy()
    filled.align("right" if right else "left", max(width, cell.cell_len))
    return filled
