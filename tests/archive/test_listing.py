"""A listing adds up to the file and needs no decoding."""

import hashlib
import io
import os
from pathlib import Path

import pytest

import multum
from multum.archive import coding
from tests.archive.samples import text
from tests.archive.streams import one_byte_stream


def test_listing_adds_up_to_the_length_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text(2000))
    os.chmod(tmp_path / "a.txt", 0o640)
    os.utime(tmp_path / "a.txt", ns=(0, 1_600_000_000_123_456_789))
    report = multum.pack(tmp_path / "a.txt", level=2)
    listing = multum.list_archive(tmp_path / "a.txt.mtm")
    size = (tmp_path / "a.txt.mtm").stat().st_size
    assert listing.archive_bytes == size == report.archive_bytes
    assert listing.coded_bytes + listing.container_bytes == size
    assert listing.coded_bytes == sum(part.coded_bytes for part in listing.parts) == report.coded_bytes
    assert listing.bpb == report.bpb == 8 * size / 2000
    assert listing.digest == report.digest == hashlib.sha256(text(2000)).hexdigest()
    assert (listing.raw_bytes, listing.level, listing.blocks, listing.kind) == (2000, 2, 1, "file")
    assert (listing.name, listing.mode, listing.mtime_ns) == ("a.txt", 0o640, 1_600_000_000_123_456_789)


def test_listing_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = multum.pack_bytes(text(500), 1)
    monkeypatch.setattr(coding, "decode_block", lambda *_: pytest.fail("decoded"))
    assert multum.list_archive(io.BytesIO(data)).raw_bytes == 500


def test_pipes_list_like_files(tiny_blocks: int) -> None:
    data = multum.pack_bytes(text(500), 1)
    assert multum.list_archive(one_byte_stream(data)) == multum.list_archive(io.BytesIO(data))


def test_streams_and_anonymous_files_have_no_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    multum.pack(tmp_path / "a", metadata=False)
    listing = multum.list_archive(tmp_path / "a.mtm")
    assert (listing.name, listing.mode, listing.mtime_ns) == (None, None, None)


def test_empty_content_has_no_rate() -> None:
    assert multum.list_archive(io.BytesIO(multum.pack_bytes(b""))).bpb is None
