"""`multum discover`: results on stdout, talk on stderr, exit code 2 where nothing is found."""

import json
from pathlib import Path

import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.cli.app import run


@pytest.fixture
def falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{height},{g},{(2 * height / g) ** 0.5!r}" for height in range(1, 9) for g in (1.62, 3.71, 9.81)]
    Path("falls.csv").write_text("height,g,time\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_a_formula_is_printed_with_its_certificate(falls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "formula", "falls.csv", "--target", "time", "-o", "falls.json"]) == 0
    said = capsys.readouterr()
    formula, agree, bits = said.out.splitlines()
    assert formula == "time = sqrt(2)*sqrt(height)/sqrt(g)"
    assert agree == "24 rows agree, 4 of them held out"
    assert "bits alone; formula" in bits
    assert "found by powers" in said.err
    assert json.loads(Path("falls.json").read_text())["exact"] is True


def test_json_holds_all_of_it(falls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "formula", "falls.csv", "--target", "time", "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"formula", "exact", "program_bits", "residual_bits", "raw_bits", "frontier", "checked_rows"} <= set(told)


def test_errors_of_each_kind_are_told(falls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "formula", "falls.csv", "--target", "speed"]) == 1
    assert "has no column 'speed'; its columns are height, g, time" in capsys.readouterr().err
    assert run(["discover", "laws", "none.csv"]) == 1
    assert "there is no 'none.csv'" not in capsys.readouterr().out
    assert run(["discover", "sequence", "1,two,3"]) == 1
    assert "'two' is no integer" in capsys.readouterr().err


def test_a_sequence_is_continued(falls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "sequence", "--next", "2", "1,1,2,3,5,8,13,21,34,55"]) == 0
    law, checked, following = capsys.readouterr().out.splitlines()
    assert law == "a(n) = a(n-1) + a(n-2), after 1, 1"
    assert checked.startswith("C-finite: 6 terms checked beyond the 4 that determine it")
    assert following == "next: 89, 144"
    Path("terms.txt").write_text("1 4 9 16 25\n36 49 64 81\n")
    assert run(["discover", "sequence", "--json", "--start", "1", "terms.txt"]) == 0
    assert json.loads(capsys.readouterr().out)["law"] == "a(n) = n**2"
    assert run(["discover", "sequence", "3,1,4,1,5,9,2,6,5,3"]) == 2
    assert capsys.readouterr().out == "no law; 10 terms, 44 bits\n"


def test_laws_of_a_table_are_listed(falls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("n,twice\n" + "".join(f"{k * k % 23 + 1},{2 * (k * k % 23) + 2}\n" for k in range(40)))
    assert run(["discover", "laws", "t.csv"]) == 0
    assert capsys.readouterr().out.startswith("twice = 2*n  (formula; 40 rows")
    assert run(["discover", "laws", "--json", "t.csv"]) == 0
    assert json.loads(capsys.readouterr().out)["theorems"][0]["target"] == "twice"
