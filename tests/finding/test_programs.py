"""Trained programs are candidates too: carried, at several precisions, estimated until an archive was decoded back."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import multum
from multum.finding import programs
from multum.finding.programs import ProgramCandidate, estimate_program, sort_candidates
from tests.finding.samples import waves
from tests.small_programs import byte_program, typical


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_candidates_are_told_apart(tmp_path: Path) -> None:
    Path("waves").write_bytes(waves(40))
    multum.pack("waves", "plain.mtm", 9)
    multum.pack("waves", "with.mtm", 9, program=byte_program())
    Path("folder").mkdir()
    recipes, names = sort_candidates(["plain.mtm", "with.mtm", "folder", "some/model", tmp_path / "x.gguf"])
    assert [name for name, _ in recipes] == ["plain.mtm"]
    assert names == ["with.mtm", "folder", "some/model", str(tmp_path / "x.gguf")]


def test_the_estimate_has_the_program_in_it() -> None:
    candidate = ProgramCandidate("small", byte_program())
    account, need_s = estimate_program(candidate, waves(40))
    report = multum.pack("/dev/null", "empty.mtm", program=byte_program())
    assert account.program_bits == 8 * report.program_bytes > 0
    assert (account.measured, need_s > 0) == (False, True)


def test_a_program_that_pays_wins_at_the_best_of_its_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """By reference here, for what little data these small programs know would not pay for carrying one."""
    program = byte_program()
    Path("data").write_bytes(typical(program, 12_000))
    monkeypatch.setattr(programs, "read_program", lambda _, bits: program if bits is None else byte_program(2))
    monkeypatch.setattr(programs, "find_source", lambda _: SimpleNamespace(size_bytes=1 << 30))
    monkeypatch.setattr(
        ProgramCandidate, "options", lambda self: {"program": self.program, "level": 9, "reference": True}
    )
    report = multum.find("data", trials=10, candidates=["some/model"])
    assert report.winner == "some/model"
    accounts = {account.name: account for account in report.candidates}
    assert accounts["some/model"].measured
    assert not accounts["some/model at 4 bits"].measured
    assert report.archive_bytes == Path("data.mtm").stat().st_size
    multum.unpack("data.mtm", "back", program=program)
    assert Path("back").read_bytes() == Path("data").read_bytes()


def test_a_program_that_does_not_pay_stays_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").write_bytes(waves(80))
    monkeypatch.setattr(programs, "read_program", lambda *_: byte_program())
    monkeypatch.setattr(programs, "find_source", lambda _: SimpleNamespace(size_bytes=1 << 30))
    report = multum.find("data", trials=10, candidates=["some/model"])
    assert report.winner != "some/model"
    assert [one.measured for one in report.candidates if one.name == "some/model"] == [False]
