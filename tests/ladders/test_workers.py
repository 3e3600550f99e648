"""Workers: real processes that do jobs, die, and are told to stop."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import multum
from multum.errors import MissingExtra
from multum.ladders import workers
from multum.ladders.clusters import RayCluster
from multum.ladders.crews import Died, Failed
from multum.ladders.jobs import Job, Measured
from multum.ladders.workers import Workers
from multum.training.interruption import Interrupted, Interruption
from tests.ladders.test_ladder import DATA

PATIENCE_S = 180
REPORT = {"parameters": 10, "training_bytes": 30, "rate_bpb": 2.5, "window": 256}
RUN = {"units": 20, "time_s": 1.5, "precision": "float32", "device": "cpu"}
COMMAND = """
import sys, multum
grid = {"params": [8000, 8000, 40_000], "bytes": [10_000, 20_000, 400_000]}
crew = {"cluster": "local"} if "ray" in sys.argv else {"workers": 2}
multum.ladder(sys.argv[1], sys.argv[2], grid=grid, bits=[], device="cpu", **crew)
"""


def finish_run(folder: Path, **changed: Any) -> Job:
    """Return the job of a run that is finished already."""
    folder.mkdir()
    described = {"task": "bytes", "report": REPORT | {"run": RUN} | changed}
    (folder / "multum.json").write_text(json.dumps(described))
    return Job(folder.name, str(folder), "data", "held-out")


def test_jobs_are_done_by_as_many_processes_as_there_are(tmp_path: Path) -> None:
    jobs = [finish_run(tmp_path / name, rate_bpb=float(name)) for name in ("1", "2", "3")]
    with Workers(2) as crew, Interruption() as interruption:
        events = list(crew.run(jobs, interruption))
    assert sorted(event.rate_bpb for event in events if isinstance(event, Measured)) == [1, 2, 3]
    assert len(events) == 3


def test_a_damaged_run_fails_and_others_go_on(tmp_path: Path) -> None:
    jobs = [finish_run(tmp_path / "good"), finish_run(tmp_path / "bad")]
    (tmp_path / "bad" / "multum.json").write_text("{")
    with Workers(1) as crew, Interruption() as interruption:
        good, bad = crew.run(jobs, interruption)
    assert isinstance(good, Measured)
    assert isinstance(bad, Failed)
    assert "is not JSON" in bad.reason


def test_a_job_that_no_worker_survives_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_COMMAND", "import sys; sys.exit(7)")
    with Workers(1) as crew, Interruption() as interruption:
        first, second, last = crew.run([finish_run(tmp_path / "1")], interruption)
    assert first == second == Died("1", "its worker ended with 7")
    assert last == Failed("1", "its worker ended with 7, 3 times over this run")


def test_a_signal_ends_the_jobs(tmp_path: Path) -> None:
    jobs = [finish_run(tmp_path / "1")]
    with Workers(1) as crew, Interruption() as interruption:
        interruption.number = int(signal.SIGTERM)
        with pytest.raises(Interrupted, match="every run is saved"):
            list(crew.run(jobs, interruption))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").write_bytes(DATA)
    return tmp_path / "data"


def start(data: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND, str(data), str(out), *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, pattern: str) -> None:
    """Wait until a path in a folder is there."""
    end_s = time.monotonic() + PATIENCE_S
    while not list(path.glob(pattern)):
        assert time.monotonic() < end_s, f"{pattern} never came"
        time.sleep(0.05)


def list_workers(ladder: int) -> list[int]:
    """Return the processes that a ladder has started."""
    children = Path(f"/proc/{ladder}/task/{ladder}/children").read_text().split()
    return [int(one) for one in children]


def list_tasks(ladder: int) -> list[int]:
    """Return the processes of Ray that are at work for a ladder: children of its children."""
    titles = {
        child: Path(f"/proc/{child}/cmdline").read_bytes()
        for raylet in list_workers(ladder)
        for child in list_workers(raylet)
    }
    return [child for child, title in titles.items() if title.startswith(b"ray::_do")]


def count_runs(out: Path) -> int:
    return len((out / "points.jsonl").read_text().splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_run_of_a_worker_that_is_stopped_ends_all_the_same(
    data: Path, tmp_path: Path, number: signal.Signals
) -> None:
    ladder = start(data, tmp_path / "runs")
    wait_for(tmp_path / "runs", "runs/n*d400000")
    for worker in list_workers(ladder.pid):
        os.kill(worker, number)
    _, said = ladder.communicate(timeout=PATIENCE_S)
    assert ladder.returncode == 0, said
    assert count_runs(tmp_path / "runs") == 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_ladder_leaves_no_worker_and_goes_on(data: Path, tmp_path: Path, number: signal.Signals) -> None:
    ladder = start(data, tmp_path / "runs")
    wait_for(tmp_path / "runs", "runs/n*d400000")
    left = list_workers(ladder.pid)
    ladder.send_signal(number)
    ladder.communicate(timeout=PATIENCE_S)
    end_s = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{worker}").exists() for worker in left):
        assert time.monotonic() < end_s, "a worker outlives its ladder"
        time.sleep(0.1)
    assert list((tmp_path / "runs").glob("runs/n*d400000/checkpoint.safetensors"))
    again = start(data, tmp_path / "runs")
    _, said = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0, said
    assert count_runs(tmp_path / "runs") == 3


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs multum[cluster]")
def test_a_ladder_runs_on_a_ray_cluster(data: Path, tmp_path: Path) -> None:
    grid = {"params": [8000, 8000], "bytes": [10_000, 20_000]}
    report = multum.ladder(data, tmp_path / "runs", grid=grid, bits=[], cluster="local", device="cpu")
    assert [point.bytes for point in report.points] == [12_288, 20_480]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs multum[cluster]")
def test_a_task_that_is_killed_on_a_cluster_ends_all_the_same(data: Path, tmp_path: Path) -> None:
    ladder = start(data, tmp_path / "runs", "ray")
    wait_for(tmp_path / "runs", "runs/n*d400000")
    os.kill(list_tasks(ladder.pid)[0], signal.SIGKILL)
    _, said = ladder.communicate(timeout=PATIENCE_S)
    assert ladder.returncode == 0, said
    assert count_runs(tmp_path / "runs") == 3


def test_a_cluster_without_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"multum\[cluster\]"):
        RayCluster("auto")
