"""What is measured once and not a file: start-up time, and what a second thread is worth."""

import filecmp
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.codecs import Codec
from bench.corpus import ROOT, CorpusFile
from bench.measure import measure, run_command
from multum.archive.coding import block_bytes

PYTHON = sys.executable
TEN_BYTES = b"0123456789"

# Packs and unpacks the start of every file at one level, so that whatever compiles has compiled before the clock runs.
WARM = """
import sys, tempfile, multum
from pathlib import Path
with tempfile.TemporaryDirectory() as folder:
    plain, packed, back = (Path(folder, name) for name in ("plain", "packed.mtm", "back"))
    for name in sys.argv[2:]:
        with open(name, "rb") as source:
            plain.write_bytes(source.read(8192))
        multum.pack(plain, packed, level=int(sys.argv[1]))
        multum.unpack(packed, back)
        packed.unlink()
        back.unlink()
"""


def warm_kernels(codecs: Sequence[Codec], files: Sequence[CorpusFile]) -> None:
    """Let Multum compile all it needs for `files` at the levels among `codecs`."""
    names = list(dict.fromkeys(str(file.path) for file in files))
    for codec in codecs:
        if codec.needs == "multum":
            subprocess.run([PYTHON, "-c", WARM, codec.name.removeprefix("multum -"), *names], cwd=ROOT, check=True)


def measure_startup(repeat: int) -> dict[str, dict[str, float]]:
    """Return the best CPU and wall seconds of starting Multum, beside Python and numba alone."""
    commands = {
        "python -c pass": (PYTHON, "-c", "pass"),
        'python -c "import numba"': (PYTHON, "-c", "import numba"),
        'python -c "import multum"': (PYTHON, "-c", "import multum"),
        "multum --version": (PYTHON, "-m", "multum", "--version"),
        "multum pack -q ten-bytes": (PYTHON, "-m", "multum", "pack", "-q", "-f", "-o", "ten.mtm", "ten"),
        "multum unpack -q ten-bytes.mtm": (PYTHON, "-m", "multum", "unpack", "-q", "-f", "-o", "ten.back", "ten.mtm"),
    }
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        folder = Path(name)
        (folder / "ten").write_bytes(TEN_BYTES)
        costs = {
            title: [run_command(command, folder, folder / "printed") for _ in range(repeat)]
            for title, command in commands.items()
        }
    return {
        title: {"cpu_s": round(min(c.cpu_s for c in runs), 4), "wall_s": round(min(c.wall_s for c in runs), 4)}
        for title, runs in costs.items()
    }


def measure_startup_of_codecs(codecs: Sequence[Codec], repeat: int) -> dict[str, float]:
    """Return the best CPU seconds that each codec takes to pack ten bytes."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        path = Path(name, "ten")
        path.write_bytes(TEN_BYTES)
        ten = CorpusFile("ten-bytes", path)
        return {c.name: round(min(measure(c, ten).pack.cpu_s for _ in range(repeat)), 4) for c in codecs}


def measure_threads(level: int, files: Sequence[CorpusFile], repeat: int, blocks: int = 4) -> dict[str, Any]:
    """Return wall seconds with one and two threads on an input of `blocks` full blocks, and whether the bytes agree."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        folder = Path(name)
        raw_bytes = _fill_blocks(folder / "plain", files, blocks * block_bytes(level))
        pack = {n: [_pack_threads(level, n, folder) for _ in range(repeat)] for n in (1, 2)}
        unpack = {n: [_unpack_threads(n, folder) for _ in range(repeat)] for n in (1, 2)}
        return {
            "codec": f"multum -{level}",
            "raw_bytes": raw_bytes,
            "blocks": blocks,
            "pack_wall_s": {n: round(min(runs), 3) for n, runs in pack.items()},
            "unpack_wall_s": {n: round(min(runs), 3) for n, runs in unpack.items()},
            "pack_speedup": round(min(pack[1]) / min(pack[2]), 3),
            "unpack_speedup": round(min(unpack[1]) / min(unpack[2]), 3),
            "same_bytes": filecmp.cmp(folder / "packed1.mtm", folder / "packed2.mtm", shallow=False),
            "verified": filecmp.cmp(folder / "plain", folder / "back2", shallow=False),
        }


def _fill_blocks(target: Path, files: Sequence[CorpusFile], size_bytes: int) -> int:
    """Write the files one after the other, from the first again when they run out, up to `size_bytes`."""
    left = size_bytes
    with target.open("wb") as out:
        while left:
            for file in files:
                left -= out.write(file.path.read_bytes()[:left])
    return size_bytes


def _pack_threads(level: int, threads: int, folder: Path) -> float:
    options = (f"-{level}", "-T", str(threads), "-q", "-f", "-o", f"packed{threads}.mtm")
    return run_command((PYTHON, "-m", "multum", "pack", *options, "plain"), folder, folder / "printed").wall_s


def _unpack_threads(threads: int, folder: Path) -> float:
    options = ("-T", str(threads), "-q", "-f", "-o", f"back{threads}")
    command = (PYTHON, "-m", "multum", "unpack", *options, f"packed{threads}.mtm")
    return run_command(command, folder, folder / "printed").wall_s
