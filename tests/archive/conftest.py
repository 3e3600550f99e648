"""Blocks small enough that a test can have several."""

import pytest

from multum.archive import coding

TINY_BYTES = 64


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the raw bytes of a full block, made 64 at every level for this test."""
    monkeypatch.setattr(coding, "block_bytes", lambda _: TINY_BYTES)
    return TINY_BYTES
