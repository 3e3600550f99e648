"""The trainer goes through a budget, stops anywhere, and takes up where it stopped."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from multum.errors import FormatError, MultumError, UsageError
from multum.training.checkpoints import CHECKPOINT
from multum.training.interruption import Interrupted
from multum.training.settings import Budget, Settings
from multum.training.trainer import Moment, RunReport, train
from tests.training.tiny import ROWS, TinyTask, settings


def run(folder: Path, task: TinyTask | None = None, **changes: Any) -> tuple[nn.Module, RunReport]:
    folder.mkdir(exist_ok=True)
    return train(task or TinyTask(), folder, settings(**changes))


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def test_a_run_learns_and_reports_what_it_did(tmp_path: Path) -> None:
    _, report = run(tmp_path, steps=300)
    assert report.scores["bits_per_unit"] < 0.75
    assert (report.steps, report.units, report.ended, report.processes) == (300, 300 * ROWS, "budget", 1)
    assert report.flops == 1000 * report.units
    assert report.scores["bits_per_unit"] == min(one["bits_per_unit"] for one in report.history)
    assert list((tmp_path / "runs").iterdir())


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    first, _ = run(tmp_path / "a", TinyTask(dropout=0.3))
    second, _ = run(tmp_path / "b", TinyTask(dropout=0.3))
    other, _ = run(tmp_path / "c", TinyTask(dropout=0.3), seed=1)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


@pytest.mark.parametrize("stopped_at", [1, 29, 59])
def test_an_interrupted_run_ends_where_an_undisturbed_one_does(tmp_path: Path, stopped_at: int) -> None:
    task, asked = TinyTask(dropout=0.3), settings(muon_rate=0.02)
    (tmp_path / "whole").mkdir()
    (tmp_path / "torn").mkdir()
    whole, report = train(task, tmp_path / "whole", asked)

    def interrupt(moment: Moment) -> None:
        if moment.step == stopped_at:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match=f"stopped at step {stopped_at}; everything is saved in") as stopped:
        train(task, tmp_path / "torn", asked, interrupt)
    assert stopped.value.number == signal.SIGTERM
    torn, resumed = train(task, tmp_path / "torn", asked, resume=True)
    assert torch.equal(weights(whole), weights(torn))
    assert resumed.scores == report.scores
    assert [one["bits_per_unit"] for one in resumed.history] == [one["bits_per_unit"] for one in report.history]
    assert (resumed.steps, resumed.units) == (report.steps, report.units)


def test_handlers_of_signals_are_as_before_after_a_run(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run(tmp_path, steps=2)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(
    ("task", "changes", "said"),
    [
        (TinyTask(dropout=0.5), {}, "of another run: its dropout is 0.0, now it is 0.5"),
        (TinyTask(), {"seed": 7}, "of another run: its seed is 0, now it is 7"),
        (TinyTask(), {"steps": 3}, "of another run: its budget is"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, task: TinyTask, changes: dict[str, Any], said: str
) -> None:
    run(tmp_path, steps=2)
    with pytest.raises(UsageError, match=said):
        train(task, tmp_path, settings(**{"steps": 2} | changes), resume=True)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(FormatError, match="is not a checkpoint of a run"):
        train(TinyTask(), tmp_path, settings(), resume=True)


def test_a_run_that_gains_nothing_ends_early_with_its_best_weights(tmp_path: Path) -> None:
    _, report = run(tmp_path, steps=400, learning_rate=3.0, evaluations=100, patience=5, decay=0.0, clip=1e9)
    assert report.ended == "early"
    assert report.steps < 400
    assert report.best_step < report.steps
    assert report.scores["bits_per_unit"] == min(one["bits_per_unit"] for one in report.history)


def test_a_loss_that_is_no_number_ends_the_run_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(MultumError, match="the gradient is nan at step 0; lower the learning rate"):
        train(TinyTask(trouble=float("nan")), tmp_path, settings())


def test_accumulation_sums_what_one_large_batch_holds(tmp_path: Path) -> None:
    twice, _ = run(tmp_path / "a", TinyTask(accumulation=2), accumulation=2, budget=Budget(units=40 * ROWS))
    beside, _ = run(tmp_path / "b", TinyTask(accumulation=2), accumulation=2, workers=2, budget=Budget(units=40 * ROWS))
    assert torch.allclose(weights(twice), weights(beside), atol=1e-6)


def test_a_budget_of_time_is_kept(tmp_path: Path) -> None:
    _, report = run(tmp_path, budget=Budget(time_s=0.5), checkpoint_s=60.0)
    assert 0.5 <= report.time_s < 5
    assert report.steps > 1


def test_a_resumed_budget_of_time_counts_what_was_spent(tmp_path: Path) -> None:
    def interrupt(moment: Moment) -> None:
        if moment.fraction > 0.5:
            os.kill(os.getpid(), signal.SIGINT)

    asked = settings(budget=Budget(time_s=1.0), checkpoint_s=60.0)
    with pytest.raises(Interrupted, match="stopped at step"):
        train(TinyTask(), tmp_path, asked, interrupt)
    seen: list[Moment] = []
    train(TinyTask(), tmp_path, asked, seen.append, resume=True)
    assert seen[0].spent_s > 0.5
    assert seen[0].left_s < 0.6


def test_what_is_watched_goes_from_nothing_to_the_end(tmp_path: Path) -> None:
    seen: list[Moment] = []
    train(TinyTask(), tmp_path, settings(steps=50), seen.append)
    assert [moment.step for moment in seen] == list(range(1, 51))
    assert seen[0].held_out is None
    assert seen[-1].held_out is not None
    assert seen[-1].fraction == pytest.approx(0.98)
    assert all(moment.speed > 0 for moment in seen)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"device": "abacus"}, "there is no device 'abacus'; choose one of auto, cpu"),
        ({"precision": "int1"}, "there is no precision 'int1'"),
        ({"learning_rate": float("nan")}, "learning rate is nan; allowed is more than 0"),
        ({"warmup": 2.0}, "warmup is 2.0; allowed is 0 to 1"),
        ({"accumulation": 0}, "accumulation is 0; allowed is 1 or more"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(Budget(units=1), **changes)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({}, "one of them; got none"),
        ({"units": 1, "time_s": 1.0}, r"got \['time_s', 'units'\]"),
        ({"flops": float("inf")}, "a budget of inf flops is not possible"),
        ({"units": 0}, "a budget of 0 units is not possible"),
    ],
)
def test_a_budget_is_one_positive_number(budget: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Budget(**budget)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(UsageError, match="device 'cuda' cannot be used"):
        run(tmp_path, device="cuda")


def test_sharing_weights_needs_several_processes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody to share weights with"):
        run(tmp_path, sharded=True)
