"""Recipes are written once, before the first block that needs them, and found again by every reader."""

import io
import zlib

import pytest

import multum
from multum.archive import coding
from multum.archive.coding import CodedBlock, Coder
from multum.archive.frames import MIXED
from tests.archive.streams import one_byte_stream

# Blocks of 64 bytes; the stand-in coder's recipe is the block's first byte.
BLOCKS = [b"a" * 64, b"b" * 64, b"a" * 64, bytes(range(64)), b"b" * 30]


def encode(raw: bytes, coder: Coder, *_: object) -> CodedBlock:
    return CodedBlock(len(raw), MIXED, bytes([coder.level]), b"recipe " + raw[:1], zlib.compress(raw))


def decode(block: CodedBlock, *_: object) -> bytes:
    if block.method != MIXED:
        return block.code
    raw = zlib.decompress(block.code)
    assert block.recipe == b"recipe " + raw[:1]
    return raw


@pytest.fixture
def packed(tiny_blocks: int, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return an archive of five blocks made by a stand-in coder that has several recipes."""
    monkeypatch.setattr(coding, "encode_block", encode)
    monkeypatch.setattr(coding, "decode_block", decode)
    monkeypatch.setattr(coding, "memory_bytes", lambda *_: 0)
    return multum.pack_bytes(b"".join(BLOCKS), 4, 3)


def test_each_recipe_is_written_once(packed: bytes) -> None:
    listing = multum.list_archive(io.BytesIO(packed))
    assert [bytes.fromhex(one) for one in listing.recipe] == [b"recipe a", b"recipe b"]
    assert [part.recipe for part in listing.parts] == [1, 2, 1, 0, 2]
    assert packed.index(b"recipe a") < listing.parts[0].offset < packed.index(b"recipe b") < listing.parts[1].offset


def test_recipes_and_transforms_count_as_container(packed: bytes) -> None:
    listing = multum.list_archive(io.BytesIO(packed))
    assert listing.recipe_bytes == 16
    assert listing.coded_bytes == sum(part.coded_bytes for part in listing.parts)
    assert listing.container_bytes == len(packed) - listing.coded_bytes
    assert [part.transforms for part in listing.parts] == ["04", "04", "04", "", "04"]


def test_a_block_that_would_grow_is_stored(packed: bytes) -> None:
    listing = multum.list_archive(io.BytesIO(packed))
    assert [part.method for part in listing.parts] == ["mixed", "mixed", "mixed", "stored", "mixed"]


def test_every_reader_finds_the_recipe_of_a_block(packed: bytes) -> None:
    whole = b"".join(BLOCKS)
    assert multum.unpack_bytes(packed, 2) == whole
    back = io.BytesIO()
    multum.unpack(one_byte_stream(packed), back)
    assert back.getvalue() == whole
    with multum.open(io.BytesIO(packed)) as file:
        for number in (4, 2, 0, 3, 1):
            file.seek(64 * number)
            assert file.read(len(BLOCKS[number])) == BLOCKS[number]


def test_damage_anywhere_is_refused(packed: bytes) -> None:
    for position in range(len(packed)):
        data = bytearray(packed)
        data[position] ^= 0x10
        with pytest.raises(multum.FormatError, match="at byte"):
            multum.unpack_bytes(bytes(data))
