"""Pages in a real browser: headless Chromium, driven by Playwright; tests are skipped where it is missing.

    def test_page(browser, serious_faults, tmp_path):
        page = browser.open(file)                        # also width=390, dark=True, script=False
        page.get_by_role("button", name="Sort").click()  # a playwright.sync_api.Page
        assert serious_faults(page) == []

When a test ends, `browser` fails it if one of its pages asked for anything beyond its own file, wrote an
error to the console or raised one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Browser:
    """Opens files in pages of their own and remembers what they did wrong."""

    chromium: Any
    faults: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def open(
        self, file: Path, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True
    ) -> Any:
        """A page that shows a file, `width` pixels wide; a telephone where that is below 600."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            has_touch=width < 600,
            reduced_motion="reduce",
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        url = file.absolute().as_uri()

        def asked(request: Any) -> None:
            if not request.url.startswith(("data:", "blob:")) and request.url.partition("#")[0] != url:
                self.faults.append(f"asked for {request.url}")

        def said(message: Any) -> None:
            if message.type in ("error", "warning"):
                self.faults.append(f"console: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: self.faults.append(f"raised {error}"))
        page.goto(url)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The running browser."""
    reason = "needs axe-playwright-python (pip install 'crsbench[test]')"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    """See above."""
    made = Browser(chromium)
    yield made
    made.close()
    assert made.faults == []


@pytest.fixture(scope="session")
def serious_faults() -> Callable[[Any], list[str]]:
    """A function: the faults of a page that axe-core calls serious or critical, each in one line."""
    axe = pytest.importorskip("axe_playwright_python.base")

    def faults(page: Any) -> list[str]:
        page.evaluate(axe.AXE_SCRIPT)
        found = json.loads(page.evaluate("axe.run().then(found => JSON.stringify(found.violations))"))
        return [
            f"{one['id']}: {one['help']}: {node['html'][:200]} ({node.get('failureSummary', '')})"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    return faults
