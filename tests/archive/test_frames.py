"""Records read back as written, and their bytes are frozen."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from multum.archive.frames import (
    LARGEST_BLOCK,
    BlockHeader,
    End,
    Entry,
    Header,
    Metadata,
    decode_block_header,
    decode_end,
    decode_index,
    encode_block_header,
    encode_end,
    encode_header,
    encode_index,
)
from multum.archive.sources import ByteSource, read_frame, read_header
from tests.archive.streams import one_byte_stream

words = st.integers(0, (1 << 32) - 1)
names = st.binary(min_size=1, max_size=255).filter(
    lambda name: name not in (b".", b"..") and not set(name) & {0, ord("/")}
)
metadata = st.builds(Metadata, names, st.integers(0, 0o777), st.integers(-(10**18), 10**19 // 4))
headers = st.builds(
    Header,
    st.integers(1, 9),
    st.integers(0, LARGEST_BLOCK),
    st.integers(0, 1 << 50),
    st.booleans(),
    st.none() | metadata,
)


@given(headers)
def test_header_reads_back(header: Header) -> None:
    assert read_header(ByteSource(one_byte_stream(encode_header(header)))) == header


@given(st.integers(1, LARGEST_BLOCK), st.integers(0, 1 << 30), st.binary(max_size=20), st.integers(0, 99), words, words)
def test_block_header_reads_back(raw: int, coded: int, transforms: bytes, recipe: int, one: int, two: int) -> None:
    block = BlockHeader(raw, min(raw, coded), 1, transforms, recipe, one, two)
    assert decode_block_header(encode_block_header(block), 0, LARGEST_BLOCK) == block


@given(st.lists(st.builds(Entry, st.integers(0, 1 << 40), st.none() | st.integers(0, LARGEST_BLOCK)), max_size=20))
def test_index_reads_back(entries: list[Entry]) -> None:
    assert decode_index(encode_index(entries), 0) == entries


@given(st.integers(0, 1 << 60), st.binary(min_size=32, max_size=32))
def test_end_reads_back(raw_bytes: int, digest: bytes) -> None:
    frame = read_frame(ByteSource(one_byte_stream(encode_end(End(raw_bytes, digest), 0))))
    assert decode_end(frame.body, frame.body_offset) == End(raw_bytes, digest)


def test_header_bytes_are_frozen() -> None:
    header = Header(5, 1000, 70000, True, Metadata(b"notes.txt", 0o644, 1_700_000_000_000_000_000))
    expected = "8d4d544d0d0a1a011c0305e807f0a20409" + b"notes.txt".hex() + "a4038080d0e2c6bfce972f"
    assert encode_header(header)[:-4].hex() == expected
    assert encode_header(header)[-4:] == zlib.crc32(bytes.fromhex(expected)).to_bytes(4, "little")


def test_block_header_bytes_are_frozen() -> None:
    block = BlockHeader(300, 200, 1, b"\x07", 2, 0x01020304, 0x0A0B0C0D)
    assert encode_block_header(block).hex() == "ac02c80101020107040302010d0c0b0a"
