"""Run a compressor that is a Python package, and print the CPU seconds it took.

Run as `python -m bench.bindings pack|unpack NAME SOURCE TARGET`. A binding is as fast as the compiled tool it wraps,
so only its own work is timed: reading, coding and writing, not the start of Python.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

Convert = Callable[[bytes], bytes]

PPMD = {"max_order": 6, "mem_size": 16 << 20}  # 7-Zip's PPMd (variant H) at its default setting
BZIP3_BLOCK_BYTES = (65 << 10, 64 << 20)  # the least it allows; what its authors' benchmarks use


def load_binding(name: str) -> tuple[Convert, Convert]:
    """Return (pack, unpack) of the binding called `name`."""
    if name == "ppmd order 6":
        return _load_ppmd()
    if name == "bzip3 -b 64":
        return _load_bzip3()
    raise SystemExit(f"no binding is called {name!r}")


def _load_ppmd() -> tuple[Convert, Convert]:
    pyppmd = importlib.import_module("pyppmd")

    def pack(data: bytes) -> bytes:
        # The stream does not know its own length, so the file has to: 8 bytes, counted.
        coder = pyppmd.Ppmd7Encoder(**PPMD)
        return len(data).to_bytes(8, "little") + bytes(coder.encode(data)) + bytes(coder.flush())

    def unpack(code: bytes) -> bytes:
        return bytes(pyppmd.Ppmd7Decoder(**PPMD).decode(code[8:], int.from_bytes(code[:8], "little")))

    return pack, unpack


def _load_bzip3() -> tuple[Convert, Convert]:
    bz3 = importlib.import_module("bz3")
    least, most = BZIP3_BLOCK_BYTES

    def pack(data: bytes) -> bytes:
        # A block no larger than the data: the same code, without the cost of clearing memory that stays unused.
        return bytes(bz3.compress(data, min(max(len(data), least), most)))

    return pack, bz3.decompress


def main(direction: str, name: str, source: str, target: str) -> None:
    """Convert `source` to `target` and print the CPU seconds."""
    convert = load_binding(name)[("pack", "unpack").index(direction)]
    start = time.process_time()
    Path(target).write_bytes(convert(Path(source).read_bytes()))
    print(time.process_time() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
