"""A long stream takes no more memory than a short one."""

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

STREAM_BYTES = 200 << 20
LEVEL_1_BYTES = 200 << 20

# Runs the command line and writes the process's peak of resident memory, in KiB, as the last line of stderr.
# (getrusage would tell that of the test's own process, which is larger, from before the child became another program.)
MEASURED = """
import sys
from multum.cli.app import run
code = run(sys.argv[1:])
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


def pieces() -> Iterator[bytes]:
    """Yield the stream: sources of the standard library, over and over."""
    left = STREAM_BYTES
    while left:
        for path in sorted(Path(io.__file__).parent.glob("*.py")):
            piece = path.read_bytes()[:left]
            left -= len(piece)
            yield piece


def feed(target: BinaryIO) -> None:
    with target:
        for piece in pieces():
            target.write(piece)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one program's memory")
def test_a_200_mb_stream_at_level_1_takes_constant_memory(tmp_path: Path) -> None:
    with open(tmp_path / "out.mtm", "wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", MEASURED, "pack", "-1", "-q", "-T", "2"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stderr is not None
        feeder = threading.Thread(target=feed, args=(process.stdin,))
        feeder.start()
        talk = process.stderr.read()
        feeder.join()
        process.stderr.close()
    assert process.wait() == 0, talk
    assert int(talk.split()[-1]) << 10 <= LEVEL_1_BYTES
    unpack(tmp_path / "out.mtm")


def unpack(path: Path) -> None:
    """Unpack through a pipe, compare with the stream, and check the peak of memory."""
    with open(path, "rb") as source:
        process = subprocess.Popen(
            [sys.executable, "-c", MEASURED, "unpack", "-q", "-T", "2"],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert all(process.stdout.read(len(piece)) == piece for piece in pieces())
        assert process.stdout.read(1) == b""
        talk = process.stderr.read()
    assert process.wait() == 0, talk
    assert int(talk.split()[-1]) << 10 <= LEVEL_1_BYTES
