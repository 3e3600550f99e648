"""The compressors to measure: Multum at each level and its peers, as command lines.

A command is run inside an empty folder that holds the file `plain`; packing makes `packed<suffix>`, unpacking makes
`back`. A peer that is not installed is reported with the reason.
"""

import fnmatch
import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

REFERENCE = "zpaq -m5"


@dataclass(frozen=True)
class Codec:
    """How to call a compressor.

    pack, unpack: the command; one that has no output name writes to standard output, which goes to the output file.
    needs: an executable, or for a Python binding the distribution.
    version: arguments that print the version. reports_cpu: the command prints its own CPU seconds, without the
    start of the Python interpreter that a command-line tool of the same code would not have.
    """

    name: str
    needs: str
    pack: tuple[str, ...]
    unpack: tuple[str, ...]
    suffix: str = ""
    version: tuple[str, ...] = ("--version",)
    reports_cpu: bool = field(default=False)

    @property
    def packed(self) -> str:
        """The name of the packed file."""
        return f"packed{self.suffix}"


def _filter(name: str, needs: str, *options: str) -> Codec:
    """A compressor with gzip's manners: -c to standard output, -d to undo."""
    return Codec(name, needs, (needs, *options, "-c", "plain"), (needs, "-d", "-c", "packed"))


def _binding(name: str, distribution: str) -> Codec:
    """A compressor that is a Python package, called through bench/bindings.py."""
    call = (sys.executable, "-m", "bench.bindings")
    return Codec(
        name,
        distribution,
        (*call, "pack", name, "plain", "packed"),
        (*call, "unpack", name, "packed", "back"),
        reports_cpu=True,
    )


def _multum(level: int) -> Codec:
    call = (sys.executable, "-m", "multum")
    return Codec(
        f"multum -{level}",
        "multum",
        (*call, "pack", f"-{level}", "-q", "-T", "1", "-o", "packed.mtm", "plain"),
        (*call, "unpack", "-q", "-T", "1", "-o", "back", "packed.mtm"),
        ".mtm",
    )


def _seven_zip(name: str, *method: str) -> Codec:
    options = ("-mx=9", "-mmt=1", "-bd", "-y", *method)
    return Codec(
        name, "7z", ("7z", "a", *options, "packed.7z", "plain"), ("7z", "e", "-mmt=1", "-so", "packed.7z"), ".7z", ()
    )


CODECS = (
    _filter("gzip -9", "gzip", "-9", "-n"),
    _filter("bzip2 -9", "bzip2", "-9"),
    _filter("xz -9e", "xz", "-9e", "-T1"),
    _filter("zstd -19", "zstd", "-19", "-T1", "-q"),
    Codec(
        "zstd --ultra -22 --long=27",
        "zstd",
        ("zstd", "--ultra", "-22", "--long=27", "-T1", "-q", "-c", "plain"),
        ("zstd", "-d", "--long=27", "-q", "-c", "packed"),
    ),
    _filter("brotli -q 11 -w 24", "brotli", "-q", "11", "-w", "24"),
    _seven_zip("7z -mx=9"),
    _seven_zip("7z PPMd -mx=9", "-m0=PPMd"),
    _binding("ppmd order 6", "pyppmd"),
    _binding("bzip3 -b 64", "bzip3"),
    Codec(
        "lrzip -z",
        "lrzip",
        ("lrzip", "-z", "-L", "9", "-p", "1", "-q", "-o", "packed.lrz", "plain"),
        ("lrzip", "-d", "-p", "1", "-q", "-o", "back", "packed.lrz"),
        ".lrz",
    ),
    Codec(
        REFERENCE,
        "zpaq",
        ("zpaq", "add", "packed.zpaq", "plain", "-m5", "-t1"),
        ("zpaq", "extract", "packed.zpaq", "plain", "-to", "back", "-t1"),
        ".zpaq",
        (),
    ),
    *map(_multum, range(1, 10)),
)

# Levels between these are worth a look now and then, not in every run.
DEFAULT = tuple(
    codec.name for codec in CODECS if codec.needs != "multum" or codec.name in ("multum -1", "multum -5", "multum -9")
)


def select_codecs(patterns: Sequence[str]) -> list[Codec]:
    """Return the codecs whose name matches one of `patterns`; none given means the default set.

    Raises SystemExit naming a pattern that matches nothing and what there is.
    """
    if not patterns:
        return [codec for codec in CODECS if codec.name in DEFAULT]
    for pattern in patterns:
        if not any(fnmatch.fnmatch(codec.name, pattern) for codec in CODECS):
            raise SystemExit(f"no codec is called {pattern!r}; there are: {', '.join(c.name for c in CODECS)}")
    return [codec for codec in CODECS if any(fnmatch.fnmatch(codec.name, pattern) for pattern in patterns)]


def find_version(codec: Codec) -> str | None:
    """Return the version of what `codec` calls, or None when it is not installed."""
    if codec.reports_cpu or codec.needs == "multum":
        try:
            return importlib.metadata.version(codec.needs)
        except importlib.metadata.PackageNotFoundError:
            return None
    if shutil.which(codec.needs) is None:
        return None
    # Without arguments 7z and zpaq print who they are; some tools answer on standard error.
    said = subprocess.run([codec.needs, *codec.version], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return number[0] if number else "unknown"


def tell_reason(codec: Codec) -> str:
    """Return why `codec` cannot run here and what would change that."""
    if codec.reports_cpu:
        return f"the Python package {codec.needs} is missing: pip install 'multum[bench]'"
    return f"no command {codec.needs} on this machine: install the package of that name (7z: p7zip-full)"
