"""Programs are trained where there is data and time enough for them to pay, and stand in the ledger."""

import sys
from pathlib import Path

import pytest

import multum
from multum.finding import fitting
from multum.finding.fitting import SIZES, choose_sizes, train_programs
from tests.finding.samples import waves


@pytest.mark.parametrize(("raw_bytes", "time_s"), [(1_000_000, 1e6), (10**9, None), (10**9, 60.0), (0, 3600.0)])
def test_nothing_is_trained_on_little_data_or_in_little_time(raw_bytes: int, time_s: float | None) -> None:
    assert choose_sizes(raw_bytes, time_s) == []


def test_more_data_gets_larger_programs_within_a_share_of_the_budget() -> None:
    for least_bytes, count in ((SIZES[0][1], 1), (SIZES[1][1], 2), (SIZES[2][1], 3)):
        sizes = choose_sizes(least_bytes, 10_000.0)
        assert [weights for weights, _ in sizes] == [weights for weights, _ in SIZES[:count]]
        assert sum(time_s for _, time_s in sizes) == pytest.approx(4000)
    assert [weights for weights, _ in choose_sizes(10**9, 2000.0)] == [weights for weights, _ in SIZES[:2]]


def test_a_trained_program_stands_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="the extra multum[learn] is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fitting, "SIZES", ((5_000, 1_000),))
    monkeypatch.setattr(fitting, "_LEAST_S_A_WEIGHT", 1e-6)
    Path("data").write_bytes(waves(200))
    report = multum.find("data", time_s=8)
    trained = {one.name: one for one in report.candidates if one.name.startswith("trained")}
    assert list(trained) == [f"trained, 5,000 weights{at}" for at in (" at 2 bits", " at 3 bits", " at 4 bits")]
    assert all(one.program_bits > 8 * 2_000 and not one.measured for one in trained.values())


def test_without_a_training_library_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert list(train_programs(b"data" * 1000, [(5_000, 1.0)], tmp_path, 1)) == []
