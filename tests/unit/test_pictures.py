"""Pictures are well-formed, the same every time, and of no theme."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from crsbench import pictures

CURVES = {"dwell": ([0.0, 0.4, 1.0], [0.0, 0.7, 1.0]), "_a $x^2$ <b>": ([0.0, 1.0], [0.0, 1.0])}
BINS = [(0.05, 0.1, 30), (0.95, 0.9, 10)]


@pytest.fixture(params=["roc", "reliability"])
def draw(request: pytest.FixtureRequest):
    return {"roc": lambda: pictures.roc(CURVES), "reliability": lambda: pictures.reliability(BINS)}[
        request.param
    ]


def test_the_same_numbers_give_the_same_bytes(draw) -> None:
    assert draw() == draw()


def test_the_theme_colours_axes_and_letters(draw) -> None:
    text = draw()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert text.count("currentColor") > 10
    assert "prefers-color-scheme" in text
    for fixed in ("#000000", "#ffffff", pictures.INK):
        assert fixed not in text


def test_no_date_no_script(draw) -> None:
    text = draw()
    assert "<dc:date>" not in text
    assert "script" not in text


def test_curves_differ_in_colour_and_style() -> None:
    text = pictures.roc(CURVES)
    assert all(colour in text for colour in pictures.COLOURS[:2])
    assert "stroke-dasharray" in text
    assert pictures.roc({"dwell": CURVES["dwell"]}) != text
