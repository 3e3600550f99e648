"""Run one compressor on one file in processes of its own and tell what it cost.

Invariant: a measurement exists only when the packed file was unpacked again, and says whether the bytes came back.
"""

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.codecs import Codec
from bench.corpus import ROOT, CorpusFile


class CommandFailed(Exception):
    """A compressor ended with an error; the message has its last words."""


@dataclass(frozen=True)
class Cost:
    """What one process took.

    rss_bytes: its peak of resident memory; never under that of this script, which starts it, some 22 MB.
    """

    cpu_s: float
    wall_s: float
    rss_bytes: int


@dataclass(frozen=True)
class Measurement:
    """One compressor on one file, packed and unpacked once."""

    raw_bytes: int
    packed_bytes: int
    pack: Cost
    unpack: Cost
    verified: bool


def measure(codec: Codec, file: CorpusFile) -> Measurement:
    """Return what `codec` made of `file`. Raises CommandFailed when it ends with an error."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        folder = Path(name)
        raw_bytes = file.write_to(folder / "plain")
        pack = run(codec, codec.pack, folder, codec.packed)
        unpack = run(codec, codec.unpack, folder, "back")
        verified = filecmp.cmp(folder / "plain", folder / "back", shallow=False)
        return Measurement(raw_bytes, (folder / codec.packed).stat().st_size, pack, unpack, verified)


def run(codec: Codec, command: tuple[str, ...], folder: Path, target: str) -> Cost:
    """Return the cost of `command`; what it prints becomes `target` unless it wrote that itself."""
    printed = folder / "printed"
    cost = run_command(command, folder, printed)
    if codec.reports_cpu:
        return Cost(float(printed.read_text()), cost.wall_s, cost.rss_bytes)
    if not (folder / target).exists():
        printed.rename(folder / target)
    return cost


def run_command(command: tuple[str, ...], folder: Path, printed: Path) -> Cost:
    """Return the cost of `command` run inside `folder`, its standard output going to `printed`.

    CPU is user and system time of the process and all it waited for; wait4 tells both for this one child.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled; so is what is measured
    with printed.open("wb") as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
        if child.returncode:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip()[-500:]
            raise CommandFailed(f"{' '.join(command)} ended with {child.returncode}: {words}")
    # ru_maxrss is in bytes on macOS and in KiB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * unit)
