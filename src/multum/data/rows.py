"""Tables in files, as rows of cells: csv, tsv, an object a line, parquet.

Invariant: every row has the columns that the header names, and what is wrong is told with its line.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from multum.errors import FormatError, MissingExtra, UsageError


def check_table(path: Path, suffixes: Sequence[str]) -> str:
    """Return the suffix of `path`, in small letters. Raises UsageError for one that is not of `suffixes`."""
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        if not path.exists():
            raise UsageError(f"there is no '{path}'")
        raise UsageError(f"'{path}' is no table; tables end in {', '.join(suffixes)}")
    return suffix


def decode_text(path: Path) -> str:
    """Return UTF-8 text, without a mark of byte order. Raises FormatError with the place, OSError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"'{path}' is not UTF-8; convert it with iconv -t UTF-8", error.start) from error


def read_csv(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return (names of columns, rows below them with their lines); tabs part the cells of a .tsv.

    Raises FormatError with the line, OSError.
    """
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(io.StringIO(decode_text(path), newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in filter(None, reader):
            if not names:
                names = _check_header(path, [cell.strip() for cell in row])
            elif len(row) != len(names):
                raise FormatError(
                    f"'{path}' has {len(names)} columns, and {len(row)} cells in line {reader.line_num}; quote cells"
                    " that hold a separator"
                )
            else:
                rows.append((reader.line_num, row))
    except csv.Error as error:
        raise FormatError(f"'{path}' is not csv at line {reader.line_num}: {error}") from error
    return names, rows


def _check_header(path: Path, names: list[str]) -> list[str]:
    """Return the names of columns. Raises FormatError for what cannot be names."""
    if len(set(names)) < len(names):
        raise FormatError(f"'{path}' has a header with a name twice: {', '.join(names)}; name each column once")
    if not all(names) or any(map(_is_number, names)):
        raise FormatError(f"'{path}' begins with {', '.join(names)}; its first line must name the columns")
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def parse_json(place: str, text: str, **kinds: Any) -> Any:
    """Return a JSON value. place: where it stands. kinds: how numbers are parsed, as json.loads has it.

    Raises FormatError.
    """
    try:
        return json.loads(text, **kinds)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"'{place}' is not JSON: {error}") from error


def read_objects(path: Path, **kinds: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where it stands, the object) of every line that is not empty. kinds: as parse_json.

    Raises FormatError with the line, OSError.
    """
    for number, line in enumerate(decode_text(path).split("\n"), 1):
        if line.strip():
            place = f"{path}:{number}"
            yield place, check_object(place, parse_json(place, line, **kinds))


def check_object(place: str, value: Any) -> dict[str, Any]:
    """Return `value`, which must be an object. Raises FormatError."""
    if not isinstance(value, dict):
        raise FormatError(f"'{place}' is a {type(value).__name__}; an object with a field a column was expected")
    return value


def read_parquet(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a parquet file by name. Raises FormatError, MissingExtra, OSError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("reading parquet needs PyArrow; pip install 'multum[laws]'") from error
    with path.open("rb") as file:
        try:
            columns: dict[str, list[Any]] = parquet.read_table(file).to_pydict()
        except (pyarrow.ArrowException, ValueError) as error:
            raise FormatError(f"'{path}' is no parquet file: {error}") from error
    return columns
