"""Parts of data ranked by how much they surprise: by the bits they take after other parts of the same data.

Each part is measured by a few programs that have read little of the rest, not all of it. A program that reads much
also learns what is foreign, where that comes more than once; of a sixteenth it learns what is usual.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.archive.targets import check_free, whole_file
from multum.errors import UsageError
from multum.evaluation.contents import Data, name_data, read_data
from multum.evaluation.programs import open_program
from multum.similarity.memory import Memory
from multum.similarity.parts import cut_parts
from multum.similarity.recipes import suited_recipe

Progress = Callable[[int, int | None], None]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]

# Shares that the data are cut into, each read by a program; and how many programs measure a part.
_SHARES, _WITNESSES = 16, 4
_LEVEL = 2
# The span that is shown of a part, and the bytes of usual data that are added to each, so that short ones are
# not first only because a single byte of them surprised.
_SPAN_BYTES, _USUAL_BYTES = 32, 16


@dataclass(frozen=True)
class Part:
    """A part, and how much it surprises.

    number: from 1. bits: all its bits. rate: bits per byte, drawn to the usual where it is short; it ranks.
    span_start, span_end: the bytes of it that surprised most, from its start. text: its bytes without line ends.
    """

    number: int
    offset: int
    size_bytes: int
    bits: float
    rate: float
    span_start: int
    span_end: int
    text: bytes

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values; bytes that are no UTF-8 are escaped."""
        shown = {"text": self.text.decode("utf-8", "backslashreplace"), "bits": round(self.bits, 2)}
        return vars(self) | shown | {"rate": round(self.rate, 4)}


@dataclass(frozen=True)
class SurpriseReport:
    """What `surprise` found. parts: the most surprising first, as many as asked for.

    rates: float64[count], of all parts in their order. usual_rate: bits per byte of all data.
    """

    data: str | None
    unit: str
    program: str | None
    raw_bytes: int
    count: int
    usual_rate: float
    parts: list[Part]
    rates: Floats
    time_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the account for machines, with the parts and without the rates of all."""
        facts = {key: value for key, value in vars(self).items() if key != "rates"}
        return facts | {"parts": [part.as_dict() for part in self.parts]}


def surprise(
    data: Data,
    output: "str | os.PathLike[str] | None" = None,
    *,
    program: str | None = None,
    unit: str = "line",
    top: int = 10,
    level: int = _LEVEL,
    force: bool = False,
    progress: Progress | None = None,
) -> SurpriseReport:
    """Return the parts of `data` that take the most bits for their length.

    data: bytes, a path, several, or a binary stream, see `code_bits`. output: a file to write, a JSON object a part,
    all of them in order of surprise. program: what tells the bits, see `open_program`; by default small networks of
    `level` that have read other parts of the data. unit: "line", "record" or a number of bytes. top: parts to return.
    progress: called with (bytes done, bytes in all).
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    if output is not None:
        check_free(os.fspath(output), force)
    raw = read_data(data)
    starts = cut_parts(raw, unit)
    if len(starts) < 3:
        raise UsageError(f"the data are {max(len(starts) - 1, 0)} part; by {unit} two at least are needed")
    started_s = time.perf_counter()
    bits = _measure(raw, starts, level, progress) if program is None else _ask_program(program, raw, progress)
    rates = rate_parts(bits, starts)
    order = np.argsort(-rates, kind="stable")
    ranked = [_describe(raw, bits, rates, starts, int(place)) for place in order[: None if output else top]]
    report = SurpriseReport(
        data=name_data(data),
        unit=unit,
        program=program,
        raw_bytes=len(raw),
        count=len(starts) - 1,
        usual_rate=float(bits.mean()),
        parts=ranked[:top],
        rates=rates,
        time_s=time.perf_counter() - started_s,
    )
    if output is not None:
        with whole_file(os.fspath(output), force, None) as file:
            file.writelines(json.dumps(part.as_dict(), ensure_ascii=False).encode() + b"\n" for part in ranked)
    return report


def rate_parts(bits: Floats, starts: Places) -> Floats:
    """Return float64[parts]: bits per byte of each part, with some bytes of usual data added to it."""
    sums = np.diff(np.concatenate([[0.0], np.cumsum(bits)])[starts])
    found: Floats = (sums + _USUAL_BYTES * bits.mean()) / (np.diff(starts) + _USUAL_BYTES)
    return found


def _measure(raw: bytes, starts: Places, level: int, progress: Progress | None) -> Floats:
    """Return float64[bytes]: the bits of each byte, a mean over programs that have read other shares of the parts."""
    count = len(starts) - 1
    shares = min(_SHARES, count)
    cuts = [int(starts[count * k // shares]) for k in range(shares + 1)]
    steps = sorted({1 + (shares - 1) * k // _WITNESSES for k in range(_WITNESSES)})
    recipe = suited_recipe(raw, level, 2 * max(np.diff(cuts).tolist()))
    bits = np.zeros(len(raw))
    for share in range(shares):
        memory = Memory(recipe, raw[cuts[share] : cuts[share + 1]])
        for step in steps:
            other = (share + step) % shares
            bits[cuts[other] : cuts[other + 1]] += memory.measure(raw[cuts[other] : cuts[other + 1]])
        if progress is not None:
            progress(cuts[share + 1], len(raw))
    return bits / len(steps)


def _ask_program(program: str, raw: bytes, progress: Progress | None) -> Floats:
    """Return float64[bytes]: the bits of each byte under a program."""
    found = open_program(program).measure_code(raw, per_byte=True, progress=progress).byte_bits
    assert found is not None, "per_byte asks for them"
    return found.astype(np.float64)


def _describe(raw: bytes, bits: Floats, rates: Floats, starts: Places, place: int) -> Part:
    """Return what is told of a part."""
    start, end = int(starts[place]), int(starts[place + 1])
    inside = bits[start:end]
    width = min(_SPAN_BYTES, len(inside))
    sums = np.concatenate([[0.0], np.cumsum(inside)])
    first = int((sums[width:] - sums[:-width]).argmax())
    total = float(inside.sum())
    return Part(
        place + 1, start, end - start, total, float(rates[place]), first, first + width, raw[start:end].rstrip(b"\r\n")
    )
