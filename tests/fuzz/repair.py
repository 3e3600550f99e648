"""Makes every checksum of a damaged archive right again.

Checksums keep a fuzzer away from the checks behind them: nearly every change
is refused at the first CRC. Repaired, a change reaches what it changed.
"""

import hashlib
import zlib

from multum.archive.frames import (
    BLOCK,
    CRC_BYTES,
    DIGEST_BYTES,
    END,
    INDEX,
    LARGEST_BODY,
    LARGEST_HEADER,
    MAGIC,
    TAIL_BYTES,
    VERSION,
    crc32_bytes,
)
from multum.archive.varints import LARGEST_VARINT, Cursor
from multum.errors import FormatError


def repair(data: bytes) -> bytes:
    """Return `data` with magic, version, every CRC, a stored content's digest and the tail made right.

    What cannot be followed as frames is left as it is.
    """
    out = bytearray(data)
    out[: len(MAGIC) + 1] = MAGIC + bytes([VERSION])
    position = _close(out, 0, len(MAGIC) + 1, LARGEST_HEADER)
    content: list[bytes | None] = []  # None for a block that only decoding would show
    tail_start = None
    while position is not None and bytes(out[position : position + 1]) in LARGEST_BODY:
        kind, start = bytes(out[position : position + 1]), position
        if kind == BLOCK:
            position = _repair_block(out, start, content)
            continue
        if kind in (INDEX, END) and tail_start is None:
            tail_start = start
        if kind == END:
            _put_digest(out, start, content)
        position = _close(out, start, start + 1, LARGEST_BODY[kind])
        if kind == END and position is not None and tail_start is not None:
            out[position : position + TAIL_BYTES] = (position + TAIL_BYTES - tail_start).to_bytes(TAIL_BYTES, "little")
            break
    return bytes(out)


def _body(out: bytearray, length_at: int, largest: int) -> tuple[int, int] | None:
    """Return where a body starts and ends by the length before it, or None when it is not there."""
    cursor = Cursor(bytes(out[length_at : length_at + 10]), length_at)
    try:
        length = cursor.varint("length", largest)
    except FormatError:
        return None
    end = cursor.offset + length
    return (cursor.offset, end) if end + CRC_BYTES <= len(out) else None


def _close(out: bytearray, start: int, length_at: int, largest: int) -> int | None:
    """Set the CRC of the frame at `start` and return what follows it."""
    body = _body(out, length_at, largest)
    if body is None:
        return None
    out[body[1] : body[1] + CRC_BYTES] = crc32_bytes(bytes(out[start : body[1]]))
    return body[1] + CRC_BYTES


def _repair_block(out: bytearray, start: int, content: list[bytes | None]) -> int | None:
    """Set the checksums of a block and its payload, and return what follows them."""
    body = _body(out, start + 1, LARGEST_BODY[BLOCK])
    if body is None or body[1] - body[0] < 12:
        return None
    cursor = Cursor(bytes(out[body[0] : body[1]]), 0)
    try:
        cursor.varint("raw", LARGEST_VARINT)
        coded = cursor.varint("coded", LARGEST_VARINT)
        stored = cursor.byte("method") == 0
    except FormatError:
        return None
    payload_at = body[1] + CRC_BYTES
    payload = bytes(out[payload_at : payload_at + coded])
    crc = zlib.crc32(payload).to_bytes(4, "little")
    out[body[1] - 4 : body[1]] = crc
    if stored:
        out[body[1] - 8 : body[1] - 4] = crc
        content.append(payload)
    else:
        content.append(None)
    _close(out, start, start + 1, LARGEST_BODY[BLOCK])
    return payload_at + len(payload)


def _put_digest(out: bytearray, start: int, content: list[bytes | None]) -> None:
    """Set the digest at the end of the END frame's body, if the content is known."""
    body = _body(out, start + 1, LARGEST_BODY[END])
    known = [piece for piece in content if piece is not None]
    if body is not None and body[1] - body[0] > DIGEST_BYTES and len(known) == len(content):
        out[body[1] - DIGEST_BYTES : body[1]] = hashlib.sha256(b"".join(known)).digest()
