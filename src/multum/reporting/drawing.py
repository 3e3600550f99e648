"""Figures as files: the same charts as on the page, drawn without a browser."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from multum.archive.targets import check_free, whole_file
from multum.reporting.charts import make_config
from multum.reporting.content import Figure
from multum.reporting.page import VEGA_LITE, import_charts

# CSS pixels; a PNG has twice as many, for screens and print.
_WIDTH, _SCALE = 720, 2.0


def draw_figures(
    figures: Sequence[Figure],
    folder: "str | os.PathLike[str]",
    force: bool,
    progress: Callable[[str, float], None] | None,
) -> list[Path]:
    """Write each figure into `folder`, as NAME.svg and NAME.png, on white; return the paths.

    Raises MissingExtra, UsageError for a file that exists, unless `force`, OSError.
    """
    library = import_charts()
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    config = make_config("light") | {"background": "white", "padding": 12}
    paths = [target / f"{figure.name}{suffix}" for figure in figures for suffix in (".svg", ".png")]
    for path in paths:
        check_free(str(path), force)
    for number, figure in enumerate(figures):
        if progress is not None:
            progress(f"drawing {figure.name}", number / len(figures))
        spec = figure.described | {"width": _WIDTH}
        svg = library.vegalite_to_svg(spec, vl_version=VEGA_LITE, config=config)
        for suffix, data in ((".svg", svg.encode()), (".png", library.svg_to_png(svg, scale=_SCALE))):
            with whole_file(str(target / f"{figure.name}{suffix}"), force, None) as file:
                file.write(data)
    return paths
