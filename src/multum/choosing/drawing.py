"""The frontier of a search as a figure beside it, where what draws is installed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from multum.errors import MissingExtra
from multum.reporting.content import Material
from multum.reporting.documents import read_documents
from multum.reporting.drawing import draw_figures
from multum.reporting.sections import choice

NAME = "frontier"


def draw_frontier(told: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write frontier.png and frontier.svg of a search's report into `folder`; return them, none without multum[report].

    Raises OSError.
    """
    section = choice.show(Material(tuple(read_documents([told], choice.KINDS))))
    assert section is not None, "a report of a search has its section"
    figures = [replace(figure, name=NAME) for figure in section.figures]
    try:
        return draw_figures(figures, folder, True, None)
    except MissingExtra:
        return []
