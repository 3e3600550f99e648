"""The command line does what the transcripts in cases/ say."""

from pathlib import Path

import pytest

from tests.cli.transcripts import matches, play, read_steps

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_transcript(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for step in read_steps(case.read_text("utf-8")):
        got = play(step.line, monkeypatch)
        told = f"$ {step.line}\n{got.stdout}{got.stderr}[{got.code}]"
        assert got.code == step.code, told
        assert matches(step.stdout, got.stdout), told
        assert matches(step.stderr, got.stderr), told


def test_a_transcript_with_an_unknown_line_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a transcript has no line such as '3\| x'"):
        read_steps("$ multum\n3| x")
