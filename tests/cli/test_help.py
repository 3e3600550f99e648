"""The help is one screen, with examples at its end, and says the truth."""

from pathlib import Path

import pytest

from multum.cli.app import VERBS
from tests.cli.transcripts import play

# The overview has a line for each verb, in sections; what a verb takes must be seen at a glance.
OVERVIEW_LINES, VERB_LINES = 56, 40


@pytest.mark.parametrize("line", ["multum --help", *(f"multum {verb} --help" for verb in VERBS)])
def test_help_is_one_screen_with_examples_at_its_end(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    got = play(line, monkeypatch)
    lines = got.stdout.splitlines()
    assert got.code == 0
    assert len(lines) <= (OVERVIEW_LINES if line == "multum --help" else VERB_LINES)
    assert max(len(line) for line in lines) <= 88
    assert any("Examples:" in line for line in lines[-12:])


def test_no_arguments_show_the_overview_and_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    got = play("multum", monkeypatch)
    assert got.code == 1
    assert all(verb in got.stderr for verb in VERBS)


def test_control_characters_in_names_never_reach_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[31m\nb"
    Path(name).write_bytes(b"x")
    got = play(f"multum pack '{name}'", monkeypatch)
    assert "\x1b" not in got.stderr
    assert "a\\x1b[31m\\nb -> " in got.stderr
    got = play(f"multum list -v '{name}.mtm'", monkeypatch)
    assert "\x1b" not in got.stdout
