"""Streams read everything that holds bytes, one after another, and say what they read."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

import multum
from multum.data import streams
from multum.data.streams import ByteStream, open_stream
from multum.errors import FormatError, UsageError


def content(stream: ByteStream) -> bytes:
    return stream.read(0, len(stream)).tobytes()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(params=[1 << 20, 3], ids=["small files are copied", "files are mapped"])
def _limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_SMALL_BYTES", request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder whose files hold the alphabet in the order of their paths."""
    (tmp_path / "data" / "b" / "empty").mkdir(parents=True)
    (tmp_path / "data" / "a").write_bytes(b"abcdef")
    (tmp_path / "data" / "b" / "1").write_bytes(b"gh")
    (tmp_path / "data" / "b" / "2").write_bytes(b"")
    (tmp_path / "data" / "c").write_bytes(b"ijklmnop")
    return tmp_path / "data"


@pytest.mark.usefixtures("_limit")
def test_a_folder_is_its_files_in_the_order_of_their_paths(folder: Path) -> None:
    stream = open_stream(folder)
    assert content(stream) == b"abcdefghijklmnop"
    (origin,) = stream.origins
    assert (origin.name, origin.files, origin.size_bytes) == (str(folder), 4, 16)
    assert origin.digest == sha256(b"abcdefghijklmnop")


@pytest.mark.usefixtures("_limit")
def test_reading_and_cutting_agree_with_the_whole_at_every_place(folder: Path) -> None:
    stream = open_stream([folder, folder / "c"])
    whole = b"abcdefghijklmnop" + b"ijklmnop"
    for start in range(len(whole) + 1):
        for length in range(len(whole) - start + 3):
            assert stream.read(start, length).tobytes() == whole[start : start + length]
    rows = stream.cut([0, 5, 19], 5)
    assert rows.dtype == np.uint8
    assert [row.tobytes() for row in rows] == [b"abcde", b"fghij", b"lmnop"]


@pytest.mark.usefixtures("_limit")
def test_a_view_is_a_part_and_knows_nothing_else(folder: Path) -> None:
    view = open_stream(folder).view(4, 12).view(1, 7)
    assert len(view) == 6
    assert view.read(0, 99).tobytes() == b"fghijk"
    assert view.read(6, 1).tobytes() == b""


def test_patterns_files_and_streams_are_read_in_the_order_given(folder: Path) -> None:
    stream = open_stream([folder / "c", str(folder / "b" / "*"), io.BytesIO(b"the end")])
    assert content(stream) == b"ijklmnop" + b"gh" + b"the end"
    assert [origin.name for origin in stream.origins][-1] == "stream"


def test_archives_are_what_they_hold(folder: Path, tmp_path: Path) -> None:
    multum.pack(folder, tmp_path / "folder.mtm", level=1)
    multum.pack(folder / "c", tmp_path / "file.mtm", level=1)
    stream = open_stream([tmp_path / "folder.mtm", tmp_path / "file.mtm"])
    assert content(stream) == b"abcdefghijklmnop" + b"ijklmnop"
    assert stream.origins[0].digest == open_stream(folder).origins[0].digest


def test_nothing_is_left_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spool"))
    stream = open_stream([folder, io.BytesIO(b"x")])
    assert content(stream).endswith(b"x")
    assert list((tmp_path / "spool").iterdir()) == []


def test_empty_data_is_an_empty_stream(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert len(open_stream(tmp_path)) == 0


def test_data_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no data"):
        open_stream([])
    with pytest.raises(FileNotFoundError, match="none"):
        open_stream(tmp_path / "none")
    with pytest.raises(UsageError, match="no file matches"):
        open_stream(str(tmp_path / "*.txt"))


def test_a_pipe_is_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="feed pipes and devices through standard input"):
        open_stream(tmp_path / "pipe")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.mtm").write_bytes(b"no archive")
    with pytest.raises(FormatError, match="not a Multum archive"):
        open_stream(tmp_path / "bad.mtm")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_an_error(folder: Path) -> None:
    (folder / "a").chmod(0)
    with pytest.raises(PermissionError):
        open_stream(folder)
