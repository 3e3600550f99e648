"""`open` reads anywhere and decodes only what it must."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import multum
from multum.archive import coding
from multum.archive.coding import CodedBlock
from multum.mixing import Meter
from tests.archive.samples import text
from tests.archive.streams import one_byte_stream

SIZE = 300


@pytest.fixture
def packed(tiny_blocks: int) -> bytes:
    """Return an archive of five blocks."""
    return multum.pack_bytes(text(SIZE), 1)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, SIZE + 9), st.integers(0, SIZE)), max_size=4))
def test_reads_are_those_of_the_plain_content(packed: bytes, reads: list[tuple[int, int]]) -> None:
    plain = io.BytesIO(text(SIZE))
    with multum.open(io.BytesIO(packed), cached_blocks=1) as file:
        for position, count in reads:
            assert file.seek(position) == plain.seek(position)
            assert file.read(count) == plain.read(count)
            assert file.tell() == plain.tell()


def count_decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the length of each block when it is decoded."""
    decoded: list[int] = []
    decode = coding.decode_block

    def counted(block: CodedBlock, meter: Meter | None = None, *_: object) -> bytes:
        decoded.append(block.raw_bytes)
        return decode(block, meter)

    monkeypatch.setattr(coding, "decode_block", counted)
    return decoded


def test_only_the_blocks_that_are_read_are_decoded(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = count_decodes(monkeypatch)
    with multum.open(io.BytesIO(packed)) as file:
        assert file.seek(0, io.SEEK_END) == SIZE
        assert decoded == []
        file.seek(-1, io.SEEK_END)
        assert file.read(1) == text(SIZE)[-1:]
    assert decoded == [SIZE % 64]


def test_decoded_blocks_are_kept_for_the_next_read(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = count_decodes(monkeypatch)
    with multum.open(io.BytesIO(packed), cached_blocks=2) as file:
        for position in (0, 70, 10, 80, 3):
            file.seek(position)
            file.read(1)
    assert decoded == [64, 64]


def test_lines_and_context_manager_work_on_a_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\n")
    multum.pack(tmp_path / "a")
    with multum.open(tmp_path / "a.mtm") as file:
        assert list(file) == [b"one\n", b"two\n"]


def test_empty_content_opens() -> None:
    with multum.open(io.BytesIO(multum.pack_bytes(b""))) as file:
        assert file.read() == b""


def test_archive_may_start_inside_a_stream(packed: bytes) -> None:
    stream = io.BytesIO(b"before" + packed)
    stream.seek(6)
    with multum.open(stream) as file:
        file.seek(200)
        assert file.read(50) == text(SIZE)[200:250]


def test_pipe_is_refused() -> None:
    with pytest.raises(multum.UsageError, match="open needs a source that can seek"):
        multum.open(one_byte_stream(b""))


def test_position_before_the_start_is_refused(packed: bytes) -> None:
    with multum.open(io.BytesIO(packed)) as file, pytest.raises(multum.UsageError, match="before the start"):
        file.seek(-1)


def test_damage_in_one_block_leaves_the_others_readable(packed: bytes) -> None:
    offset = multum.list_archive(io.BytesIO(packed)).parts[1].offset
    data = bytearray(packed)
    data[offset + 40] ^= 1
    with multum.open(io.BytesIO(data)) as file:
        assert file.read(10) == text(10)
        file.seek(64)
        with pytest.raises(multum.FormatError, match="does not match its checksum"):
            file.read(1)
        file.seek(128)
        assert file.read(10) == text(SIZE)[128:138]
