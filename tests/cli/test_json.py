"""--json gives one object a line on standard output, for every input."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.transcripts import play

DATA = b"much in little\n" * 40


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the present one, but for a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(DATA)
    return tmp_path


def objects(line: str, patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return [json.loads(one) for one in play(line, patch).stdout.splitlines()]


def test_pack_and_list_agree_with_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packed,) = objects("multum pack -1 --json a.txt", monkeypatch)
    (listed,) = objects("multum list --json a.txt.mtm", monkeypatch)
    size = (home / "a.txt.mtm").stat().st_size
    for one in (packed, listed):
        assert one["raw_bytes"] == len(DATA)
        assert one["archive_bytes"] == one["coded_bytes"] + one["container_bytes"] == size
        assert one["digest"] == hashlib.sha256(DATA).hexdigest()
        assert one["bpb"] == 8 * size / len(DATA)
        assert (one["level"], one["blocks"]) == (1, 1)
    assert {"recipe", "memory_bytes", "name", "mtime_ns"} <= set(listed)
    assert packed["target"] == "a.txt.mtm"


def test_test_and_unpack_report_the_checked_digest(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play("multum pack -q a.txt", monkeypatch)
    (tested,) = objects("multum test --json a.txt.mtm", monkeypatch)
    (unpacked,) = objects("multum unpack --json -o b.txt a.txt.mtm", monkeypatch)
    assert tested["ok"] is True
    assert tested["digest"] == unpacked["digest"] == hashlib.sha256(DATA).hexdigest()
    assert (unpacked["target"], unpacked["kind"]) == ("b.txt", "file")


def test_a_bad_input_has_its_object_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play("multum pack -q a.txt", monkeypatch)
    bad, good, skipped = objects("multum pack --json missing -f a.txt b", monkeypatch)
    assert (bad["source"], bad["error"]) == ("missing", "missing: No such file or directory")
    assert good["source"] == "a.txt"
    assert "error" in skipped
    (refused,) = objects("multum list --json a.txt", monkeypatch)
    assert "this is not a Multum archive" in refused["error"]
