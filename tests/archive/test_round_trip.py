"""What is packed comes back, and the bytes depend on content and options only."""

import io
import os
import threading
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import multum
from multum.archive import coding
from tests.archive.samples import source, text
from tests.archive.streams import SlowSink, pieces_stream

# The fixture only sets a block size, the same for every example.
once = [HealthCheck.function_scoped_fixture]
contents = st.binary(max_size=300) | st.integers(0, 300).map(text) | st.integers(1, 300).map(lambda n: b"a" * n)


def pack_stream(data: bytes, pieces: list[int], level: int, threads: int) -> bytes:
    target = io.BytesIO()
    multum.pack(pieces_stream(data, pieces), target, level, threads)
    return target.getvalue()


@settings(max_examples=12, deadline=None, suppress_health_check=once)
@given(contents, st.lists(st.integers(1, 99), min_size=1, max_size=4), st.integers(1, 3))
@example(b"", [1], 1)
@example(b"a", [1], 2)
@example(b"a" * 64, [64], 2)
@example(b"a" * 65, [64], 3)
def test_content_comes_back_for_any_chunks_and_threads(
    tiny_blocks: int, data: bytes, pieces: list[int], threads: int
) -> None:
    archive = pack_stream(data, pieces, 1, threads)
    assert archive == pack_stream(data, [1000], 1, 1)
    assert multum.unpack_bytes(archive, threads) == data
    back = io.BytesIO()
    report = multum.unpack(pieces_stream(archive, pieces), back, threads)
    assert back.getvalue() == data
    assert report.blocks == -(-len(data) // tiny_blocks)


@settings(max_examples=3, deadline=None)
@given(st.binary(max_size=200))
@pytest.mark.parametrize("level", range(1, 10))
def test_content_comes_back_at_every_level(level: int, data: bytes) -> None:
    archive = multum.pack_bytes(data, level)
    assert multum.unpack_bytes(archive) == data


@pytest.mark.parametrize("data", [b"", b"\0", b"a", source(), bytes(10_000), os.urandom(5000)])
def test_content_comes_back(data: bytes) -> None:
    archive = multum.pack_bytes(data)
    assert multum.unpack_bytes(archive) == data
    with multum.open(io.BytesIO(archive)) as file:
        assert file.read() == data


def test_packing_again_gives_the_same_bytes() -> None:
    assert multum.pack_bytes(source(), 3) == multum.pack_bytes(source(), 3)


def test_a_raw_target_may_take_a_part_at_a_time() -> None:
    sink = SlowSink()
    multum.pack(io.BytesIO(text(500)), cast(BinaryIO, sink), 1)
    assert multum.unpack_bytes(bytes(sink.taken)) == text(500)


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_random_data_grows_by_little(size: int) -> None:
    data = os.urandom(size)
    assert len(multum.pack_bytes(data)) <= size * 1.0005 + 200


def test_container_of_a_small_file_is_small() -> None:
    listing = multum.list_archive(io.BytesIO(multum.pack_bytes(b"hello\n")))
    assert listing.container_bytes - listing.recipe_bytes <= 90


def test_progress_is_told_block_by_block(tiny_blocks: int) -> None:
    told: list[tuple[int, int | None]] = []
    archive = io.BytesIO()
    multum.pack(io.BytesIO(text(150)), archive, 1, progress=lambda *at: told.append(at))
    steps = [done for done, _ in told]  # with parts of blocks in between
    assert steps == sorted(steps)
    assert (len(steps) >= 3, steps[-1]) == (True, 150)
    told.clear()
    archive.seek(0)
    multum.unpack(archive, io.BytesIO(), progress=lambda *at: told.append(at))
    assert told == sorted(told)
    assert told[-1] == (150, 150)
    assert len(told) >= 3


def test_progress_grows_inside_a_block() -> None:
    """A block that takes some tenths of a second: whoever waits hears of several parts of it."""
    data = text(120_000)
    told: list[tuple[int, int | None]] = []
    archive = io.BytesIO()
    multum.pack(io.BytesIO(data), archive, 9, progress=lambda *at: told.append(at))
    assert told == sorted(told, key=lambda at: at[0])
    assert any(0 < done < len(data) for done, _ in told)
    assert told[-1] == (len(data), None)
    told.clear()
    archive.seek(0)
    multum.unpack(archive, io.BytesIO(), progress=lambda *at: told.append(at))
    assert any(0 < done < len(data) for done, _ in told)
    assert told[-1][0] == len(data)


def test_progress_shows_life_while_a_block_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int | None]] = []
    alive = threading.Event()
    encode = coding.encode_block

    def slow(raw: bytes, coder: coding.Coder, *rest: Any) -> coding.CodedBlock:
        assert alive.wait(30)
        return encode(raw, coder, *rest)

    def tell(done: int, total: int | None) -> None:
        told.append((done, total))
        alive.set()

    monkeypatch.setattr(coding, "encode_block", slow)
    multum.pack(io.BytesIO(text(10)), io.BytesIO(), 1, progress=tell)
    assert told[0] == (0, None)
    assert told[-1] == (10, None)


def test_verify_of_a_stream_decodes_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multum.archive.coding.decode_block", lambda *_: b"other")
    with pytest.raises(multum.MultumError, match="does not decode to itself at level 1"):
        multum.pack(io.BytesIO(b"data"), io.BytesIO(), 1, verify=True)
