"""Damage is found: every truncation, every flipped byte, anything added."""

import io

import pytest

import multum
from multum.errors import FormatError
from tests.archive.samples import archive, text


@pytest.fixture
def damaged_base(tiny_blocks: int) -> bytes:
    """Return an archive of two blocks with an index and a name-less header."""
    return multum.pack_bytes(text(100), 1)


def refuses(data: bytes) -> bool:
    """Return whether reading `data` raises FormatError with an offset inside or at its end."""
    try:
        multum.unpack_bytes(data)
    except FormatError as error:
        return error.offset is not None and 0 <= error.offset <= len(data)
    return False


def test_every_truncation_is_refused(damaged_base: bytes) -> None:
    assert all(refuses(damaged_base[:length]) for length in range(len(damaged_base)))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_is_refused(damaged_base: bytes, flip: int) -> None:
    for position in range(len(damaged_base)):
        data = bytearray(damaged_base)
        data[position] ^= flip
        assert refuses(bytes(data)), position


@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_flipped_byte_is_refused_or_harmless_when_opened(damaged_base: bytes, flip: int) -> None:
    for position in range(len(damaged_base)):
        data = bytearray(damaged_base)
        data[position] ^= flip
        try:
            with multum.open(io.BytesIO(data)) as file:
                assert file.read() == text(100), position
        except multum.MultumError:
            pass


def test_every_inserted_byte_is_refused(damaged_base: bytes) -> None:
    for position in range(len(damaged_base) + 1):
        assert refuses(damaged_base[:position] + b"\x01" + damaged_base[position:]), position


def test_truncation_names_what_is_missing() -> None:
    whole = archive(100)
    with pytest.raises(FormatError, match="truncated: tail needs 4 bytes, 3 are there"):
        multum.unpack_bytes(whole[:-1])


def test_damage_in_a_payload_is_found_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(archive(3000))
    data[len(data) // 2] ^= 1
    monkeypatch.setattr("multum.archive.coding.decode_block", lambda *_: pytest.fail("decoded"))
    with pytest.raises(FormatError, match="payload does not match its checksum"):
        multum.unpack_bytes(bytes(data))


@pytest.mark.parametrize("error", [IndexError("x"), ValueError("x"), ZeroDivisionError("x"), KeyError("x")])
def test_a_decoder_that_stumbles_gives_a_format_error(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def stumble(*_: object) -> bytes:
        raise error

    monkeypatch.setattr("multum.archive.coding.decode_block", stumble)
    with pytest.raises(FormatError, match=r"a block cannot be decoded: '?x'? \(at byte \d+\)"):
        multum.unpack_bytes(archive(100))
