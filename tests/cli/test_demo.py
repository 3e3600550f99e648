"""`multum demo` compares on the file it is given; results on stdout, talk on stderr."""

import json
import sys
from pathlib import Path

import pytest

from multum.cli.app import run
from multum.reporting import peers


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_bytes(b"a note, a note, another note\n" * 30)
    return path


def test_demo_prints_one_table_of_verified_rows(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--find", "0", str(note)]) == 0
    table = capsys.readouterr().out
    for codec in ("gzip -9", "bzip2 -9", "xz -9e", "multum -1", "multum -5", "multum -9"):
        assert table.count(codec) == 1
    assert "DIFFERENT" not in table


def test_demo_json_has_every_row_and_nothing_else_on_stdout(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--json", "--find", "0", "--limit", "100", str(note)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {row["raw_bytes"] for row in said["rows"]} == {100}
    assert all(row["verified"] for row in said["rows"])


def test_demo_says_why_a_peer_is_skipped(
    note: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)  # what Python does to forbid an import
    assert run(["demo", "--find", "0", str(note)]) == 0
    assert "skipped brotli -q 11: the Python package brotli is missing" in capsys.readouterr().err


def test_demo_fails_when_something_comes_back_different(
    note: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = peers.Codec("broken", lambda data: data, lambda code: code[:-1])
    monkeypatch.setattr(peers, "list_peers", lambda: ([broken], []))
    assert run(["demo", "--find", "0", str(note)]) == 1
    assert "broken on note.txt came back different" in capsys.readouterr().err


def test_demo_refuses_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", str(tmp_path / "none")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_demo_shows_a_fit_beside_a_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the extra multum[learn] is not installed")
    monkeypatch.setattr("multum.reporting.fitted.LEAST_BYTES", 4096)
    path = tmp_path / "text"
    path.write_bytes(b"".join(b"%d much in little, little in much; " % number for number in range(300)))
    assert run(["demo", "--json", "--fit", "0.5", "--find", "0", str(path)]) == 0
    fitted = json.loads(capsys.readouterr().out)["fit"]
    assert fitted["training_bytes"] + fitted["held_out_bytes"] == path.stat().st_size
    assert 0 < fitted["level_bpb"] < 3
    assert 0 < fitted["fit_bpb"] <= 8.1
    assert 0 < fitted["small_bytes"] < fitted["program_bytes"] / 5


def test_demo_says_why_there_is_no_fit(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--json", "--find", "0", str(note)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["fit"] is None
    assert "note.txt is too small to train a program on; 100,000 bytes would do" in said.err


def test_demo_names_the_extra_that_a_fit_needs(
    note: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multum.reporting.fitted.LEAST_BYTES", 0)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["demo", "--find", "0", str(note)]) == 0
    assert "skipped the fit: trained programs need torch; pip install 'multum[learn]'" in capsys.readouterr().err


def test_demo_shows_the_ledger_of_a_search(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--fit", "0", "--find", "0.5", str(note)]) == 0
    said = capsys.readouterr()
    assert "searching for the shortest program of note.txt" in said.err
    assert "measured total" in said.out
    assert "level 9" in said.out


def test_demo_ends_with_a_page(note: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")
    page = tmp_path / "demo.html"
    line = ["demo", "--fit", "0", "--find", "0.5", "--report", str(page), str(note)]
    assert run(line) == 0
    assert capsys.readouterr().out.endswith(f"all of it on a page, for any browser: {page}\n")
    text = page.read_text("utf-8")
    assert all(f'<section id="{name}"' in text for name in ("comparison", "ledger", "surprise", "origin"))
    assert "note.txt: 870 bytes became" in text
    assert run(line) == 1, "what exists is refused before the work"
    assert "exists and was kept" in capsys.readouterr().err


def test_demo_says_why_there_is_no_page(
    note: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert run(["demo", "--fit", "0", "--find", "0", "--report", str(tmp_path / "demo.html"), str(note)]) == 0
    assert "skipped the page: reports need vl_convert; pip install 'multum[report]'" in capsys.readouterr().err
    assert not (tmp_path / "demo.html").exists()
