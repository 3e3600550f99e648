"""Kernels are compiled once on a machine: the first run says so, later ones say nothing and start fast."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from multum.bits import kernels
from multum.mixing import compiling, encode, engine
from tests.mixing.samples import data, small


def test_nothing_is_compiled_once_a_block_was_coded() -> None:
    encode(data("text", 300), small(1, "text"))
    assert not compiling()


def test_an_index_without_this_machine_means_compiling() -> None:
    def fake(index: dict[object, str]) -> SimpleNamespace:
        context = SimpleNamespace(codegen=lambda: SimpleNamespace(magic_tuple=lambda: ("here", "avx2")))
        return SimpleNamespace(
            signatures=[],
            targetdescr=SimpleNamespace(target_context=context),
            _cache=SimpleNamespace(_cache_file=SimpleNamespace(_load_index=lambda: index)),
        )

    assert kernels.is_cached(fake({})) is False
    assert kernels.is_cached(fake({("signature", ("there", "sse2"), "hash"): "file"})) is False
    assert kernels.is_cached(fake({("signature", ("here", "avx2"), "hash"): "file"})) is True


def test_without_numbas_help_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "code_block", lambda *_: None)
    assert not compiling()


def test_the_cache_watches_every_file_with_a_part() -> None:
    files = {Path(path).name for path in kernels._find_sources(engine.code_block.py_func, set())}
    assert {"engine.py", "features.py", "mixer.py", "slots.py", "matching.py", "adaptive.py", "binary.py"} <= files


@pytest.mark.slow
def test_the_first_run_says_that_it_compiles_and_the_second_does_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"multum in parvo, much in little\n")
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "multum", "pack", "-f", str(tmp_path / "a")],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append("compiling kernels, once on this machine" in done.stderr)
    assert said == [True, False]
