"""`multum shrink` and `multum export`: a table or JSON on stdout, talk on stderr, no file where there is an error."""

import json
from pathlib import Path

import pytest

from multum.cli.app import run

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")


def test_a_table_shows_before_and_after(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["shrink", "net", "-o", "small.mtm", "--eval", "note.txt", "--target-bits", "8", "-v"]
    assert run(line) == 0
    said = capsys.readouterr()
    size_bytes = Path("small.mtm").stat().st_size
    heads, disk, weight, loss, *_ = said.out.splitlines()
    assert heads.split() == ["before", "after"]
    assert disk.split() == ["bytes", "on", "disk", "53,616", f"{size_bytes:,}"]
    assert weight.startswith("bits per weight")
    assert loss.startswith("bits per byte")
    assert "net -> small.mtm: " in said.err
    assert "code left model.norm.weight (16 weights): a vector" in said.err
    assert run(["export", "small.mtm", "-o", "back"]) == 0
    assert "loaded again and equal" in capsys.readouterr().err
    assert {"config.json", "model.safetensors", "multum.json"} <= {path.name for path in Path("back").iterdir()}


def test_json_has_everything_that_the_table_shows_and_the_ledger(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["shrink", "--json", "net", "-o", "small.mtm", "--target-bytes", "9000"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["bytes_before"] == 53616
    assert said["bytes_after"] == Path("small.mtm").stat().st_size <= 9000
    assert said["loss_before"] is said["loss_increase"] is None
    assert [line["name"] for line in said["passes"]] == ["code"]
    assert {"seconds", "peak_bytes", "left", "bytes_before", "bytes_after"} <= set(said["passes"][0])
    assert run(["export", "--json", "small.mtm", "--to", "safetensors", "-o", "w.safetensors"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "safetensors"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target-bytes", "9000", "--target-bits", "3"], "a target is bytes or bits a weight"),
        (["--max-loss-increase", "0.1"], "give calibration data with --data"),
        (["--target-bytes", "1"], "a target of 1 bytes cannot be reached"),
        (["--memory-limit", "1M"], "allow it with --memory-limit"),
        (["--data", "none.txt"], "none.txt: No such file or directory"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_no_file(
    options: list[str], words: str, net: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["shrink", "net", "-o", "small.mtm", *options]) == 1
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in net.iterdir()) == ["net", "note.txt"]


def test_an_existing_file_is_kept_without_force(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("small.mtm").write_bytes(b"mine")
    assert run(["shrink", "net", "-o", "small.mtm"]) == 1
    assert "exists and was kept" in capsys.readouterr().err
    assert Path("small.mtm").read_bytes() == b"mine"


def test_a_recipe_has_a_line_for_each_pass(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["shrink", "net", "-o", "a.mtm", "--recipe", "prune=magnitude:0.5 | quantize=rtn:8 | code"]) == 0
    said = capsys.readouterr().err
    assert "prune=magnitude:0.5: 2,304 of 4,608 weights are 0" in said
    assert "quantize=rtn:8:channel:symmetric: 4,608 weights are integers of 8 bits" in said
    assert run(["shrink", "net", "-o", "b.mtm", "--recipe", "prune=magnitude:0.5 | cde"]) == 1
    assert "pass 2 of the recipe, at character 23: 'cde' is no pass" in capsys.readouterr().err
    assert not Path("b.mtm").exists()
