"""The page for people: one file with everything in it, which works offline and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crsbench.leaderboard import markdown
from crsbench.leaderboard.boards import Board
from crsbench.leaderboard.document import board_json
from crsbench.leaderboard.lines import Measure
from crsbench.leaderboard.pairs import against_all

WEB = Path(__file__).parent / "web"
SCRIPTS = ("base", "statistics", "state", "table", "detail", "chart", "page")
MOST = 64  # lines of a board that are compared in pairs: the matrices grow with the square


def page(boards: Sequence[Board], root: Path) -> str:
    """The page as HTML. Whatever records say comes to it as data, and is only ever shown as text."""
    style = (WEB / "page.css").read_text("utf-8")
    script = "\n".join((WEB / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    notes = [markdown.RULE, markdown.INTERVALS]
    data = {
        "notes": notes,
        "boards": [
            {**board_json(board, root), "name": board.name, "pairs": _pairs(board)} for board in boards
        ],
    }
    parts = {
        "policy": f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
        "style": style,
        "script": script,
        "data": _inert(data),
    }
    template = (WEB / "page.html").read_text("utf-8")
    pieces = template.split("@@")  # text, name, text, name, …, text
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def _inert(value: Any) -> str:
    """JSON that no HTML parser can read as markup."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _pairs(board: Board) -> list[Any]:
    """For each measure, the lines compared and the lower triangle of their pairs."""
    return [_triangle(board, measure) for measure in board.measures]


def _triangle(board: Board, measure: Measure) -> dict[str, Any] | None:
    """`of`: the lines; `se`: the standard error of each against each before it; `df`: degrees of freedom.

    Where lines do not share all units, `diff` has the differences on those that they share, and `df` is one
    a pair.
    """
    of = [i for i, line in enumerate(board.lines) if measure in line.samples][:MOST]
    if len(of) < 2:
        return None
    blocks = list(against_all([board.lines[i].samples[measure] for i in of]))
    spread, difference, freedom = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("spread", "difference", "freedom")
    )
    below = np.tril_indices(len(of), -1)
    found: dict[str, Any] = {"of": of, "se": _short(spread[below]), "df": int(freedom[1, 0])}
    samples = [board.lines[i].samples[measure] for i in of]
    if any(one.ids != samples[0].ids for one in samples):
        found |= {
            "df": [int(one) for one in np.nan_to_num(freedom[below])],
            "diff": _short(difference[below]),
        }
    return found


def _short(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    """Three digits each: more than anybody reads."""
    return [None if np.isnan(value) else float(f"{value:.3g}") for value in values]
