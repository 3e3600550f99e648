"""`multum distil` as a command."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

from tests.cli.transcripts import play
from tests.neural.samples import save_byte_llama

QUICK = "--epochs 0.1 -T 1 --device cpu"


def test_both_sides_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_byte_llama(tmp_path / "net")
    Path("a.txt").write_bytes(b"some text, again and again. " * 300)
    got = play(f"multum distil net a.txt -o half {QUICK}", monkeypatch)
    assert got.code == 0, got.stderr
    assert got.stdout.splitlines()[0].split() == ["teacher", "student"]
    assert "bits per byte" in got.stdout
    assert "net -> half: 1 of 2 layers" in got.stderr
    again = play(f"multum distil net a.txt -o half {QUICK}", monkeypatch)
    assert again.code == 1
    assert "overwrite it with -f" in again.stderr
    told = play(f"multum distil net a.txt -o half -f --json --layers 2 {QUICK}", monkeypatch)
    assert json.loads(told.stdout)["began"] == "2 of 2 layers"


def test_a_program_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_bytes(b"x")
    got = play("multum distil nothing a.txt -o half", monkeypatch)
    assert got.code == 1
    assert "there is no program 'nothing'" in got.stderr
    assert not Path("half").exists()
