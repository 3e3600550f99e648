"""Kernels are compiled once on a machine, loaded without the compiler, and never used when they are out of date."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.bits import kernels
from multum.bits.kernels import flatten, invoke, kernel, part
from multum.bits.vectors import (
    LANES,
    TILE_LANES,
    TILES,
    dot_lanes,
    multiply_1_by_1,
    multiply_1_by_4,
    multiply_1_by_8,
    multiply_4_by_1,
    multiply_4_by_4,
    train_lanes,
)
from multum.mixing import engine


@part
def _dot(x, w, offset, blocks):
    return dot_lanes(x, w, offset, blocks)


@part
def _train(x, w, offset, blocks, step):
    train_lanes(x, w, offset, blocks, step)


@kernel
def _weigh(pair, scale):
    total = np.int64(0)
    for i in range(pair[1].shape[0]):
        for j in range(pair[1].shape[1]):
            total += np.int64(pair[1][i, j]) * scale + np.int64(pair[0][j])
    return total


@kernel
def _multiply(shape, a, w, c):
    pairs, columns, rows, vectors = shape[0], shape[1], shape[2], shape[3]
    if rows == 1 and vectors == 1:
        multiply_1_by_1(a, 0, 2 * pairs, w, 0, columns, pairs, c, 0, columns)
    elif rows == 1 and vectors == 4:
        multiply_1_by_4(a, 0, 2 * pairs, w, 0, columns, pairs, c, 0, columns)
    elif rows == 1:
        multiply_1_by_8(a, 0, 2 * pairs, w, 0, columns, pairs, c, 0, columns)
    elif vectors == 1:
        multiply_4_by_1(a, 0, 2 * pairs, w, 0, columns, pairs, c, 0, columns)
    else:
        multiply_4_by_4(a, 0, 2 * pairs, w, 0, columns, pairs, c, 0, columns)
    return 0


@kernel
def _add_one(numbers):
    numbers[0] += 1
    return 0


@kernel
def _repeat(bound, times):
    for _ in range(times):
        invoke(bound)
    return 0


compiled_only = pytest.mark.skipif(kernels.INTERPRETED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
stretches = st.integers(-2839, 2839)
weights = st.integers(-(2**19), 2**19 - 1)


@given(st.data(), st.integers(0, 4), st.integers(0, 5), st.integers(-(2**17) + 1, 2**17 - 1))
def test_lanes_equal_their_plain_loops(data: st.DataObject, blocks: int, offset: int, step: int) -> None:
    x = np.array(data.draw(st.lists(stretches, min_size=32, max_size=32)), np.int32)
    w = np.array(data.draw(st.lists(weights, min_size=40, max_size=40)), np.int32)
    plain = w.copy()
    assert _dot(x, w, offset, blocks) == dot_lanes(x, w, offset, blocks)
    _train(x, w, offset, blocks, step)
    train_lanes(x, plain, offset, blocks, step)
    assert (w == plain).all()
    assert (w[offset + LANES * blocks :] == plain[offset + LANES * blocks :]).all()


@pytest.mark.parametrize(("rows", "vectors"), TILES)
def test_tiles_are_exact_products(rows: int, vectors: int) -> None:
    random = np.random.default_rng(rows * vectors)
    pairs, columns = 9, TILE_LANES * vectors
    a = random.integers(-32767, 32768, (rows, 2 * pairs)).astype(np.int16)
    w = random.integers(-127, 128, (2 * pairs, columns)).astype(np.int8)
    packed = w.reshape(pairs, 2, columns).transpose(0, 2, 1).reshape(-1).copy()
    shape = np.array([pairs, columns, rows, vectors], np.int64)
    c = np.zeros(rows * columns, np.int32)
    _multiply(shape, a.reshape(-1), packed, c)
    exact = a.astype(np.int64) @ w.astype(np.int64)
    assert (c.reshape(rows, columns) == exact).all()
    plain = np.zeros_like(c)
    TILES[rows, vectors](a.reshape(-1), 0, 2 * pairs, packed, 0, columns, pairs, plain, 0, columns)
    assert (plain == c).all()


def test_a_kernel_invokes_another_with_the_arguments_bound_to_it() -> None:
    numbers = np.zeros(1, np.int64)
    _repeat(_add_one.bind(numbers), 5)
    assert numbers[0] == 5


def test_a_kernel_takes_numbers_arrays_and_tuples_of_them() -> None:
    pair = (np.arange(3, dtype=np.int32), np.ones((2, 3), np.uint8))
    assert _weigh(pair, 10) == 66
    assert _weigh(pair, np.int64(1)) == 12


@compiled_only
def test_a_kernel_refuses_other_types_than_it_was_compiled_for() -> None:
    _weigh((np.zeros(3, np.int32), np.ones((2, 3), np.uint8)), 1)
    with pytest.raises(TypeError, match=r"takes \(<i4\[1\],\|u1\[2\]\),int, not \(<i8\[1\]"):
        _weigh((np.zeros(3, np.int64), np.ones((2, 3), np.uint8)), 1)


@pytest.mark.parametrize("unfit", ["text", 1.5, np.zeros((4, 4))[:, 1], np.frombuffer(b"fixed", np.uint8)])
def test_what_a_kernel_cannot_take_is_refused(unfit: object) -> None:
    with pytest.raises(TypeError, match="whole numbers and contiguous arrays, not"):
        flatten((unfit,))


def test_the_stamp_watches_every_file_with_a_part() -> None:
    files = {Path(path).name for path in kernels.list_sources(engine.run_any_network.function)}
    parts = {"engine.py", "features.py", "mixer.py", "slots.py", "matching.py", "adaptive.py", "binary.py"}
    assert parts | {"kernels.py", "compiling.py", "vectors.py"} <= files


@compiled_only
def test_a_file_cut_short_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = kernels.Kernel(_weigh.function)
    path = tmp_path / "weigh.kernel"
    monkeypatch.setattr(fresh, "_paths", [path])
    arguments = ((np.zeros(1, np.int32), np.ones((1, 1), np.uint8)), 5)
    assert fresh(*arguments) == 5
    path.write_bytes(path.read_bytes()[:-1])
    again = kernels.Kernel(_weigh.function)
    monkeypatch.setattr(again, "_paths", [path])
    said: list[str] = []
    monkeypatch.setattr(kernels, "_listeners", [lambda: said.append("compiling")])
    assert again(*arguments) == 5
    assert said == ["compiling"]


@compiled_only
def test_machine_code_refers_to_nothing_outside_itself() -> None:
    from multum.bits.compiling import compile_kernel

    def flatten_pair(pair):
        return pair.reshape(pair.size).shape[0]

    with pytest.raises(AssertionError, match="flatten_pair needs numba_ of Python"):
        compile_kernel(flatten_pair, (np.ones((1, 1), np.uint8),))


@compiled_only
def test_a_loaded_kernel_needs_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"multum in parvo, much in little\n")
    code = "import sys, multum; multum.pack(sys.argv[1], force=True); print('numba' in sys.modules)"
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert outputs[1] == "False"


@pytest.mark.slow
def test_the_first_run_says_that_it_compiles_and_the_second_does_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"multum in parvo, much in little\n")
    source = Path(kernels.__file__).parents[1]
    package = tmp_path / "multum"
    subprocess.run(["cp", "-r", str(source), str(package)], check=True)
    for path in package.rglob("*.kernel"):
        path.unlink()
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "multum", "pack", "-f", str(tmp_path / "a")],
            env=os.environ | {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        said.append("compiling kernels, once on this machine" in done.stderr)
    assert said == [True, False]
