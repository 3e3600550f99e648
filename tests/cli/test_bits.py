"""`multum bits` and `multum sample` with a trained program: keys, warnings, standard output."""

import json
from pathlib import Path

import numpy as np
import pytest

import multum
from multum.cli.app import run
from tests.cli.transcripts import play

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

from tests.neural.samples import save_byte_llama, save_text_llama

KEYS = ["program", "data", "raw_bytes", "code_bits", "bpb", "tokens", "perplexity", "seconds"]


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "note.txt"
    path.write_bytes(b"a note, a note, another note\n" * 5)
    return path


@pytest.mark.parametrize("program", ["level:1", "net"])
def test_json_has_exactly_the_promised_keys(note: Path, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    save_byte_llama(Path("net"))
    capsys.readouterr()
    assert run(["bits", "--json", program, "note.txt"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == KEYS
    assert (said["program"], said["data"], said["raw_bytes"], said["tokens"]) == (program, "note.txt", 145, 145)
    assert said["bpb"] == pytest.approx(said["code_bits"] / 145)
    assert said["perplexity"] == pytest.approx(2 ** said["bpb"])
    # a whole number when measured, a fraction when estimated
    assert isinstance(said["code_bits"], int) == (program == "level:1")


def test_python_and_the_command_agree(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_byte_llama(Path("net"))
    capsys.readouterr()
    assert run(["bits", "--json", "net", "note.txt", "--window", "32", "--overlap", "5", "--per-byte", "x.npy"]) == 0
    said = json.loads(capsys.readouterr().out)
    report = multum.code_bits("net", note, window=32, overlap=5)
    assert said["code_bits"] == pytest.approx(report.code_bits, rel=1e-6)
    assert np.load("x.npy").sum() == pytest.approx(report.code_bits, rel=1e-5)


def test_an_error_is_told_as_json_too(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bits", "--json", "level:5", "none"]) == 1
    assert json.loads(capsys.readouterr().out) == {"source": "bits", "error": "none: No such file or directory"}


def test_bytes_that_are_no_text_are_a_warning(
    note: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_text_llama(Path("net"))
    note.write_bytes(b"a note \xff\n")
    capsys.readouterr()
    assert run(["bits", "net", "note.txt"]) == 0
    said = capsys.readouterr()
    assert "warning: note.txt: 1 bytes are not UTF-8; the program spells them one by one" in said.err
    assert said.out.startswith("note.txt: 9 bytes -> ")


def test_a_sample_of_a_trained_program_is_repeated_by_its_seed(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_byte_llama(Path("net"))
    line = "multum sample net -n 30 --prompt 'a note' --temperature 0.7 --top-p 0.9 --seed 4 -o"
    for name in ("one", "two"):
        assert play(f"{line} {name}", monkeypatch).code == 0
    assert Path("one").read_bytes() == Path("two").read_bytes()
    assert len(Path("one").read_bytes()) == 30


def test_weights_stay_integers_in_memory_where_that_is_asked_for(
    note: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_byte_llama(Path("net"), hidden_size=32, intermediate_size=64)
    capsys.readouterr()
    assert run(["bits", "--json", "net", "note.txt", "--weight-bits", "4"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["code_bits"] == pytest.approx(multum.code_bits("net", note, weight_bits=4).code_bits, rel=1e-6)
    assert said["code_bits"] != pytest.approx(multum.code_bits("net", note).code_bits, rel=1e-6)
    assert play("multum sample net -n 30 --seed 4 --weight-bits 8 -o x", monkeypatch).code == 0
    assert len(Path("x").read_bytes()) == 30
    assert run(["bits", "net", "note.txt", "--code", "x", "--weight-bits", "4"]) == 1
    assert "codes are made by a program in integers" in capsys.readouterr().err
