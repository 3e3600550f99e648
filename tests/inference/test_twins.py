"""Compiled and interpreted, networks predict the same."""

import os
import subprocess
import sys
from pathlib import Path

READ_TINY = """
import numpy as np
from multum.inference.reading import Streams
from tests.inference.conftest import make_network, make_recurrent
tokens = np.random.default_rng(0).integers(0, 24, 40).astype(np.int32)
tokens[[0, 20]] = -1
for network in (
    make_network(), make_network(overlap=5, biased=True),
    make_recurrent(), make_recurrent(start=7, taps=2, tied=True, biased=True),
):
    print(Streams(network, ahead=3).read(tokens).tobytes().hex())
    print(Streams(network, 40).advance(tokens).tobytes().hex())
"""


def read_tiny(**environment: str) -> list[str]:
    """Return what a fresh interpreter reads."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ_TINY],
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_interpreted_kernels_predict_the_same() -> None:
    compiled = read_tiny()
    assert read_tiny(NUMBA_DISABLE_JIT="1") == compiled
    assert len(set(compiled)) == 8
