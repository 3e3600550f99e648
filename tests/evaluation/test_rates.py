"""Rates of any program on any data: what the numbers mean, and what is written."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import multum
from multum.errors import UsageError
from multum.evaluation import rates
from multum.evaluation.contents import read_data
from tests.archive.samples import text
from tests.neural.samples import HARD, save_byte_llama, save_text_llama


@pytest.fixture
def bytewise(tmp_path: Path) -> Path:
    save_byte_llama(tmp_path / "bytewise")
    return tmp_path / "bytewise"


@pytest.fixture
def tokenwise(tmp_path: Path) -> Path:
    save_text_llama(tmp_path / "tokenwise")
    return tmp_path / "tokenwise"


def test_a_report_of_a_trained_program(bytewise: Path) -> None:
    data = text(500)
    report = multum.code_bits(bytewise, data, device="cpu")
    assert not report.measured
    assert (report.program, report.data, report.raw_bytes, report.tokens) == (str(bytewise), None, 500, 500)
    assert report.bpb == pytest.approx(report.code_bits / 500)
    assert report.perplexity == pytest.approx(2 ** (report.code_bits / 500))
    assert report.ledger.basis == "estimated"
    assert report.ledger.program_bits == report.program_bits > 0


def test_a_report_of_a_level() -> None:
    report = multum.code_bits("level:1", text(500))
    assert report.measured
    assert report.code_bits % 8 == 0
    assert report.ledger.basis == "measured"
    assert report.ledger.code_bits == report.code_bits


def test_tokens_are_fewer_than_bytes_and_perplexity_is_theirs(tokenwise: Path) -> None:
    report = multum.code_bits(tokenwise, text(300), device="cpu")
    assert report.tokens < 300
    assert report.perplexity == pytest.approx(2 ** (report.code_bits / report.tokens))


@pytest.mark.parametrize("program", ["level:1", "bytewise", "tokenwise"])
def test_no_data_takes_no_bits(program: str, request: pytest.FixtureRequest) -> None:
    name = program if program.startswith("level") else request.getfixturevalue(program)
    report = multum.code_bits(name, b"", device="cpu")
    assert (report.code_bits, report.bpb, report.perplexity, report.tokens) == (0, None, None, 0)


@pytest.mark.parametrize("program", ["bytewise", "tokenwise"])
@pytest.mark.parametrize("data", [text(700), HARD * 5, b"\xff\x00 bytes \xfe\xfe"])
def test_bits_of_each_byte_add_up(program: str, data: bytes, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    out = tmp_path / "bits.npy"
    report = multum.code_bits(request.getfixturevalue(program), data, per_byte=out, device="cpu")
    found = np.load(out)
    assert found.dtype == np.float32
    assert found.shape == (len(data),)
    assert found.sum(dtype=np.float64) == pytest.approx(report.code_bits, rel=1e-6)
    assert (found >= 0).all()


def test_bytes_that_are_no_text_are_told(tokenwise: Path) -> None:
    assert multum.code_bits(tokenwise, b"the \xff\xfe", device="cpu").stray_bytes == 2
    assert multum.code_bits(tokenwise, HARD, device="cpu").stray_bytes == 0


def test_windows_and_overlap_reach_the_program(bytewise: Path) -> None:
    few, many = (multum.code_bits(bytewise, text(300), window=16, overlap=n, device="cpu").code_bits for n in (0, 15))
    assert few != many
    with pytest.raises(UsageError, match="a window of 65 tokens is not allowed"):
        multum.code_bits(bytewise, b"abc", window=65, device="cpu")


def test_progress_is_told_in_bytes(tokenwise: Path) -> None:
    told: list[tuple[int, int | None]] = []
    multum.code_bits(tokenwise, text(900), batch=1, device="cpu", progress=lambda *now: told.append(now))
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == (900, 900)


def test_an_existing_file_of_bits_is_kept_unless_forced(bytewise: Path, tmp_path: Path) -> None:
    out = tmp_path / "bits.npy"
    out.write_text("mine")
    with pytest.raises(UsageError, match=r"bits\.npy' exists and was kept; overwrite it with -f"):
        multum.code_bits(bytewise, b"abc", per_byte=out, device="cpu")
    assert out.read_text() == "mine"
    multum.code_bits(bytewise, b"abc", per_byte=out, force=True, device="cpu")
    assert np.load(out).shape == (3,)


def test_a_task_without_a_rate_is_refused(bytewise: Path) -> None:
    (bytewise / "multum.json").write_text(json.dumps({"task": "weather"}))
    with pytest.raises(UsageError, match="is a program for weather; rates are known for bytes"):
        multum.code_bits(bytewise, b"abc")
    with pytest.raises(UsageError, match="is a program for weather; here one for bytes or tokens is needed"):
        multum.sample(bytewise, 5)


def test_a_task_has_its_own_rate(bytewise: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seam: a task names the function that rates its programs."""
    (bytewise / "multum.json").write_text(json.dumps({"task": "weather"}))
    monkeypatch.setitem(rates.RATES, "weather", (__name__, "rate_weather"))
    assert multum.code_bits(bytewise, b"abc", window=7).program == "sunny 7"


def rate_weather(program: str, data: bytes, options: rates.RateOptions) -> rates.RateReport:
    report = rates.rate_bytes("level:1", data, rates.RateOptions())
    return replace(report, program=f"sunny {options.window}")


def test_data_is_read_from_wherever_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "b").mkdir(parents=True)
    (folder / "c.txt").write_bytes(b"three ")
    (folder / "b" / "a.txt").write_bytes(b"two ")
    (folder / "a.txt").write_bytes(b"one ")
    (tmp_path / "x.mtm").write_bytes(multum.pack_bytes(b"packed "))
    assert read_data(b"plain") == b"plain"
    assert read_data(io.BytesIO(b"stream")) == b"stream"
    assert read_data(folder) == b"one two three "
    assert read_data([folder / "a.txt", tmp_path / "x.mtm"]) == b"one packed "
    assert read_data(str(folder / "*.txt")) == b"one three "


def test_data_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no files"):
        read_data(tmp_path)
    with pytest.raises(UsageError, match="there is no data; name files"):
        read_data([])
    with pytest.raises(FileNotFoundError, match="none"):
        read_data(tmp_path / "none")
