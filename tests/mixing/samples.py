"""Small data of every family, and recipes with tables small enough for tests."""

import csv
import io
from dataclasses import replace

import numpy as np

from multum.mixing import LEVELS, Recipe, preset
from multum.mixing.primers import CHINESE, read_primer
from multum.mixing.structures import TIERS
from tests.archive.samples import source, text

FAMILIES = tuple(TIERS)
RECORD = (6, 2, 2, 1)


def data(family: str, size_bytes: int) -> bytes:
    """Return a piece of what `family` is meant for."""
    if family == "text":
        whole = text(size_bytes)
    elif family == "binary":
        whole = source()[::-1].replace(b" ", b"\0\1\2")
    else:
        whole = {"lines": _table, "cjk": _chinese, "genome": _genome, "record": _records}[family]()
    return whole[:size_bytes]


def small(level: int, family: str, **changes: object) -> Recipe:
    """Return the recipe of a level with tables of a few hundred entries, without primers."""
    record = RECORD if family == "record" else (1, 1, 1, 0)
    recipe = preset(level, family, separator=44, record=record)
    tables = {"slot_bits": 8, "direct_bits": 6, "run_bits": 6, "refine_bits": 5, "head_bits": 6}
    return replace(recipe, **{"primers": (), **tables, **changes})  # type: ignore[arg-type]


def guided(family: str, **changes: object) -> Recipe:
    """Return the recipe for a trained network's bytes with tables of a few hundred entries, without primers."""
    recipe = preset(9, family, record=RECORD if family == "record" else (1, 1, 1, 0), guided=True)
    tables = {"slot_bits": 8, "direct_bits": 6, "run_bits": 6, "refine_bits": 5, "head_bits": 6}
    return replace(recipe, **{"primers": (), **tables, **changes})  # type: ignore[arg-type]


def presets() -> list[tuple[int, str]]:
    """Return every level with every family."""
    return [(level, family) for level in LEVELS for family in FAMILIES]


def _chinese() -> bytes:
    return read_primer(CHINESE)


def _table() -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows((i, i * i % 97, f"name {i % 13}", "yes" if i % 3 else "no") for i in range(2000))
    return out.getvalue().encode()


def _genome() -> bytes:
    bases = np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(7).integers(0, 4, 3000)]
    return (bases.tobytes() * 3) + b"\n"


def _records() -> bytes:
    steps = np.random.default_rng(8).integers(-40, 41, (4000, 3))
    return (20000 + steps.cumsum(0)).astype(">u2").tobytes()
