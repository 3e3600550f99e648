"""Memory and threads: stated, checked before they are taken, without effect on the bytes."""

import io

import pytest

import multum
from multum.archive import coding
from multum.archive.limits import count_threads, fit_threads
from tests.archive.samples import archive, text


def test_unpacking_over_the_limit_names_the_flag_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive(1000)
    monkeypatch.setattr(coding, "decode_block", lambda *_: pytest.fail("memory was taken"))
    with pytest.raises(multum.LimitExceeded, match=r"limit is 0 MiB; allow it with --memory-limit \d+M"):
        multum.unpack_bytes(data, memory_limit=1)


def test_the_limit_that_the_message_names_works() -> None:
    data = archive(1000)
    with pytest.raises(multum.LimitExceeded, match="memory_limit=") as caught:
        multum.unpack_bytes(data, memory_limit=1)
    named = int(str(caught.value).rsplit("memory_limit=", 1)[1].rstrip(")"))
    assert multum.unpack_bytes(data, memory_limit=named) == text(1000)


def test_packing_over_the_limit_writes_nothing() -> None:
    target = io.BytesIO()
    with pytest.raises(multum.LimitExceeded, match="packing needs"):
        multum.pack(io.BytesIO(text(1000)), target, memory_limit=1)
    assert target.getvalue() == b""


def test_opening_over_the_limit_is_refused() -> None:
    with pytest.raises(multum.LimitExceeded, match="unpacking needs"):
        multum.open(io.BytesIO(archive(1000)), memory_limit=1)


def test_the_header_states_enough_for_every_block() -> None:
    listing = multum.list_archive(io.BytesIO(archive(1000)))
    assert listing.memory_bytes >= listing.raw_bytes


def test_a_block_that_needs_more_than_the_header_states_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive(1000)
    monkeypatch.setattr(coding, "memory_bytes", lambda *_: 1 << 62)
    with pytest.raises(multum.FormatError, match="needs 4611686018427387904 bytes of memory, the header states"):
        multum.unpack_bytes(data)


@pytest.mark.parametrize(("limit", "expected"), [(100, 1), (199, 1), (200, 2), (10_000, 4)])
def test_threads_are_fewer_when_memory_is_short(limit: int, expected: int) -> None:
    assert fit_threads(4, 100, limit, "packing") == expected


def test_threads_none_and_zero_mean_all_cores() -> None:
    assert count_threads(None) == count_threads(0) >= 1


def test_negative_threads_are_refused() -> None:
    with pytest.raises(multum.UsageError, match="threads is -1; give 1 or more"):
        count_threads(-1)


@pytest.mark.parametrize("level", [0, 10, -1, True, 2.5])
def test_levels_out_of_range_are_refused(level: int) -> None:
    with pytest.raises(multum.UsageError, match="levels go from 1"):
        multum.pack_bytes(b"", level)
