"""The page holds everything, loads nothing, and whatever a file holds stays text on it."""

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from multum.reporting.charts import make_config
from multum.reporting.content import Section, Table
from multum.reporting.page import render_page, show_cell
from multum.reporting.reporter import make_sections
from tests.reporting.results import HOSTILE, READ, make_material

pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")

GROUNDS = {"light": "#ffffff", "dark": "#14181d"}


class Reader(HTMLParser):
    """Notes every element with its attributes, and the text of those that hold no others."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.texts.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style") and self.texts:
            tag, attrs, text = self.texts[-1]
            self.texts[-1] = (tag, attrs, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}", {}))


def read_page(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> list[Section]:
    """Return every section there is, with hostile names wherever a file can have one."""
    return make_sections(make_material(tmp_path_factory.mktemp("results")))


@pytest.fixture(scope="module")
def page(sections: list[Section]) -> str:
    return render_page(HOSTILE, sections)


def test_nothing_in_a_file_becomes_an_element(page: str, sections: list[Section]) -> None:
    counts = Counter(tag for tag, _ in read_page(page).elements)
    texts = sum(panel.data is not None for section in sections for panel in section.panels)
    assert counts["script"] == 4 + texts
    assert counts["img"] == 0
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0], "templates do not evaluate what they are given"


def test_json_blocks_are_what_they_were_made_of(page: str, sections: list[Section]) -> None:
    blocks = {
        attrs["id"]: json.loads(text)
        for tag, attrs, text in read_page(page).texts
        if attrs.get("type") == "application/json"
    }
    assert blocks["figures"] == {figure.name: figure.described for one in sections for figure in one.figures}
    assert set(blocks["looks"]) == {"light", "dark"}
    assert "".join(blocks["surprise-text-1"]["characters"]) == READ


def test_the_policy_allows_the_scripts_and_the_style_of_the_page_and_nothing_else(page: str) -> None:
    reader = read_page(page)
    (policy,) = [attrs["content"] for tag, attrs in reader.elements if attrs.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    run = [text for tag, attrs, text in reader.texts if tag == "style" or attrs.get("type") == "module"]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    assert sorted(re.findall(r"'sha256-([^']+)'", policy)) == sorted(digests)
    assert "unsafe" not in policy


def test_nothing_on_the_page_is_loaded_from_elsewhere(page: str) -> None:
    for tag, attrs in read_page(page).elements:
        assert "src" not in attrs, tag
        assert tag != "link"
        assert not any(name.startswith("on") for name in attrs), tag
        assert tag != "a" or (attrs["href"] or "").startswith(("#", "https://vega.github.io/"))


def test_names_of_figures_and_sections_are_anchors_of_their_own(page: str) -> None:
    ids = [str(attrs["id"]) for _, attrs in read_page(page).elements if attrs.get("id")]
    assert sorted(ids) == sorted(set(ids))
    controlled = [attrs["aria-controls"] for _, attrs in read_page(page).elements if attrs.get("aria-controls")]
    assert set(controlled) <= set(ids)


def test_every_figure_has_its_table_and_says_what_it_shows(page: str, sections: list[Section]) -> None:
    figures = [figure for section in sections for figure in section.figures]
    assert len(figures) >= 10
    assert all(figure.table.rows and figure.told.endswith(".") for figure in figures)
    assert page.count("<figure ") == len(figures)
    assert page.count("<table ") == len(figures) + sum(len(section.tables) for section in sections)


def test_a_table_has_a_cell_for_each_column() -> None:
    with pytest.raises(AssertionError, match="every row has a cell"):
        Table(("one", "two"), (("only",),))


@pytest.mark.parametrize(
    ("cell", "text"),
    [(None, ""), ("a", "a"), (1234567, "1,234,567"), (2.0, "2"), (0.12345678, "0.123457"), (1e300, "1e+300")],
)
def test_cells_are_short(cell: str | float | None, text: str) -> None:
    assert show_cell(cell) == text


def find_contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 has it, 1 to 21."""

    def shine(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((shine(one), shine(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_off_the_ground(scheme: str) -> None:
    config, ground = make_config(scheme), GROUNDS[scheme]
    assert min(find_contrast(colour, ground) for colour in config["range"]["category"]) >= 3
    assert find_contrast(config["axis"]["labelColor"], ground) >= 4.5
    assert find_contrast(config["axis"]["titleColor"], ground) >= 7


def test_the_grounds_of_charts_are_those_of_the_page() -> None:
    style = (Path(__file__).parents[2] / "src/multum/reporting/assets/style.css").read_text("utf-8")
    assert f"--ground: light-dark({GROUNDS['light']}, {GROUNDS['dark']})" in style
