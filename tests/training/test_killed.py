"""A fit that is killed at any moment goes on from its last checkpoint and ends where an undisturbed one does."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from multum.training.checkpoints import CHECKPOINT

PROGRAM = """
import sys, torch
torch.set_num_threads(1)
import multum
report = multum.fit(
    sys.argv[1], sys.argv[2], resume="--resume" in sys.argv, force=True, parameters=10_000, window=32, batch=512,
    tokens=102_400, threads=1, device="cpu", precision=sys.argv[3], checkpoint_s=0.0,
)
print(report.rate_bpb)
"""
DATA = b"".join(b"%d much in little, little in much; " % (number % 10) for number in range(1500))
PATIENCE_S = 120


def start(data: Path, out: Path, precision: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(data), str(out), precision, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> float:
    printed, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return float(printed)


def kill_after_a_checkpoint(process: subprocess.Popen[str], out: Path, wait_s: float) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not (out / CHECKPOINT).exists() and time.monotonic() < end_s:
        time.sleep(0.005)
    time.sleep(wait_s)
    process.kill()
    process.communicate(timeout=PATIENCE_S)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_killed_at_random_steps_and_resumed_it_ends_with_the_same_loss(tmp_path: Path, precision: str) -> None:
    data, whole, torn = tmp_path / "data", tmp_path / "whole", tmp_path / "torn"
    data.write_bytes(DATA)
    rate_bpb = finish(start(data, whole, precision))
    draws = random.Random(7)
    kill_after_a_checkpoint(start(data, torn, precision), torn, draws.random())
    assert (torn / CHECKPOINT).exists()
    kill_after_a_checkpoint(start(data, torn, precision, "--resume"), torn, 2 + draws.random())
    if (torn / CHECKPOINT).exists():
        assert finish(start(data, torn, precision, "--resume")) == pytest.approx(rate_bpb, abs=1e-6)
    ours, theirs = load_file(whole / "model.safetensors"), load_file(torn / "model.safetensors")
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
    # Nothing in the target is half-written; a kill while files are written may leave a hidden one beside it.
    assert not list(torn.glob(".multum-*"))
