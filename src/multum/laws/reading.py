"""Records of runs, from tables and from the folders that `fit` leaves: names with values, not yet numbers."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multum.data.rows import check_object, check_table, decode_text, parse_json, read_csv, read_objects, read_parquet
from multum.errors import FormatError, UsageError

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
    described = parse_json(str(path / DESCRIPTION), decode_text(path / DESCRIPTION))
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
    suffix = check_table(path, TABLES)
    if suffix == ".parquet":
        columns = read_parquet(path)
        for number, row in enumerate(zip(*columns.values(), strict=True), 1):
            yield Record(f"{path}:{number}", dict(zip(columns, row, strict=True)))
    elif suffix in (".csv", ".tsv"):
        names, rows = read_csv(path)
        for line, cells in rows:
            yield Record(f"{path}:{line}", dict(zip(names, cells, strict=True)))
    elif suffix == ".json":
        yield from _read_json(path)
    else:
        for place, found in read_objects(path):
            yield Record(place, found)


def _read_json(path: Path) -> Iterator[Record]:
    """Yield the objects of a list, or the rows of an object of columns."""
    found = parse_json(str(path), decode_text(path))
    rows = found if isinstance(found, list) else [found]
    for number, one in enumerate(rows, 1):
        place = f"{path}:{number}"
        yield Record(place, check_object(place, one))
