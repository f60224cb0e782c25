"""Lines as SVG, as in `pictures`: the same numbers give the same bytes, and either theme can show them."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from crsbench.pictures import COLOURS, INK, STYLES

THEME = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6e6e6}}</style>"
SIZE = (3.6, 2.5)  # inches

Points = tuple[Sequence[float], Sequence[float]]


def lines(curves: Mapping[str, Points], x: str, y: str, dots: bool = False) -> str:
    """Curves by name, each x and y values; `dots` marks the points."""
    figure: Any = importlib.import_module("matplotlib.figure").Figure(figsize=SIZE, layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    for n, (name, (xs, ys)) in enumerate(curves.items()):
        mark = "o" if dots or len(xs) == 1 else None
        style = {"color": COLOURS[n % len(COLOURS)], "linestyle": STYLES[n % len(STYLES)], "marker": mark}
        axes.plot(xs, ys, label=_plain(name), linewidth=1.5, markersize=4, **style)
    if len(curves) > 1:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    axes.set(xlabel=_plain(x), ylabel=_plain(y))
    axes.tick_params(colors=INK, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, size=9)
    for side, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_visible(side in ("left", "bottom"))
    axes.patch.set_visible(False)
    return _svg(figure)


def _plain(text: str) -> str:
    return " " * text.startswith("_") + text.replace("$", r"\$")


def _svg(figure: Any) -> str:
    matplotlib: Any = importlib.import_module("matplotlib")
    backend: Any = importlib.import_module("matplotlib.backends.backend_svg")
    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "crsbench", "svg.fonttype": "path", "path.simplify": True}):
        backend.FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    start, body = out.getvalue().split("<defs>", 1)
    return f"{start}{THEME}<defs>{body}".replace(INK, "currentColor")
