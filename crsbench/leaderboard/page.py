"""The page for people: one file with everything in it, which works offline and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crsbench.leaderboard import markdown
from crsbench.leaderboard.boards import Board
from crsbench.leaderboard.document import Json
from crsbench.leaderboard.pairs import Triangle

WEB = Path(__file__).parent / "web"
SCRIPTS = ("base", "statistics", "state", "table", "detail", "chart", "page")


def page(boards: Sequence[Board], tables: Sequence[Json]) -> str:
    """The page as HTML, from boards and what `board_json` makes of each.

    Whatever records say comes to it as data, and is only ever shown as text.
    """
    style = (WEB / "page.css").read_text("utf-8")
    script = "\n".join((WEB / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    notes = [markdown.SUBSETS, markdown.RULE, markdown.INTERVALS, markdown.TIME]
    data = {
        "notes": notes,
        "boards": [
            {**table, "name": board.name, "pairs": [_pairs(board.pairs.get(one)) for one in board.measures]}
            for board, table in zip(boards, tables, strict=True)
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


def _pairs(found: Triangle | None) -> Json | None:
    """`of`: the lines; `se`: the standard error of each against each before it; `df`: degrees of freedom.

    Where lines do not share all units, `diff` has the differences on those that they share, and `df` is one
    a pair.
    """
    if found is None:
        return None
    told: Json = {"of": found.lines, "se": found.spread, "df": found.freedom[0]}
    return told if found.difference is None else {**told, "df": found.freedom, "diff": found.difference}
