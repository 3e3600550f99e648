"""`report`: one page from results of any verb, for somebody who did not run them."""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from multum.archive.targets import check_free, whole_file
from multum.errors import UsageError
from multum.reporting.content import Material, Section
from multum.reporting.documents import Document, PathLike, Source, read_documents
from multum.reporting.drawing import draw_figures
from multum.reporting.page import import_charts, render_page
from multum.reporting.readings import (
    SAMPLE_BYTES,
    TEXT_BYTES,
    Progress,
    choose_programs,
    draw_samples,
    list_models,
    read_text,
)
from multum.reporting.sections import SECTIONS, list_kinds

# Names that a title has before it only counts them.
_NAMED = 3


@dataclass(frozen=True)
class PageReport:
    """What `report` wrote. sections: their anchors. figures: files on the side. notes: what is missing, and why."""

    target: str
    page_bytes: int
    sections: tuple[str, ...]
    figures: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def report(
    sources: Source | Iterable[Source],
    target: PathLike,
    *,
    text: PathLike | None = None,
    programs: Sequence[PathLike] = (),
    text_bytes: int = TEXT_BYTES,
    sample_bytes: int = SAMPLE_BYTES,
    figures: PathLike | None = None,
    title: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> PageReport:
    """Write one self-contained page about `sources` to `target`; return what is on it.

    sources: folders that `fit` or `ladder` made, LAW.json, what verbs print with --json (files, or the same objects in
    memory), archives, tables of runs. text: a file whose first `text_bytes` programs read; the end of it is shown,
    coloured by their surprise. programs: see `open_program`; by default the best fit among the sources and the models
    in their archives; level 5 reads it too. The programs, or the best fit, write samples of `sample_bytes`; 0 for
    none. figures: a folder for every figure as SVG and PNG. title: of the page. force: replace existing files.
    progress: called with (what, share of it that is done).
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    path = os.fspath(target)
    import_charts()
    check_free(path, force)
    if sample_bytes < 0:
        raise UsageError(f"a sample of {sample_bytes} bytes is not possible; give 0 for none, or more")
    several = [sources] if isinstance(sources, str | os.PathLike | Mapping) else list(sources)
    documents = read_documents(several, list_kinds())
    names = choose_programs([os.fspath(one) for one in programs], documents)
    readers = names if programs else [*names, *list_models(documents)]
    readings = () if text is None else tuple(read_text(text, readers, text_bytes, progress))
    samples, notes = draw_samples(names, sample_bytes, progress) if sample_bytes else ([], [])
    asked = {"text": text, "text-bytes": text_bytes, "sample-bytes": sample_bytes, "figures": figures, "title": title}
    command = _tell_command(several, path, programs, asked)
    sections = make_sections(Material(tuple(documents), readings, tuple(samples), command, tuple(notes)))
    drawn = []
    if figures is not None:
        drawn = draw_figures([figure for one in sections for figure in one.figures], figures, force, progress)
    page = render_page(title or _make_title(several, documents), sections).encode("utf-8", "backslashreplace")
    with whole_file(path, force, None) as file:
        file.write(page)
    return PageReport(path, len(page), tuple(one.name for one in sections), tuple(map(str, drawn)), tuple(notes))


def make_sections(material: Material) -> list[Section]:
    """Return the sections that there is something for, in the page's order. Raises UsageError, FormatError, OSError."""
    shown = (section.show(material) for section in SECTIONS)
    return [section for section in shown if section is not None]


def draw_results(result: Source, folder: PathLike, force: bool, progress: Progress | None) -> list[str]:
    """Write the figures that a page about one result has into `folder`, as SVG and PNG; return their paths.

    Raises UsageError, FormatError, MissingExtra, OSError.
    """
    sections = make_sections(Material(tuple(read_documents([result], list_kinds()))))
    drawn = draw_figures([figure for one in sections for figure in one.figures], folder, force, progress)
    return [str(path) for path in drawn]


def _make_title(sources: Sequence[Source], documents: Sequence[Document]) -> str:
    """Return the names of what was given, or how many they are; of the kinds of what is in memory."""
    paths = [os.path.basename(os.path.abspath(one)) for one in sources if not isinstance(one, Mapping)]
    names = list(dict.fromkeys([*paths, *(one.name for one in documents if one.path is None)]))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _tell_command(
    sources: Sequence[Source], target: str, programs: Sequence[PathLike], asked: Mapping[str, Any]
) -> str:
    """Return the command that makes the page; "" for sources in memory, which no command has."""
    if any(isinstance(one, Mapping) for one in sources):
        return ""
    usual = {"text-bytes": TEXT_BYTES, "sample-bytes": SAMPLE_BYTES}
    options = [("program", one) for one in programs]
    options += [(name, value) for name, value in asked.items() if value != usual.get(name)]
    words = [str(word) for name, value in options for word in (f"--{name}", value)]
    return shlex.join(["multum", "report", *map(str, sources), "-o", target, *words])
