"""`multum ladder`: what it says before, meanwhile and at the end, and with which exit code."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

from multum.ladders import running
from tests.cli.transcripts import play
from tests.ladders.crews import InlineCrew

DATA = b"".join(b"%d much in little, little in much; " % (number % 10) for number in range(1500))
GRID = "params,bytes\n8000,10k\n8000,20k\n16k,10k\n16k,20k\n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "_make_crew", lambda _: InlineCrew())
    Path("data").write_bytes(DATA)
    Path("grid.csv").write_text(GRID)


def test_runs_are_on_stdout_and_their_cost_was_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    got = play("multum ladder data -o runs --grid grid.csv --bits none -v", monkeypatch)
    assert got.code == 2  # four runs are no law to extrapolate with
    told = got.stderr.splitlines()
    told = told[:1] + [line for line in told[1:] if ": about 0:0" not in line]
    assert len(told) == len(got.stderr.splitlines()) - 4
    assert told[0].startswith("multum: runs: 4 runs of 11,568 to 14,928 weights: ")
    assert "FLOPs, about 0:0" in told[0]
    assert all("bits per byte" in line for line in told[1:5])
    assert "not to be extrapolated: too few points: 4" in got.stderr
    assert told[-1].startswith("multum: 4 runs in runs, ")
    table, law = got.stdout.split("\n\n", 1)
    assert table.splitlines()[0].split() == ["run", "parameters", "bytes", "FLOPs", "bits", "per", "byte"]
    assert len(table.splitlines()) == 5
    assert "bpb = " in law.splitlines()[0]


def test_json_is_one_object_and_the_same_command_makes_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "multum ladder data -o runs --grid grid.csv --bits none --json -qq"
    first, again = (play(line, monkeypatch) for _ in range(2))
    told = json.loads(first.stdout)
    assert first.stderr == again.stderr == ""
    assert (len(told["points"]), told["failed"]) == (4, [])
    assert json.loads(again.stdout)["points"] == told["points"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("multum ladder data", "Missing option '-o' / '--output'"),
        ("multum ladder data -o runs", "a grid is chosen for a budget: give --budget TIME"),
        ("multum ladder data -o runs --budget soon", "'soon' is not a time"),
        (
            "multum ladder data -o runs --budget 1h --bits few",
            "'few' is not understood; write for instance 6,4,3 or none",
        ),
        ("multum ladder data -o runs --grid no.csv", "no.csv: No such file or directory"),
        ("multum ladder none -o runs --budget 1h", "none: No such file or directory"),
        ("multum ladder data -o data --grid grid.csv", "target 'data' is a file; name a folder"),
        ("multum ladder data -o . --grid grid.csv", "target '.' exists and holds no ladder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(line: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    got = play(line, monkeypatch)
    assert got.code == 1
    assert said in got.stderr
    assert len(got.stderr.splitlines()) == 1
