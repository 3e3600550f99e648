"""The files that compressors are measured on: where they lie, which they are, and proof that they are the same.

The corpus is not part of the repository. It is looked for beside it, in ../shared/data, or where MULTUM_CORPUS says.
"""

import fnmatch
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PATTERNS = (
    "text/enwik4m",
    "text/dickens",
    "text/world192.txt",
    "text/tinyshakespeare.txt",
    "binary/*",
    "log/*.log",
    "table/adult-train.csv",
    "table/census.csv",
    "labels/ChnSentiCorp_htl_all.csv",
)


class CorpusMissing(Exception):
    """No file of the corpus is where it is looked for."""


@dataclass(frozen=True)
class CorpusFile:
    """A file to measure on. in_totals: False for a part of another file, which must not count twice."""

    name: str
    path: Path
    limit_bytes: int | None = None
    in_totals: bool = True

    def write_to(self, target: Path) -> int:
        """Write the bytes to measure to `target` and return how many they are."""
        with self.path.open("rb") as source:
            return target.write_bytes(source.read(-1 if self.limit_bytes is None else self.limit_bytes))


# The first million bytes of enwik8 is what most published small results are of.
EXTRACTS = (("enwik4m:1e6", "text/enwik4m", 1_000_000),)


def find_corpus() -> Path:
    """Return the corpus folder. Raises CorpusMissing saying where it was looked for."""
    folder = Path(os.environ.get("MULTUM_CORPUS", ROOT.parent / "shared" / "data"))
    if not any(path.is_file() for pattern in PATTERNS for path in folder.glob(pattern)):
        raise CorpusMissing(
            f"no corpus in {folder}: set MULTUM_CORPUS to a folder that holds some of {', '.join(PATTERNS)}; "
            "`multum demo` compares on data that every machine has"
        )
    return folder


def list_files(folder: Path, globs: Sequence[str] = ("*",)) -> list[CorpusFile]:
    """Return the files of the corpus whose name or path under `folder` matches one of `globs`, extracts last."""
    paths = [path for pattern in PATTERNS for path in sorted(folder.glob(pattern)) if path.is_file()]
    files = [CorpusFile(path.name, path) for path in paths]
    files += [
        CorpusFile(name, folder / part, size, False) for name, part, size in EXTRACTS if (folder / part).is_file()
    ]
    return [file for file in files if _matches(file, folder, globs)]


def _matches(file: CorpusFile, folder: Path, globs: Sequence[str]) -> bool:
    names = [file.name] if file.limit_bytes else [file.name, file.path.relative_to(folder).as_posix()]
    return any(fnmatch.fnmatch(name, glob) for name in names for glob in globs)


@cache
def hash_file(file: CorpusFile) -> str:
    """Return the first 16 hex digits of the SHA-256 of what `file` gives to measure."""
    digest, left = hashlib.sha256(), file.limit_bytes
    with file.path.open("rb") as source:
        while piece := source.read(1 << 20 if left is None else min(left, 1 << 20)):
            digest.update(piece)
            left = None if left is None else left - len(piece)
    return digest.hexdigest()[:16]


def hash_corpus(folder: Path) -> str:
    """Return a hash over the names and contents of the whole corpus, whichever part of it a run measures."""
    lines = [f"{file.name} {hash_file(file)}\n" for file in list_files(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
