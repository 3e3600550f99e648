"""Two processes come to what one process with twice the accumulation comes to, weights whole or divided."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

DATA = b"".join(b"%d much in little, little in much; " % (number % 10) for number in range(1500))
PATIENCE_S = 240
FIT = [
    *["--params", "10k", "--window", "32", "--batch", "512", "--tokens", "30720"],
    *["-T", "1", "--device", "cpu", "--precision", "float32", "--json", "-q", "-o"],
]


def run(folder: Path, out: str, *launcher: str, more: tuple[str, ...] = ()) -> dict[str, Any]:
    command = [sys.executable, "-m", *launcher, "multum", "fit", "data", *FIT, out, *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")


@pytest.mark.slow
def test_two_processes_equal_one_with_twice_the_accumulation(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    one = run(tmp_path, "one")
    for out, more in {"copies": (), "shares": ("--sharded",)}.items():
        two = run(tmp_path, out, *TORCHRUN, more=more)
        assert (one["run"]["processes"], two["run"]["processes"]) == (1, 2)
        assert (two["batch"], two["run"]["units"]) == (one["batch"], one["run"]["units"])
        assert two["rate_bpb"] == pytest.approx(one["rate_bpb"], abs=1e-4)
        ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("one", out))
        assert all(ours[name].shape == theirs[name].shape for name in ours)
        assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 0.02
