"""Records of runs, from tables and from the folders that `fit` leaves: names with values, not yet numbers."""

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multum.errors import FormatError, MissingExtra, UsageError

# What a folder holds that `fit` wrote; and the files that tables are in.
DESCRIPTION = "multum.json"
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")


@dataclass(frozen=True)
class Record:
    """One row. place: where it stands, for messages, such as `runs.csv:12`."""

    place: str
    fields: Mapping[str, Any]

    def find(self, name: str) -> Any:
        """Return a field, or what a path such as `curve.-1` or `law.bpb` leads to; None where there is nothing."""
        if name in self.fields:
            return self.fields[name]
        found: Any = self.fields
        for step in name.split("."):
            found = _step_into(found, step)
        return found


def _step_into(value: Any, step: str) -> Any:
    """Return the part of a JSON value that a step of a path names, or None."""
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.removeprefix("-").isdigit():
        place = int(step)
        return value[place] if -len(value) <= place < len(value) else None
    return None


def read_records(sources: "Sequence[str | os.PathLike[str] | Mapping[str, Any]]") -> list[Record]:
    """Return the rows of all sources, in their order.

    sources: csv, tsv, JSON lines, JSON (a list of objects) and parquet files; folders of runs, or of such tables;
    columns by name. Raises UsageError, FormatError with the place, MissingExtra for parquet, OSError.
    """
    records = [record for source in sources for record in _read_source(source)]
    if not records:
        raise UsageError("there are no points; give tables with a row a run, or folders that `multum fit` made")
    return records


def _read_source(source: "str | os.PathLike[str] | Mapping[str, Any]") -> Iterator[Record]:
    if isinstance(source, Mapping):
        yield from _read_columns(source)
        return
    path = Path(source)
    if path.is_dir():
        yield from _read_folder(path)
    else:
        yield from _read_file(path)


def _read_columns(columns: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the rows of columns that are in memory. Raises UsageError for columns of different lengths."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(f"columns must be equally long; these have {lengths}")
    for number, row in enumerate(zip(*columns.values(), strict=True), 1):
        yield Record(f"row {number}", dict(zip(columns, row, strict=True)))


def _read_folder(path: Path) -> Iterator[Record]:
    """Yield the run that a folder is, or the runs and tables that it holds. Raises UsageError for neither."""
    if (path / DESCRIPTION).is_file():
        yield _read_run(path)
        return
    inside = sorted(path.iterdir())
    runs = [one for one in inside if (one / DESCRIPTION).is_file()]
    tables = [one for one in inside if one.is_file() and one.suffix in (".jsonl", ".ndjson")]
    if not runs and not tables:
        raise UsageError(
            f"'{path}' has neither {DESCRIPTION} nor folders with one, nor JSON lines; name a run of `multum fit`,"
            " a folder of runs, or a table"
        )
    for run in runs:
        yield _read_run(run)
    for table in tables:
        yield from _read_file(table)


def _read_run(path: Path) -> Record:
    """Return what the law needs of a run: its size, what it was trained on, what it cost and its rate."""
    described = _parse_json(str(path / DESCRIPTION), _decode(path / DESCRIPTION))
    law = described.get("law") if isinstance(described, dict) else None
    if not isinstance(law, dict):
        raise FormatError(f"'{path / DESCRIPTION}' tells no point of a law; `multum fit` writes one for bytes")
    return Record(str(path), law | _tell_unique(law, described.get("report")))


def _tell_unique(law: dict[str, Any], report: Any) -> dict[str, Any]:
    """Return how many different bytes a run has seen, where it says that."""
    trained, there = law.get("bytes"), report.get("training_bytes") if isinstance(report, dict) else None
    if not isinstance(trained, int | float) or not isinstance(there, int | float):
        return {}
    return {"unique_bytes": min(trained, there)}


def _read_file(path: Path) -> Iterator[Record]:
    """Yield the rows of a table, by the suffix of its name. Raises UsageError for another suffix."""
    suffix = path.suffix.lower()
    if suffix not in TABLES:
        if not path.exists():
            raise UsageError(f"there is no '{path}'")
        raise UsageError(f"'{path}' is no table; tables end in {', '.join(TABLES)}")
    if suffix == ".parquet":
        yield from _read_parquet(path)
    elif suffix in (".csv", ".tsv"):
        yield from _read_csv(path, "," if suffix == ".csv" else "\t")
    elif suffix == ".json":
        yield from _read_json(path)
    else:
        yield from _read_lines(path)


def _decode(path: Path) -> str:
    """Return UTF-8 text, without a mark of byte order. Raises FormatError with the place, OSError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"'{path}' is not UTF-8; convert it with iconv -t UTF-8", error.start) from error


def _read_csv(path: Path, separator: str) -> Iterator[Record]:
    """Yield the rows below the header. Raises FormatError with the line."""
    reader = csv.reader(io.StringIO(_decode(path), newline=""), delimiter=separator, strict=True)
    names: list[str] | None = None
    try:
        for row in reader:
            if not row:
                continue
            if names is None:
                names = _check_header(path, [cell.strip() for cell in row])
                continue
            if len(row) != len(names):
                raise FormatError(
                    f"'{path}' has {len(names)} columns, and {len(row)} cells in line {reader.line_num}; quote cells"
                    " that hold a separator"
                )
            yield Record(f"{path}:{reader.line_num}", dict(zip(names, row, strict=True)))
    except csv.Error as error:
        raise FormatError(f"'{path}' is not csv at line {reader.line_num}: {error}") from error


def _check_header(path: Path, names: list[str]) -> list[str]:
    """Return the names of columns. Raises FormatError for what cannot be names."""
    if len(set(names)) < len(names):
        raise FormatError(f"'{path}' has a header with a name twice: {', '.join(names)}; name each column once")
    if any(_is_number(name) for name in names):
        raise FormatError(f"'{path}' begins with numbers, {', '.join(names)}; its first line must name the columns")
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse_json(place: str, text: str) -> Any:
    """Return a JSON value. Raises FormatError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"'{place}' is not JSON: {error}") from error


def _read_lines(path: Path) -> Iterator[Record]:
    for number, line in enumerate(_decode(path).split("\n"), 1):
        if line.strip():
            place = f"{path}:{number}"
            yield Record(place, _check_object(place, _parse_json(place, line)))


def _read_json(path: Path) -> Iterator[Record]:
    """Yield the objects of a list, or the rows of an object of columns."""
    found = _parse_json(str(path), _decode(path))
    rows = found if isinstance(found, list) else [found]
    for number, one in enumerate(rows, 1):
        place = f"{path}:{number}"
        yield Record(place, _check_object(place, one))


def _check_object(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"'{place}' is a {type(value).__name__}; an object with a field a column was expected")
    return value


def _read_parquet(path: Path) -> Iterator[Record]:
    """Yield the rows of a parquet file. Raises FormatError, MissingExtra, OSError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("reading parquet needs PyArrow; pip install 'multum[laws]'") from error
    with path.open("rb") as file:
        try:
            rows = parquet.read_table(file).to_pylist()
        except (pyarrow.ArrowException, ValueError) as error:
            raise FormatError(f"'{path}' is no parquet file: {error}") from error
    for number, row in enumerate(rows, 1):
        yield Record(f"{path}:{number}", row)
