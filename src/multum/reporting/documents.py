"""What a report is made of: results in files, folders and memory, each recognised by the fields it has.

Invariant: of a document nothing is believed before it is read; what is damaged is refused with its place.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from multum.archive.listing import list_archive
from multum.errors import FormatError, UsageError

PathLike = str | os.PathLike[str]
Source = PathLike | Mapping[str, Any]
Read = TypeVar("Read")

ARCHIVE, DESCRIPTION = ".mtm", "multum.json"
# Points of a law: rows of numbers, which `multum.laws.points` reads.
POINTS = "runs"
_TABLES = (".csv", ".tsv", ".parquet")
_OBJECTS = (".json", ".jsonl", ".ndjson")
_LARGEST_BYTES = 1 << 26
# No count, size or time in a result is larger.
_FARTHEST = 1e30


@dataclass(frozen=True)
class Kind:
    """Something that a report shows. keys: fields by which it is known. printed_by: the verb that prints it as JSON.

    told: what else it is, for messages, where it is not printed.
    """

    name: str
    keys: frozenset[str]
    printed_by: str = ""
    told: str = ""


@dataclass(frozen=True)
class Document:
    """One result. place: where it was found. name: as the page calls it, shorter if it can. path: None in memory."""

    kind: str
    place: str
    name: str
    fields: Mapping[str, Any]
    path: Path | None = None

    def read(self, reader: Callable[["Document"], Read]) -> Read:
        """Return what `reader` makes of the document. Raises FormatError where its fields are not as they should be."""
        try:
            return reader(self)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            told = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise FormatError(f"'{self.place}' is damaged: {told}; make it again") from error


def read_number(value: Any) -> float:
    """Return a number as it is. Raises ValueError for what is none, and for one that nobody counts to."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _FARTHEST:
        raise ValueError(f"{value!r:.40} is where a number was expected")
    return value


def read_positive(value: Any) -> float:
    """Return a number above 0, by which others are divided. Raises ValueError."""
    if not read_number(value) > 0:
        raise ValueError(f"{value!r} is where a number above 0 was expected")
    number: float = value
    return number


def read_documents(sources: Iterable[Source], kinds: Sequence[Kind]) -> list[Document]:
    """Return what is in `sources`, in their order.

    sources: files, folders of them, and objects in memory. kinds: what is looked for, besides archives and tables of
    points. Raises UsageError for what is none of these, FormatError for what is damaged, OSError.
    """
    found = [document for source in sources for document in _read_source(source, kinds)]
    if not found:
        raise UsageError(f"there is nothing to report; give {_list_kinds(kinds)}")
    counts = Counter(one.name for one in found)
    return [replace(one, name=one.place) if counts[one.name] > 1 else one for one in found]


def _list_kinds(kinds: Sequence[Kind]) -> str:
    verbs = [kind.printed_by for kind in kinds if kind.printed_by]
    told = [kind.told for kind in kinds if kind.told]
    printed = f"what {', '.join(verbs)} print with --json"
    return ", ".join([*told, printed, f"archives ({ARCHIVE}), or tables of runs ({', '.join(_TABLES)}, .jsonl)"])


def _refuse(place: str, kinds: Sequence[Kind]) -> UsageError:
    return UsageError(f"'{place}' is nothing that a report shows; give {_list_kinds(kinds)}")


def _read_source(source: Source, kinds: Sequence[Kind]) -> Iterator[Document]:
    """Yield the documents of one source. Raises UsageError where it has none."""
    if isinstance(source, Mapping):
        kind = _recognise(source, kinds)
        if kind is None:
            raise _refuse(f"an object with {', '.join(map(str, list(source)[:5])) or 'no fields'}", kinds)
        yield Document(kind, f"{kind}, in memory", kind, source)
        return
    path = Path(source)
    if path.is_dir():
        found = list(_read_folder(path, kinds))
    else:
        path.stat()  # what is not there is told as that
        found = list(_read_file(path, kinds))
    if not found:
        raise _refuse(str(path), kinds)
    yield from found


def _read_folder(path: Path, kinds: Sequence[Kind]) -> Iterator[Document]:
    """Yield the run that a folder is, or the runs, results and tables in it; what is none of these is passed over.

    Runs may lie one folder deeper, as those of a ladder do.
    """
    if (path / DESCRIPTION).is_file():
        fields = _parse(path / DESCRIPTION, _read_text(path / DESCRIPTION))
        kind = _recognise(fields, kinds)
        if kind is not None:
            yield Document(kind, str(path), path.name or str(path), fields, path)
        return
    for inside in sorted(path.iterdir()):
        if inside.is_dir():
            for run in (inside, *sorted(inside.iterdir())):
                if (run / DESCRIPTION).is_file():
                    yield from _read_folder(run, kinds)
        elif not inside.name.startswith("."):
            yield from _read_file(inside, kinds)


def _read_file(path: Path, kinds: Sequence[Kind]) -> Iterator[Document]:
    """Yield the documents in a file, by its suffix and fields. Raises FormatError, OSError."""
    suffix = path.suffix.lower()
    if suffix == ARCHIVE:
        yield Document("archive", str(path), path.name, _list_archive(path), path)
    elif suffix in _TABLES:
        yield Document(POINTS, str(path), path.name, {}, path)
    elif suffix in _OBJECTS:
        yield from _read_objects(path, kinds)


def _list_archive(path: Path) -> dict[str, Any]:
    """Return the bytes of an archive, by part. Raises FormatError, OSError."""
    with path.open("rb") as file:
        listing = list_archive(file)
    names = ("raw_bytes", "archive_bytes", "program_bytes", "coded_bytes", "container_bytes", "level", "kind")
    return {name: getattr(listing, name) for name in names}


def _read_objects(path: Path, kinds: Sequence[Kind]) -> Iterator[Document]:
    """Yield the objects of JSON or JSON lines that are recognised; a table of points where none is."""
    text = _read_text(path)
    objects = _list_objects(path, text)
    found = [(number, one, _recognise(one, kinds)) for number, one in enumerate(objects, 1)]
    known = [(number, one, kind) for number, one, kind in found if kind is not None]
    for number, one, kind in known:
        several = len(known) > 1
        place = f"{path}:{number}" if several else str(path)
        yield Document(kind, place, f"{path.name}:{number}" if several else path.name, one, path)
    if not known and len(objects) > 1:
        yield Document(POINTS, str(path), path.name, {}, path)


def _list_objects(path: Path, text: str) -> list[Any]:
    """Return the objects of a file: one, a list of them, or one a line. Raises FormatError."""
    lines = [line for line in text.split("\n") if line.strip()]
    if path.suffix.lower() != ".json" or (len(lines) > 1 and _parses(lines[0])):
        return [_parse(f"{path}:{number}", line) for number, line in enumerate(lines, 1)]
    value = _parse(path, text)
    return value if isinstance(value, list) else [value]


def _parses(line: str) -> bool:
    """Return whether a line alone is JSON, as in files that several verbs wrote into."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _recognise(value: Any, kinds: Sequence[Kind]) -> str | None:
    """Return the kind whose fields an object has, the most of them first; None for none."""
    if not isinstance(value, Mapping):
        return None
    fitting = [kind for kind in kinds if kind.keys <= set(value)]
    return max(fitting, key=lambda kind: len(kind.keys)).name if fitting else None


def _read_text(path: Path) -> str:
    """Return the text of a file. Raises FormatError for what is too large or no UTF-8, OSError."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise FormatError(f"'{path}' has more than {_LARGEST_BYTES:,} bytes; that is no result of Multum")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"'{path}' is not UTF-8; give what Multum wrote", error.start) from error


def _parse(place: "str | Path", text: str) -> Any:
    """Return a JSON value. Raises FormatError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"'{place}' is not JSON: {error}") from error
