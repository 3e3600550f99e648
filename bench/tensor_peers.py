"""Other tools for checkpoints; run by bench.tensors with a Python of its own, never by hand.

Usage: python tensor_peers.py METHOD pack|unpack SOURCE TARGET. The tools get one thread where they let one say so.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# this file imports nothing of Multum: the peers' environment does not have it


def main() -> int:
    """Pack or unpack what the command line names."""
    method, verb, source, target = sys.argv[1:]
    METHODS[method](verb, source, target)
    return 0


def run_zipnn(verb: str, source: str, target: str) -> None:
    """Use ZipNN's Python interface; elements are bfloat16 where the file says so, else float32."""
    from zipnn import ZipNN  # type: ignore[import-not-found, unused-ignore]

    data = Path(source).read_bytes()
    halves = b'"BF16"' in data[:4096]
    codec = ZipNN(bytearray_dtype="bfloat16" if halves else "float32", threads=1)
    Path(target).write_bytes(codec.compress(data) if verb == "pack" else codec.decompress(data))


def run_lmzip(verb: str, source: str, target: str) -> None:
    """Call lmz."""
    run("lmz", "compress" if verb == "pack" else "decompress", "-q", "-f", "-j", "1", _named(verb, source), target)


def run_bigsmall(verb: str, source: str, target: str) -> None:
    """Call bigsmall."""
    run("bigsmall", "compress" if verb == "pack" else "decompress", "--no-progress", "-o", target, _named(verb, source))


def _named(verb: str, source: str) -> str:
    """Return the source under a name that tells its kind."""
    if verb != "pack":
        return source
    named = Path("plain.safetensors")
    if not named.exists():
        named.symlink_to(source)
    return str(named)


def run(tool: str, *arguments: str) -> None:
    """Run a tool that lies beside this Python."""
    subprocess.run([str(Path(sys.executable).parent / tool), *arguments], check=True, stdout=subprocess.DEVNULL)


METHODS: dict[str, Callable[[str, str, str], None]] = {
    "ZipNN": run_zipnn,
    "lmzip": run_lmzip,
    "bigsmall": run_bigsmall,
}


if __name__ == "__main__":
    sys.exit(main())
