"""Small networks run alone here, and make no talk of their own."""

from pathlib import Path

import pytest

from tests.archive.samples import text
from tests.small_networks import alone

__all__ = ["alone"]


@pytest.fixture(scope="session")
def note(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a text to calibrate with."""
    path = tmp_path_factory.mktemp("data") / "note.txt"
    path.write_bytes(text(6000))
    return path
