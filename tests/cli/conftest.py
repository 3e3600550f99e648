"""What several tests of verbs begin with."""

from pathlib import Path

import pytest


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Go to an empty folder with a small language model and a note; return it."""
    from tests.neural.samples import save_byte_llama  # loads torch

    monkeypatch.chdir(tmp_path)
    save_byte_llama(Path("net"))
    Path("note.txt").write_bytes(b"a note, a note, another note\n" * 30)
    capsys.readouterr()  # transformers talks when it saves
    return tmp_path
