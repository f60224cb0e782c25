"""The page of the leaderboards, as somebody uses it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from crsbench.leaderboard.build import build
from crsbench.leaderboard.records import load_records
from crsbench.significance import holm

Faults = Callable[[Any], list[str]]
Invent = Callable[..., Path]
PUBLISHED = Path(__file__).parents[2] / "leaderboards" / "published.toml"
NAMES = "table#board tbody tr:not(.detail) > th"


@pytest.fixture(scope="module")
def home(invent: Invent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaderboard of two boards, with bounds, seeds, options and published rows."""
    folder = tmp_path_factory.mktemp("leaderboards")
    records = folder / "records"
    for i, policy in enumerate(("popularity", "naive-copy", "text-knn", "entity-knn", "ease", "sft")):
        invent(records, f"crsbench/{policy}", skill=0.15 + 0.1 * i, rows=120)
        real = {"dataset": "crsbench/redial", "protocol": "mentions", "simulator": None}
        invent(records, f"crsbench/{policy}", skill=0.75 - 0.1 * i, rows=120, **real)
    for seed in range(3):
        invent(records, "crsbench/ppo-iuf", seed=seed, skill=0.8, rows=120)
        control = {"control": "permuted"}
        invent(records, "crsbench/ppo-iuf", seed=seed, skill=0.3, rows=120, options_passed=control)
    invent(records, "crsbench/oracle", skill=0.97, rows=120, privileged=True)
    shutil.copy(PUBLISHED, folder)
    build(folder)
    return folder


@pytest.fixture
def page(browser: Any, home: Path) -> Any:
    """The page with the scenario's board."""
    opened = browser.open(home / "index.html")
    opened.select_option("#dataset", "toy")
    return opened


def policies(page: Any) -> list[str]:
    return page.eval_on_selector_all(f"{NAMES} > button", "all => all.map(one => one.textContent)")


def column(page: Any, number: int) -> list[str]:
    rows = f"all => all.map(one => one.cells[{number}].textContent)"
    return page.eval_on_selector_all("table#board tbody tr:not(.detail)", rows)


def test_the_best_comes_first_and_bounds_have_no_rank(page: Any) -> None:
    assert policies(page)[:2] == ["oracle", "ppo-iuf"]
    assert column(page, 0)[:2] == ["", "1"]
    assert "†" in page.inner_text(f"{NAMES} >> nth=0")
    assert "control=permuted" in page.inner_text("table#board")


def test_columns_sort(page: Any) -> None:
    def values(number: int) -> list[float]:
        return [float(text.split()[0]) for text in column(page, number)]

    def sort_by(title: str) -> str:
        """Click on the head of a column; the direction that it then has."""
        button = page.get_by_role("button", name=title, exact=True)
        button.click()
        assert button.evaluate("one => one === document.activeElement"), "the focus is where it was"
        return page.locator("th[aria-sort]").get_attribute("aria-sort")

    assert values(2) == sorted(values(2), reverse=True)
    assert sort_by("satisfaction, greedy") == "ascending"
    assert values(2) == sorted(values(2))
    assert sort_by("recall@10, all") == "descending"
    assert values(4) == sorted(values(4), reverse=True)
    assert sort_by("Policy") == "ascending"
    assert policies(page) == sorted(policies(page))
    assert sort_by("Policy") == "descending"
    assert policies(page) == sorted(policies(page), reverse=True)
    assert sort_by("Rank") == "ascending"
    assert column(page, 0)[-1] == "", "what has no rank comes last"
    assert sort_by("Rank") == "descending"
    assert column(page, 0)[-1] == ""
    assert sort_by("Time") == "ascending"


def test_policies_are_filtered(page: Any) -> None:
    page.fill("#filter", "KNN")
    assert sorted(policies(page)) == ["entity-knn", "text-knn"]
    assert page.inner_text("#status") == "2 of 9 rows."
    page.fill("#filter", "ppo permuted")
    assert policies(page) == ["ppo-iuf"]
    page.fill("#filter", "nobody")
    assert policies(page) == []
    page.fill("#filter", "")
    assert len(policies(page)) == 9


def test_repeated_items_never_hide(page: Any) -> None:
    page.select_option("#dataset", "redial")
    heads = page.eval_on_selector_all("#board thead th", "all => all.map(one => one.innerText.trim())")
    assert [head for head in heads if head.startswith("recall")] == [
        "recall@10, new",
        "recall@10, all",
        "recall@10, repeated",
    ]
    page.select_option("#subset", "all")
    heads = page.eval_on_selector_all("#board thead th", "all => all.map(one => one.innerText.trim())")
    assert heads[2] == "recall@10, all"
    assert {"recall@10, new", "recall@10, repeated"} < set(heads)


def test_reported_rows_are_marked(page: Any) -> None:
    page.select_option("#dataset", "redial")
    row = page.locator("tr.reported", has_text="ReFICR")
    assert row.locator("td").first.inner_text() == ""
    assert "reported, kb26" in row.inner_text()
    assert ".213" in row.inner_text()
    assert "Kostric & Balog, SIGIR 2026" in page.inner_text("#sources")
    page.select_option("#subset", "repeated")
    assert page.locator("tr.reported").count() == 0


def test_any_row_is_tested_against_all_others(page: Any, home: Path) -> None:
    page.select_option("#against", label="text-knn")
    board = [one for one in load_records(home / "records") if one.record["run"]["dataset"] == "crsbench/toy"]
    values = {
        (one.record["run"]["plugin"], bool(one.record["run"]["options_passed"])): np.array(m.values.values)
        for one in board
        for m in one.measured()
        if m.values.metric == "satisfaction" and one.record["run"]["plugin"] != "crsbench/ppo-iuf"
    }
    reference = values[("crsbench/text-knn", False)]
    shown = {
        name: text for name, text in zip(policies(page), column(page, 4), strict=True) if name != "ppo-iuf"
    }
    assert shown.pop("text-knn") == "–"
    for name, text in shown.items():
        difference = values[(f"crsbench/{name}", False)] - reference
        half = stats.t.ppf(0.975, 119) * difference.std(ddof=1) / np.sqrt(120)
        said, margin = text.split()[:2]
        assert float(said.replace("−", "-")) == pytest.approx(difference.mean(), abs=6e-4)
        assert float(margin[1:]) == pytest.approx(half, abs=2e-3)
    assert "better" in page.inner_text("tr:has(> th:has-text('oracle'))")
    assert "p after Holm over 8 rows" in page.inner_text("#status")
    page.select_option("#against", label="no row")
    assert len(column(page, 0)) == 9


def test_the_statistics_are_those_of_scipy(page: Any) -> None:
    for t, df in ((0.3, 1), (2.0, 5), (2.5, 39), (1.1, 119), (8.0, 400), (0.0, 10)):
        assert page.evaluate(f"tTest({t}, {df})") == pytest.approx(2 * stats.t.sf(t, df), abs=1e-10)
    for df in (1, 4, 79, 1341):
        assert page.evaluate(f"tBound({df})") == pytest.approx(stats.t.ppf(0.975, df), rel=1e-6)
    ps = [0.01, 0.04, 0.03, 0.5, 0.0]
    assert page.evaluate(f"holm({ps})") == pytest.approx(holm(ps))


def test_a_row_opens_its_records_options_and_command(page: Any, home: Path) -> None:
    page.get_by_role("button", name="ppo-iuf").nth(1).click()
    detail = page.locator("tr.detail")
    assert "crsbench run --plugin ppo-iuf --dataset toy" in detail.inner_text()
    assert "--seeds 3" in detail.inner_text()
    links = detail.locator("a").evaluate_all("all => all.map(one => decodeURI(one.pathname))")
    assert len(links) == 3
    assert all(Path(link).is_file() and Path(link).is_relative_to(home) for link in links)
    detail.get_by_text("Options, as resolved").click()
    assert 'control = "permuted"' in detail.inner_text()
    detail.get_by_text("All scores").click()
    assert "recall@1, by dialogue" in detail.inner_text()
    page.get_by_role("button", name="ppo-iuf").nth(1).click()
    assert page.locator("tr.detail").count() == 0


def test_a_link_shows_the_same(page: Any, browser: Any) -> None:
    page.select_option("#dataset", "redial")
    page.select_option("#metric", "recall@1")
    page.select_option("#subset", "all")
    with_hash = page.url
    page.goto("about:blank")
    page.goto(with_hash)
    browser.faults.clear()  # leaving for the blank page is this test's own doing
    assert page.input_value("#metric") == "recall@1"
    assert page.inner_text("#caption") == "redial, mentions: recall@1, all"


def test_the_keyboard_is_enough(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the table"
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        visible = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(visible) != "none", reached[-1]
        if reached[-1] == "oracle":
            break
    assert {"dataset", "metric", "against", "filter", "Rank", "Policy", "oracle"} <= set(reached)
    page.keyboard.press("Enter")
    assert page.locator("tr.detail").count() == 1
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.keyboard.press("Enter")
    page.focus("#dataset")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("document.getElementById('caption').textContent.startsWith('redial')")
    page.focus("[data-sort=policy]")
    page.keyboard.press("Space")
    assert page.get_attribute("th:has([data-sort=policy])", "aria-sort") == "ascending"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_hard_to_read(
    width: int, dark: bool, browser: Any, serious_faults: Faults, home: Path
) -> None:
    page = browser.open(home / "index.html", width=width, dark=dark)
    assert serious_faults(page) == []
    page.select_option("#dataset", "toy")
    page.select_option("#against", label="text-knn")
    page.get_by_role("button", name="ppo-iuf").first.click()
    for summary in page.locator("summary").all():
        summary.click()
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    light = "getComputedStyle(document.body).backgroundColor"
    assert (page.evaluate(light) == "rgb(255, 255, 255)") != dark


def test_fingers_find_what_they_touch(browser: Any, home: Path) -> None:
    page = browser.open(home / "index.html", width=390)
    sizes = "all => all.filter(one => one.offsetParent).map(one => one.getBoundingClientRect().height)"
    heights = page.eval_on_selector_all("select, input, button, summary", sizes)
    assert min(heights) >= 24  # WCAG 2.2, target size (minimum)


def test_it_prints(browser: Any, home: Path) -> None:
    page = browser.open(home / "index.html", dark=True)
    page.emulate_media(media="print")
    assert not page.locator("#controls").is_visible()
    assert page.locator("#board").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.set_viewport_size({"width": 680, "height": 900})  # what A4 leaves between its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.pdf()[:4] == b"%PDF"


def test_without_script_it_says_where_to_look(browser: Any, home: Path) -> None:
    page = browser.open(home / "index.html", script=False)
    assert "README.md" in page.inner_text("noscript")


HOSTILE = [
    "<script>document.title = 'taken'</script>",
    "</script><script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title = 'taken'\">",
    "javascript:document.title='taken'//\"'><b>",
]


def test_markup_is_shown_as_text(browser: Any, invent: Invent, tmp_path: Path) -> None:
    for i, text in enumerate(HOSTILE):
        told = {
            "dataset": f"stranger/{text}",
            "protocol": text,
            "model": text,
            "options_passed": {text: text},
        }
        invent(tmp_path / "records", f"evil/{text}", seed=i, **told)
        invent(tmp_path / "records", "evil/other", seed=i, **told)
    build(tmp_path)
    page = browser.open(tmp_path / "index.html")
    for text in HOSTILE:
        page.select_option("#dataset", f"stranger/{text}")
        page.select_option("#against", index=1)
        for name in page.locator("button.name").all():
            name.click()
        for summary in page.locator("summary").all():
            summary.click()
        shown = page.inner_text("body")
        for said in (f"evil/{text}", f"{text}={text}", f"model {text}", f"stranger/{text}, {text}"):
            assert " ".join(said.split()) in " ".join(shown.split())
        assert page.locator("main img, main b:not(.scale b), main script").count() == 0
        assert all(
            link.startswith("file:") for link in page.eval_on_selector_all("a", "all => all.map(a => a.href)")
        )
    assert page.title() == "crsbench leaderboards"


def test_ten_thousand_rows_sort_in_a_blink(browser: Any, home: Path, tmp_path: Path) -> None:
    """They are made in the page, since building as many takes minutes; a hundred are drawn at a time."""
    page = browser.open(home / "index.html")
    page.select_option("#dataset", "toy")
    page.evaluate(
        """() => {
            const one = board(), line = one.lines[3];
            one.lines = Array.from({ length: 10000 }, (_, i) => {
                const mixed = i * 7919 % 10000;
                const cells = line.cells.map((cell) => cell && [mixed / 10000, 0, 1, 9, null, null, i]);
                return { ...line, title: `policy ${mixed}`, policy: `policy ${mixed}`, cells };
            });
            one.pairs = one.pairs.map(() => null);
            draw();
        }"""
    )
    took = page.evaluate(
        """() => ["policy", "value", "rank", "time"].map((id) => {
            const start = performance.now();
            document.querySelector(`[data-sort=${id}]`).click();
            document.body.getBoundingClientRect();
            return performance.now() - start;
        })"""
    )
    assert max(took) < 200, took
    assert len(policies(page)) == 100
    page.click("#next")
    assert len(policies(page)) == 200
