"""The page: one file of HTML that holds everything, and may load and run nothing else.

Invariant: what comes from files is escaped by the template, as text or as JSON; and a policy in the page's head allows
the scripts and the style by their digests alone, so that nothing that slipped through would run.
"""

import base64
import functools
import hashlib
import importlib.metadata
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from multum.errors import MissingExtra
from multum.reporting.charts import make_config
from multum.reporting.content import Cell, Section

# Vega-Lite's version, so that a page drawn by a newer library looks the same.
VEGA_LITE = "6.4"
_SCHEMES = ("light", "dark")


def import_charts() -> Any:
    """Return the library that holds Vega and draws without a browser. Raises MissingExtra."""
    try:
        import jinja2  # noqa: F401 - named here, so that both are asked for at once
        import vl_convert
    except ImportError as missing:
        raise MissingExtra(f"reports need {missing.name}; pip install 'multum[report]'") from missing
    return vl_convert


def render_page(title: str, sections: Sequence[Section]) -> str:
    """Return the page. Raises MissingExtra."""
    library = _bundle_library()
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    style, script = (
        files("multum.reporting").joinpath("assets", name).read_text("utf-8") for name in ("style.css", "script.js")
    )
    environment = Environment(
        loader=PackageLoader("multum.reporting", "assets"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["cell"] = show_cell
    return environment.get_template("report.html").render(
        title=title,
        sections=sections,
        figures={figure.name: figure.described for section in sections for figure in section.figures},
        looks={scheme: make_config(scheme) for scheme in _SCHEMES},
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=importlib.metadata.version("multum"),
        policy=_make_policy(style, library, script),
        style=Markup(style),  # ours
        library=Markup(library),  # of a package
        script=Markup(script),  # ours
    )


@functools.cache  # a second of work, the same each time
def _bundle_library() -> str:
    """Return Vega as one script. Raises MissingExtra."""
    library: str = import_charts().javascript_bundle("window.embedChart = vegaEmbed;", VEGA_LITE)
    assert "</script" not in library.lower(), "it would end the element that it stands in"
    return library


def _make_policy(style: str, *scripts: str) -> str:
    """Return what the page may do: run these scripts, look like this, and nothing from anywhere."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    looks = f"'sha256-{_digest(style)}'"
    return f"default-src 'none'; script-src {allowed}; style-src {looks}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def show_cell(cell: Cell) -> str:
    """Return a cell as text: whole numbers with commas, others with as many digits as they have, nothing for None."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if float(cell).is_integer() and abs(cell) < 1e15:
        return f"{cell:,.0f}"
    return f"{cell:,.6g}"
