"""The page in a browser: it opens from a file, says nothing to the console, loads nothing, and answers hand and key."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multum.reporting.page import render_page
from multum.reporting.reporter import make_sections
from tests.reporting.results import HOSTILE, make_material

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page with every section, and hostile names on it."""
    material = make_material(tmp_path_factory.mktemp("results"))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_page(HOSTILE, make_sections(material)), "utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with sync_api.sync_playwright() as playwright:
        # Tests run as root in containers, where Chromium's own sandbox cannot be set up.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


# A machine that has other work takes long to draw a page.
PATIENCE_MS = 180_000


class Opened:
    """A page, and what it said and asked for since it was opened."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def go(self, path: Path, scheme: str = "light") -> "Page":
        self.page.goto(path.as_uri(), timeout=PATIENCE_MS)
        self.page.wait_for_selector(f"html[data-drawn={scheme}]", timeout=PATIENCE_MS)
        return self.page


@pytest.fixture
def opened(browser: "Browser", page_path: Path) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened = Opened(context.new_page())
    opened.go(page_path)
    yield opened
    context.close()


def test_the_page_draws_every_chart_in_silence_and_without_a_network(opened: Opened, page_path: Path) -> None:
    drawn = opened.page.eval_on_selector_all(
        ".chart", "all => all.map(one => one.querySelectorAll('svg .mark-group').length)"
    )
    assert len(drawn) >= 10
    assert min(drawn) > 0
    assert opened.said == []
    assert opened.asked == [page_path.as_uri()]


def test_what_came_from_files_did_not_run(opened: Opened) -> None:
    assert opened.page.evaluate("window.broken") is None
    assert opened.page.text_content("h1") == HOSTILE


def test_what_slipped_through_would_not_run(page_path: Path, browser: "Browser", tmp_path: Path) -> None:
    """An element that is put into the page is stopped by its policy."""
    text = page_path.read_text("utf-8").replace("<main", "<script>window.broken = 1</script><main", 1)
    (tmp_path / "page.html").write_text(text, "utf-8")
    opened = Opened(browser.new_page())
    page = opened.go(tmp_path / "page.html")
    assert page.evaluate("window.broken") is None
    assert any("Content Security Policy" in line for line in opened.said)
    page.close()


def test_tabs_answer_clicks_and_arrow_keys(opened: Opened) -> None:
    page = opened.page
    figure, table = page.locator("#ledger-1-tab-1"), page.locator("#ledger-1-tab-2")
    assert page.locator("#ledger-1-panel-1").is_visible()
    assert not page.locator("#ledger-1-panel-2").is_visible()
    figure.focus()
    page.keyboard.press("ArrowRight")
    assert table.get_attribute("aria-selected") == "true"
    assert page.evaluate("document.activeElement.id") == "ledger-1-tab-2"
    assert page.locator("#ledger-1-panel-2").is_visible()
    assert (figure.get_attribute("tabindex"), table.get_attribute("tabindex")) == ("-1", "0")
    page.keyboard.press("ArrowRight")
    assert figure.get_attribute("aria-selected") == "true", "they go round"
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert figure.get_attribute("aria-selected") == "true"
    table.click()
    assert not page.locator("#ledger-1-panel-1").is_visible()


def test_a_point_of_a_chart_tells_its_numbers(opened: Opened) -> None:
    page = opened.page
    page.locator("#chart-comparison-1 svg path[aria-label*='multum -5']").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    told = page.inner_text("#vg-tooltip-element")
    assert "multum -5" in told
    assert "2.4000" in told


def test_a_line_tells_the_numbers_where_the_pointer_is(opened: Opened) -> None:
    page, told = opened.page, []
    dots = page.locator("#chart-rates svg .mark-symbol.role-mark path")
    for number in (2, dots.count() - 1):
        dots.nth(number).hover(force=True)
        page.wait_for_selector("#vg-tooltip-element.visible")
        told.append(page.inner_text("#vg-tooltip-element"))
    assert "bits per byte" in told[0]
    assert told[0] != told[1]


def test_a_hostile_name_is_text_in_a_tooltip(opened: Opened) -> None:
    page = opened.page
    page.locator("#chart-ledger-1 svg .mark-rect path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert page.locator("#vg-tooltip-element img").count() == 0
    assert page.evaluate("window.broken") is None


def test_characters_tell_their_bits_to_pointer_and_keys(opened: Opened) -> None:
    page = opened.page
    box, readout = page.locator("#surprise-text-panel-1 .surprise"), page.locator("#surprise-text-panel-1 .readout")
    box.locator("span").nth(3).hover()
    assert readout.inner_text() == "h: 3.00 bits · much: 6.0 bits, 1.50 a character"
    box.focus()
    page.keyboard.press("ArrowRight")
    assert readout.inner_text() == "space: 4.00 bits"
    page.keyboard.press("ArrowDown")
    assert readout.inner_text().startswith("l: 6.00 bits · little: ")
    page.keyboard.press("ArrowUp")
    assert readout.inner_text().startswith("m: 0.00 bits")
    page.keyboard.press("End")
    assert readout.inner_text().startswith("}: ")
    assert box.locator("span.at").count() == 1
    assert box.locator("span").nth(3).get_attribute("class") == "s3"


def test_dark_ground_follows_the_system_and_the_button(browser: "Browser", page_path: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    opened = Opened(context.new_page())
    page = opened.go(page_path, "dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 24, 29)"
    label = "document.querySelector('#chart-ledger-1 .role-axis-label text').getAttribute('fill')"
    assert page.evaluate(label) == "#a3adb8"
    page.get_by_role("button", name="Show on light ground").click()
    page.wait_for_selector("html[data-drawn=light]")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert page.evaluate(label) != "#a3adb8"
    assert opened.said == []
    context.close()


def test_a_phone_shows_all_of_it_without_scrolling_sideways(browser: "Browser", page_path: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = Opened(context.new_page()).go(page_path)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    wide = page.eval_on_selector_all(
        ".chart svg",
        "all => all.filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length",
    )
    assert wide == 0
    context.close()


def test_screen_readers_find_names_for_everything(opened: Opened) -> None:
    page = opened.page
    assert page.get_by_role("navigation", name="Contents").count() == 1
    assert page.get_by_role("tablist").count() == page.locator("[role=tablist]").count() > 10
    for heading in page.get_by_role("heading", level=3).all():
        assert heading.inner_text()
    unnamed = page.eval_on_selector_all(".chart", "all => all.filter(one => !one.getAttribute('aria-label')).length")
    assert unnamed == 0
    assert page.get_by_role("table").count() >= 1


def test_the_first_tab_stop_skips_to_the_results(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_without_scripts_tables_and_words_are_all_there(browser: "Browser", page_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_path.as_uri(), timeout=PATIENCE_MS)
    tables = page.locator("table")
    assert all(tables.nth(number).is_visible() for number in range(tables.count()))
    assert page.locator("[role=tablist]").first.is_hidden()
    context.close()
