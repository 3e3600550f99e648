"""`multum shrink --auto`: the frontier as a table or JSON on stdout, and the chosen file."""

import json
from pathlib import Path

import pytest

from multum.cli.app import run

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")
pytest.importorskip("optuna", reason="the extra multum[auto] is not installed")


def test_the_frontier_is_a_table_and_an_object_for_machines(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["shrink", "net", "-o", "a.mtm", "--data", "note.txt", "--calibration", "256", "-T", "1"]
    goal = ["--auto", "--target-bytes", "9000", "--trials", "1"]
    assert run([*line, *goal]) == 0
    said = capsys.readouterr()
    heads, before, chosen = said.out.splitlines()
    assert heads.split() == ["bytes", "bits", "per", "byte", "accuracy", "ms", "recipe"]
    assert before.split()[0] == "53,616"
    assert chosen.split()[:2] == ["->", f"{Path('a.mtm').stat().st_size:,}"]
    assert "net -> a.mtm: code, " in said.err
    assert "9,000 bytes at most; 1 trials, 0 without a file" in said.err
    assert run([*line, *goal, "--json", "-f"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [point["recipe"] for point in told["frontier"]] == [told["chosen"]["recipe"]] == ["code"]
    assert run(["report", "a.mtm.search/frontier.json", "-o", "page.html"]) == 0
    assert "Which passes make it smaller" in Path("page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--trials", "3"], "--trials is for searches; give --auto as well"),
        (["--auto", "--recipe", "code"], "--recipe is not for searches; drop it, or --auto"),
        (["--auto", "--data", "note.txt"], "a search has a target"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    options: list[str], words: str, net: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["shrink", "net", "-o", "a.mtm", *options]) == 1
    assert words in capsys.readouterr().err
    assert not Path("a.mtm").exists()
