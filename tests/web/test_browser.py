"""The browser of these tests notices what it is there to notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

HEAD = "<!doctype html><html lang=en><title>t</title><main><h1>t</h1>"


def test_a_quiet_page_has_no_fault(
    browser: Any, serious_faults: Callable[[Any], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(f"{HEAD}<p>quiet")
    page = browser.open(tmp_path / "page.html", width=390, dark=True)
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [390, True]
    assert serious_faults(page) == []


def test_faults_are_noticed(browser: Any, serious_faults: Callable[[Any], list[str]], tmp_path: Path) -> None:
    (tmp_path / "other.css").write_text("")
    (tmp_path / "page.html").write_text(
        f"{HEAD}<link rel=stylesheet href=other.css><p style='color:#aaa'>pale"
        "<script>console.error('loud'); setTimeout(() => { throw new Error('late') })</script>"
    )
    page = browser.open(tmp_path / "page.html")
    page.wait_for_timeout(100)
    faults = " ".join(browser.faults)
    assert "other.css" in faults
    assert "loud" in faults
    assert "late" in faults
    assert "color-contrast" in " ".join(serious_faults(page))
    browser.faults.clear()
