"""Rows come from tables, folders and memory; what is none is refused with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from multum.errors import FormatError, MissingExtra, UsageError
from multum.laws.reading import Record, read_records


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "N,loss\n10,2.5\n\n20,2.0\n"),
        ("a.tsv", "N\tloss\n10\t2.5\n20\t2.0\n"),
        ("a.jsonl", '{"N": 10, "loss": 2.5}\n\n{"N": 20, "loss": 2.0}\n'),
        ("a.json", '[{"N": 10, "loss": 2.5}, {"N": 20, "loss": 2.0}]'),
    ],
)
def test_tables_of_every_kind_have_the_same_rows(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    records = read_records([tmp_path / name])
    assert [float(record.fields["N"]) for record in records] == [10, 20]
    assert [float(record.fields["loss"]) for record in records] == [2.5, 2.0]
    assert records[0].place.startswith(str(tmp_path / name))


def test_parquet_has_the_same_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"N": [10, 20], "loss": [2.5, 2.0]}), tmp_path / "a.parquet")
    assert [record.fields for record in read_records([tmp_path / "a.parquet"])] == [
        {"N": 10, "loss": 2.5},
        {"N": 20, "loss": 2.0},
    ]
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    with pytest.raises(FormatError, match=r"b.parquet' is no parquet file"):
        read_records([tmp_path / "b.parquet"])


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'multum\[laws\]'"):
        read_records([tmp_path / "a.parquet"])


def make_run(folder: Path, **law: Any) -> Path:
    folder.mkdir()
    described = {"task": "bytes", "law": law, "report": {"training_bytes": 900}}
    (folder / "multum.json").write_text(json.dumps(described))
    return folder


def test_run_folders_tell_their_point(tmp_path: Path) -> None:
    for number in (1, 2):
        make_run(tmp_path / f"run{number}", parameters=100 * number, bytes=1000, flops=6e5, bpb=2.0)
    (tmp_path / "more.jsonl").write_text('{"parameters": 300, "bytes": 1000, "bpb": 1.8}\n')
    together = read_records([tmp_path])
    assert [record.fields["parameters"] for record in together] == [100, 200, 300]
    assert together[0].fields == {"parameters": 100, "bytes": 1000, "flops": 6e5, "bpb": 2.0, "unique_bytes": 900}
    assert "unique_bytes" not in together[2].fields
    assert read_records([tmp_path / "run1"])[0] == together[0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"N,loss\n1,2,3\n", "has 2 columns, and 3 cells in line 2"),
        ("a.csv", b"1,2\n3,4\n", "its first line must name the columns"),
        ("a.csv", b"N,N\n3,4\n", "a header with a name twice"),
        ("a.csv", b'N,loss\n"1,2\n', "is not csv at line"),
        ("a.csv", b"N,loss\n\xff,2\n", r"is not UTF-8; .* \(at byte 7\)"),
        ("a.jsonl", b'{"N": 1}\n{"N": \n', r"a.jsonl:2' is not JSON"),
        ("a.jsonl", b"[1, 2]\n", "is a list; an object"),
        ("a.json", b"3", "is a int; an object"),
        ("a.jsonl", b"[" * 100_000, "is not JSON"),
    ],
)
def test_damaged_table_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_records([tmp_path / name])


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.csv", "No such file"), ("none.txt", "there is no"), ("a.txt", "is no table; tables end in .csv")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "a.txt").write_text("N,loss\n1,2\n")
    with pytest.raises((UsageError, OSError), match=message):
        read_records([tmp_path / name])


def test_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has neither multum.json nor folders with one"):
        read_records([tmp_path])
    (tmp_path / "multum.json").write_text('{"task": "labels"}')
    with pytest.raises(FormatError, match="tells no point of a law"):
        read_records([tmp_path])


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("N,loss\n")
    with pytest.raises(UsageError, match="there are no points"):
        read_records([tmp_path / "a.csv"])
    with pytest.raises(UsageError, match="columns must be equally long"):
        read_records([{"N": [1, 2], "loss": [1]}])


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", 1),
        ("b.c", 2),
        ("d.-1", 5),
        ("d.0", 4),
        ("d.7", None),
        ("b.x", None),
        ("d.x", None),
        ("x.y", None),
        ("e.f", 6),
    ],
)
def test_paths_lead_into_nested_fields(path: str, found: object) -> None:
    record = Record("here", {"a": 1, "b": {"c": 2}, "d": [4, 5], "e.f": 6})
    assert record.find(path) == found
