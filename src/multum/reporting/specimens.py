"""Real data that is found on every machine with Python, so that a demonstration needs no download.

Each specimen is bounded, so that the slowest compressor stays within seconds, and depends only on the
Python installation: the same machine gives the same bytes.
"""

import gzip
import importlib
import importlib.util
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KIB = 1024


@dataclass(frozen=True)
class Specimen:
    """Some data and what to call it."""

    name: str
    data: bytes


def list_specimens() -> Iterator[Specimen]:
    """Yield documentation, program sources, an executable and a table; picture and digits where installed."""
    for name, data in (
        ("documentation", _read_documentation()),
        ("Python sources", _read_sources(640 * KIB)),
        ("executable", _read_executable(448 * KIB)),
        ("Unicode table", _write_unicode_table(448 * KIB)),
        ("digits table", _read_digits()),
        ("picture", _read_picture(200)),
    ):
        if data:
            yield Specimen(name, data)


def read_specimen(path: Path, limit_bytes: int) -> Specimen:
    """Return the file at `path`, or its first `limit_bytes` with a name that says so."""
    with path.open("rb") as source:
        data = source.read(limit_bytes + 1)
    if len(data) <= limit_bytes:
        return Specimen(path.name, data)
    return Specimen(f"{path.name}, first {limit_bytes:,} bytes", data[:limit_bytes])


def _read_documentation() -> bytes:
    """Return the text of Python's own documentation topics, b"" where a distribution leaves them out."""
    if not importlib.util.find_spec("pydoc_data"):
        return b""
    topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    return "\n".join(topics[name] for name in sorted(topics)).encode()


def _read_sources(limit_bytes: int) -> bytes:
    """Return the standard library's sources one after the other, by name, up to `limit_bytes`."""
    parts, total = [], 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        parts.append(path.read_bytes())
        total += len(parts[-1])
        if total >= limit_bytes:
            break
    return b"".join(parts)[:limit_bytes]


def _read_executable(limit_bytes: int) -> bytes:
    """Return the middle of the largest of Python's own binaries: its library or its executable."""
    library = Path(str(sysconfig.get_config_var("LIBDIR")), str(sysconfig.get_config_var("INSTSONAME")))
    found = [path for path in (library, Path(sys.executable).resolve()) if path.is_file()]
    data = max((path.read_bytes() for path in found), key=len, default=b"")
    start = max(0, (len(data) - limit_bytes) // 2)
    return data[start : start + limit_bytes]


def _write_unicode_table(limit_bytes: int) -> bytes:
    """Return the Unicode character database as a table of comma-separated values."""
    rows, total = ["code,category,bidirectional,combining,width,mirrored,decomposition,name\n"], 0
    for code in range(sys.maxunicode + 1):
        name = unicodedata.name(chr(code), "")
        if name:
            rows.append(_write_character(code, name))
            total += len(rows[-1])
        if total >= limit_bytes:
            break
    return "".join(rows).encode()[:limit_bytes]


def _write_character(code: int, name: str) -> str:
    sign = chr(code)
    fields = (
        f"{code}",
        unicodedata.category(sign),
        unicodedata.bidirectional(sign),
        f"{unicodedata.combining(sign)}",
        unicodedata.east_asian_width(sign),
        f"{unicodedata.mirrored(sign)}",
        unicodedata.decomposition(sign),
        name,
    )
    return ",".join(fields) + "\n"


def _find_scikit_learn(part: str) -> Path | None:
    """Return a data file that scikit-learn bundles, without importing scikit-learn."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0], "datasets", part)
    return path if path.is_file() else None


def _read_digits() -> bytes:
    path = _find_scikit_learn("data/digits.csv.gz")
    return gzip.decompress(path.read_bytes()) if path else b""


def _read_picture(rows: int) -> bytes:
    """Return the upper `rows` of scikit-learn's bundled photograph as plain RGB bytes."""
    path = _find_scikit_learn("images/china.jpg")
    if path is None or not importlib.util.find_spec("PIL"):
        return b""
    with importlib.import_module("PIL.Image").open(path) as picture:
        pixels: bytes = picture.crop((0, 0, picture.width, min(rows, picture.height))).tobytes()
    return pixels
