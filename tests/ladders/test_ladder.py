"""Ladders from beginning to end, of runs that take a moment."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multum
from multum.errors import MissingExtra, UsageError
from multum.ladders import running
from multum.ladders.concluding import conclude
from multum.ladders.folders import open_folder
from multum.ladders.reports import Cost, Moment
from multum.ladders.rungs import Rung
from multum.training.interruption import Interrupted
from tests.ladders.crews import InlineCrew

DATA = b"".join(b"%d much in little, little in much; " % (number % 10) for number in range(1500))
GRID = {"params": [8000] * 3 + [16_000] * 3, "bytes": [10_000, 20_000, 40_000] * 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ladder") / "data"
    path.write_bytes(DATA)
    return path


def run(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch, crew: InlineCrew, **options: Any) -> Any:
    monkeypatch.setattr(running, "_make_crew", lambda _: crew)
    return multum.ladder(data, out, **({"grid": GRID, "bits": [], "device": "cpu", "precision": "float32"} | options))


@pytest.fixture(scope="module")
def finished(data: Path) -> Any:
    """A ladder whose runs are done, and its folder."""
    out = data.parent / "finished"
    with pytest.MonkeyPatch.context() as patch:
        costs, moments = list[Cost](), list[Moment]()
        report = run(data, out, patch, InlineCrew(), announce=costs.append, progress=moments.append)
    return out, report, costs, moments


def test_every_run_is_a_point_scored_on_the_same_bytes(finished: Any) -> None:
    out, report, _, _ = finished
    points = [json.loads(line) for line in (out / "points.jsonl").read_text().splitlines()]
    assert len(points) == len({point["run"] for point in points}) == 6
    assert {point.run for point in report.points} == {point["run"] for point in points}
    for point in points:
        described = json.loads((out / "runs" / point["run"] / "multum.json").read_text())
        assert described["report"]["rate_bpb"] == point["bpb"]
        assert (
            described["data"]["held_out"][0]["digest"]
            == hashlib.sha256((out / "data" / "held-out").read_bytes()).hexdigest()
        )
        assert "unique_bytes" not in point  # no run repeats any


def test_the_cost_is_told_before_the_first_run(finished: Any) -> None:
    _, report, costs, moments = finished
    (cost,) = costs
    assert (cost.runs, cost.finished) == (6, 0)
    assert cost.flops == pytest.approx(report.flops, rel=0.5)  # runs end with a whole step
    assert cost.time_s > 0
    assert moments[-1].fraction == pytest.approx(1)
    assert moments[-1].done == 6


def test_law_reads_the_folder_of_a_ladder(finished: Any) -> None:
    out, report, _, _ = finished
    law = multum.law(out, form="kaplan-n")
    assert (law.points, law.unit, law.amounts) == (6, "bits", "bytes")
    if report.law is not None:
        assert multum.open_law(out / "LAW.json").parameters == report.law.parameters


def test_the_same_call_makes_no_finished_run_again(data: Path, finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out, report, _, _ = finished
    crew = InlineCrew()
    again = run(data, out, monkeypatch, crew)
    assert crew.done == []
    assert again.points == report.points


def test_another_grid_is_another_ladder(data: Path, finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="holds another ladder: its grid is"):
        run(data, finished[0], monkeypatch, InlineCrew(), grid={"params": [8000], "bytes": [10_000]})


def test_a_stopped_ladder_goes_on_with_what_is_left(
    data: Path, tmp_path: Path, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = InlineCrew(stop_after=2), InlineCrew()
    with pytest.raises(Interrupted, match="stopped; every run is saved"):
        run(data, tmp_path / "runs", monkeypatch, first)
    report = run(data, tmp_path / "runs", monkeypatch, second)
    assert sorted(first.done + second.done) == sorted(point.run for point in report.points)
    assert [point.bpb for point in report.points] == [point.bpb for point in finished[1].points]


def test_a_run_that_fails_is_told_and_tried_again_next_time(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = {"params": [8000, 8000], "bytes": [10_000, 20_000]}
    name = Rung(8000, 20_000).name
    report = run(data, tmp_path / "runs", monkeypatch, InlineCrew(broken=name), grid=grid)
    assert report.failed == ((name, "it broke"),)
    assert len(report.points) == 1
    assert report.law is None
    assert "no law" in report.notes[0]
    assert len(run(data, tmp_path / "runs", monkeypatch, InlineCrew(), grid=grid).points) == 2


def test_programs_are_rounded_and_shares_repeat(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = {"params": [8000], "bytes": [30_000], "share": [0.25]}
    report = run(data, tmp_path / "runs", monkeypatch, InlineCrew(), grid=grid, bits=[1.5])
    plain, coarse = report.points
    assert (plain.post_training_bits, coarse.post_training_bits) == (32, 1.5)
    assert plain.bpb < coarse.bpb < plain.bpb + 1
    assert plain.unique_bytes < plain.bytes
    assert "at 1.5 bits" in str(report)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give --budget TIME"),
        ({"time_s": 60, "flops": 1e15}, "time or FLOPs, one of them"),
        ({"time_s": -1}, "a budget of -1 time is not possible"),
        ({"flops": 1e12, "bits": [9]}, "9 bits a weight are not possible; allowed is 1 to 8"),
        ({"flops": 1e12, "architecture": "lstm"}, "there is no architecture 'lstm'"),
        ({"flops": 1e12, "precision": "int1"}, "there is no precision 'int1'"),
        ({"flops": 1e12, "workers": -1}, "-1 workers"),
        ({"flops": 1e12, "workers": 2, "cluster": "auto"}, "give one of them"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        multum.ladder(tmp_path / "data", tmp_path / "runs", **options)


def test_a_grid_beyond_its_budget_is_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"the grid takes .* FLOPs, and 1e\+06 are left"):
        run(data, tmp_path / "runs", monkeypatch, InlineCrew(), flops=1e6)


def test_the_law_of_a_ladder_has_what_the_ladder_varies(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    with open_folder(tmp_path / "runs", force=False) as folder:
        rungs = [Rung(n, d) for n in (11_568, 40_096, 107_856) for d in (300_000, 1_000_000, 3_000_000)]
        for rung in rungs:
            n, d = rung.shape.parameters, rung.trained_bytes
            point = {"run": rung.name, "parameters": n, "bytes": d, "flops": rung.flops, "share": 1.0, "seed": 0}
            for bits in (32.0, 6.0, 4.0, 3.0):
                rate = (1.2 + 14 / n**0.3 + 180 / d**0.4 + 8 * np.exp(-bits / 0.7)) * np.exp(generator.normal(0, 0.002))
                folder.append_points([point | {"bpb": rate, "post_training_bits": bits, "time_s": 1.0}])
        report = conclude(folder, rungs, (), 10_000_000, 1.0)
    assert report.law is not None
    assert (report.law.form, report.law.points) == ("precision", 36)
    assert report.plan is not None
    assert report.plan.compute == pytest.approx(10 * max(rung.flops for rung in rungs))
    assert multum.open_law(tmp_path / "runs" / "LAW.json").parameters == report.law.parameters


def test_without_a_training_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"multum\[learn\]"):
        multum.ladder(tmp_path / "data", tmp_path / "runs", flops=1e12)
