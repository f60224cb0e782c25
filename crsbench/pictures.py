"""Plots as SVG text: the same numbers give the same bytes, and both light and dark pages can show them.

What is drawn in INK (axes, letters, the diagonal) takes the colour of the page's theme; lines have colours of
middle brightness and styles of their own, so that neither a dark page nor print makes two of them one.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

INK = "#010203"  # stands for the theme's own colour until the file is written
COLOURS = ("#3b82c4", "#d9652b", "#2a9d77", "#b565a7", "#b08a1e", "#7a7f87")  # after Okabe & Ito
STYLES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), "-.")
SIZE, WIDE = (3.2, 3.2), (3.6, 2.5)  # inches
_THEME = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6e6e6}}</style>"

Points = tuple[Sequence[float], Sequence[float]]


def roc(curves: Mapping[str, Points]) -> str:
    """ROC curves by name, each false positive rates and true positive rates; the diagonal is a coin."""
    figure, axes = _square("false positive rate", "true positive rate")
    for number, (name, (false, true)) in enumerate(curves.items()):
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]
        axes.plot(false, true, color=colour, linestyle=style, linewidth=1.6, label=_plain(name))
    if len(curves) > 1:
        axes.legend(loc="lower right", fontsize=8, frameon=False, labelcolor=INK)
    return _svg(figure)


def reliability(bins: Sequence[tuple[float, float, int]]) -> str:
    """A reliability diagram: (mean probability, share liked, cases) of each bin.

    On the diagonal a probability means what it says; a dot's area is its share of the cases.
    """
    figure, axes = _square("probability given", "share that was liked")
    total = sum(n for _, _, n in bins)
    x, y = [p for p, _, _ in bins], [share for _, share, _ in bins]
    axes.plot(x, y, color=COLOURS[0], linewidth=1.2)
    areas = [12 + 220 * n / total for _, _, n in bins]
    axes.scatter(x, y, s=areas, color=COLOURS[0], alpha=0.75, zorder=3, clip_on=False)
    return _svg(figure)


def lines(curves: Mapping[str, Points], x: str, y: str, dots: bool = False) -> str:
    """Curves by name, each x and y values; `dots` marks the points."""
    figure, axes = _axes(WIDE, x, y)
    for number, (name, (xs, ys)) in enumerate(curves.items()):
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]
        mark = "o" if dots or len(xs) == 1 else None
        shape = {"color": colour, "linestyle": style, "marker": mark, "linewidth": 1.5, "markersize": 4}
        axes.plot(xs, ys, label=_plain(name), **shape)
    if len(curves) > 1:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    return _svg(figure)


def _square(x: str, y: str) -> tuple[Any, Any]:
    """Empty axes from 0 to 1 with the diagonal."""
    figure, axes = _axes(SIZE, x, y)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, alpha=0.45, linestyle=(0, (2, 3)))
    return figure, axes


def _axes(size: tuple[float, float], x: str, y: str) -> tuple[Any, Any]:
    """Empty axes in the colour of the theme."""
    figure: Any = importlib.import_module("matplotlib.figure").Figure(figsize=size, layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.set(xlabel=_plain(x), ylabel=_plain(y))
    axes.tick_params(colors=INK, labelsize=8)
    axes.xaxis.label.set(color=INK, size=9)
    axes.yaxis.label.set(color=INK, size=9)
    for side, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_visible(side in ("left", "bottom"))
    axes.patch.set_visible(False)
    return figure, axes


def _plain(text: str) -> str:
    """Names as they are: a dollar sign begins no formula, a leading underscore hides nothing."""
    return " " * text.startswith("_") + text.replace("$", r"\$")


def _svg(figure: Any) -> str:
    """The figure as SVG without a date, its ids from its content alone."""
    matplotlib: Any = importlib.import_module("matplotlib")
    backend: Any = importlib.import_module("matplotlib.backends.backend_svg")
    out = io.StringIO()
    settings = {"svg.hashsalt": "crsbench", "svg.fonttype": "path", "path.simplify": True}
    with matplotlib.rc_context(settings):
        backend.FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    start, body = out.getvalue().split("<defs>", 1)
    return f"{start}{_THEME}<defs>{body}".replace(INK, "currentColor")
