"""Results are recognised by their fields, wherever they lie; anything else is refused by name."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import multum
from multum.errors import FormatError, UsageError
from multum.reporting.documents import POINTS, Document, read_documents
from multum.reporting.sections import list_kinds
from tests.reporting.results import make_demo, make_find, make_rate, make_shrink, write_fit, write_law, write_lines


def read(*sources: Any) -> list[Document]:
    return read_documents(sources, list_kinds())


@pytest.mark.parametrize(
    ("value", "kind"),
    [(make_find(), "search"), (make_shrink(), "shrunken model"), (make_demo(), "comparison"), (make_rate(), "rate")],
)
def test_a_result_is_recognised_in_a_file_and_in_memory(tmp_path: Path, value: dict[str, Any], kind: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(value, indent=1), "utf-8")
    (from_file,), (from_memory,) = read(path), read(value)
    assert from_file.kind == from_memory.kind == kind
    assert from_file.fields == value
    assert (from_file.name, from_memory.path) == ("result.json", None)


def test_results_that_were_appended_to_one_file_are_all_found(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "many.json", [make_shrink("a.mtm"), make_shrink("b.mtm"), make_find()])
    found = read(path)
    assert [one.kind for one in found] == ["shrunken model", "shrunken model", "search"]
    assert [one.name for one in found] == ["many.json:1", "many.json:2", "many.json:3"]


def test_a_ladder_is_its_law_its_points_and_its_runs(tmp_path: Path) -> None:
    write_law(tmp_path)
    (tmp_path / "ladder.json").write_text('{"multum_ladder": 1}', "utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "training").write_bytes(b"text")
    write_fit(tmp_path / "runs" / "n1")
    assert sorted(one.kind for one in read(tmp_path)) == sorted(["law", POINTS, "fit"])


def test_results_of_one_name_are_called_by_their_places(tmp_path: Path) -> None:
    first, second, other = (write_fit(tmp_path / name) for name in ("a/run", "b/run", "b/other"))
    assert [one.name for one in read(first, second, other)] == [str(first), str(second), "other"]


def test_an_archive_is_its_account(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"much in little " * 20)
    multum.pack(tmp_path / "a.txt", tmp_path / "a.mtm", level=1)
    (found,) = read(tmp_path / "a.mtm")
    assert found.kind == "archive"
    assert found.fields["archive_bytes"] == (tmp_path / "a.mtm").stat().st_size


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.txt", "hello"), ("b.json", '{"some": "thing"}'), ("c.json", "[]"), ("d.json", "7"), ("e", "")],
)
def test_what_is_no_result_is_refused_with_what_is(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    accepted = "give folders .*LAW.json, what demo, find, .* print with --json"
    with pytest.raises(UsageError, match=rf"{name}' is nothing that a report shows; {accepted}"):
        read(tmp_path / name)


def test_an_empty_folder_an_empty_object_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is nothing that a report shows"):
        read(tmp_path)
    with pytest.raises(UsageError, match="an object with no fields"):
        read({})
    with pytest.raises(UsageError, match="there is nothing to report; give folders"):
        read()


def test_a_missing_file_is_told_by_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        read(tmp_path / "none")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff{}", "is not UTF-8"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    with pytest.raises(FormatError, match=message):
        read(tmp_path / "bad.json")


def test_a_file_too_large_for_a_result_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_bytes(b"{}")
    os.truncate(path, 1 << 27)
    with pytest.raises(FormatError, match="no result of Multum"):
        read(path)
