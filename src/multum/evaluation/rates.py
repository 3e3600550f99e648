"""The rate of a program on data: its code length, and what follows from that.

What the bits are of is the program's task: RATES names, for each, the function that rates it.
"""

import importlib
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from multum.archive.models import read_archived_task
from multum.archive.targets import check_free, whole_file
from multum.bits.ledger import Ledger
from multum.bits.lengths import CodeLength
from multum.errors import UsageError
from multum.evaluation.contents import Data, name_data, read_data
from multum.evaluation.programs import Program, open_program
from multum.neural.sources import read_task

Progress = Callable[[int, int | None], None]

# Task -> (module, function) that rates its programs: called as (program's name, data, options).
RATES = {
    "bytes": ("multum.evaluation.rates", "rate_bytes"),
    "tokens": ("multum.evaluation.rates", "rate_bytes"),
    "labels": ("multum.evaluation.labels", "rate_labels"),
}


@dataclass(frozen=True)
class RateReport:
    """What `code_bits` found. Bits are a whole number exactly when they were measured.

    A task other than bytes has a report of its own, which says what it found in `summary` and
    `as_dict`.

    program, data: as they were named; data is None for bytes and streams. raw_bytes: length of
    the data. code_bits: bits of the data under the program, which itself has program_bits.
    bpb: code bits a byte, None for no data. tokens: symbols predicted; bytes, for programs over
    bytes. perplexity: 2 ** (bits a token), None for no data. seconds: of coding, without
    loading. stray_bytes: bytes that are no UTF-8 and that a program over text spelled one by one.
    """

    program: str
    data: str | None
    raw_bytes: int
    code_bits: float
    bpb: float | None
    tokens: int
    perplexity: float | None
    seconds: float
    program_bits: int
    stray_bytes: int = 0

    @property
    def measured(self) -> bool:
        """Whether code_bits is the length of a code that was made, not computed from probabilities."""
        return isinstance(self.code_bits, int)

    @property
    def summary(self) -> str:
        """The result in one line, for people."""
        line = f"{self.raw_bytes:,} bytes -> {self.code_bits:,.0f} bits"
        if self.bpb is None or self.perplexity is None:
            return line
        return f"{line}, {self.bpb:.4f} bits per byte, {self.tokens:,} tokens, perplexity {self.perplexity:.4g}"

    def as_dict(self) -> dict[str, Any]:
        """Return the result for machines: plain values by fixed keys."""
        keys = ("program", "data", "raw_bytes", "code_bits", "bpb", "tokens", "perplexity", "seconds")
        return {key: getattr(self, key) for key in keys}

    @property
    def ledger(self) -> Ledger:
        """The account: program and code, measured or estimated as code_bits is."""
        name, raw_bits = self.data or "data", 8 * self.raw_bytes
        if isinstance(self.code_bits, int):
            return Ledger.measured(name, program_bits=self.program_bits, code_bits=self.code_bits, raw_bits=raw_bits)
        return Ledger.estimated(name, program_bits=self.program_bits, code_bits=self.code_bits, raw_bits=raw_bits)


@dataclass(frozen=True)
class RateOptions:
    """How to rate; see `code_bits`."""

    per_byte: str | None = None
    force: bool = False
    window: int | None = None
    overlap: int | None = None
    device: str = "auto"
    batch: int | None = None
    weight_bits: int | None = None
    progress: Progress | None = None


def code_bits(
    program: "str | os.PathLike[str]",
    data: Data,
    *,
    per_byte: "str | os.PathLike[str] | None" = None,
    force: bool = False,
    window: int | None = None,
    overlap: int | None = None,
    device: str = "auto",
    batch: int | None = None,
    weight_bits: int | None = None,
    progress: Progress | None = None,
) -> RateReport:
    """Return the rate of `program` on `data`.

    program: see `open_program`. data: bytes, a path, several, or a binary stream; a folder is
    its files one after another by path, an archive what it holds. per_byte: a .npy file to write,
    float32[raw_bytes], the bits of each byte; a token's are divided evenly among its bytes.
    force: replace that file if it exists. window, overlap: tokens read at once, and how many of
    them were read before and are context only; by default 2048, or as many as the program can,
    and half of that. batch: windows side by side, None for as many as fit; it never changes the
    rate but for rounding. weight_bits: 4 or 8 for a network whose weights stay integers in memory,
    None for float32. progress: called with (bytes done, bytes in all).
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    name = os.fspath(program)
    target = None if per_byte is None else os.fspath(per_byte)
    options = RateOptions(target, force, window, overlap, device, batch, weight_bits, progress)
    return _find_rate(name)(name, data, options)


def write_code(
    program: "str | os.PathLike[str]",
    data: Data,
    target: "str | os.PathLike[str]",
    *,
    force: bool = False,
    window: int | None = None,
    device: str = "auto",
) -> RateReport:
    """Write the shortest code of `data` under `program` to the file `target`; return the rate, measured.

    Neither lengths nor checksums are in it: `sample` with from_bits gives the data back to who knows how many bytes
    they are. program, data, force, window, device: see `code_bits`. Raises as it.
    """
    check_free(os.fspath(target), force)
    opened = open_program(program, device, window)
    raw = read_data(data)
    started_s = time.perf_counter()
    code = opened.condense(raw)
    seconds = time.perf_counter() - started_s
    with whole_file(os.fspath(target), force, None) as file:
        file.write(code)
    return _report(opened, data, raw, CodeLength(8 * len(code), len(raw)), seconds)


def find_task(program: str) -> str:
    """Return what the bits of the program are of, by its name and files alone. Raises FormatError, OSError."""
    return read_task(program) if os.path.isdir(program) else read_archived_task(program) or "bytes"


def _find_rate(program: str) -> Callable[[str, Data, RateOptions], RateReport]:
    """Return what rates the program: a function for its task. Raises UsageError for a task without one."""
    task = find_task(program)
    if task not in RATES:
        raise UsageError(f"'{program}' is a program for {task}; rates are known for {', '.join(RATES)}")
    module, function = RATES[task]
    found: Callable[[str, Data, RateOptions], RateReport] = getattr(importlib.import_module(module), function)
    return found


def rate_bytes(program: str, data: Data, options: RateOptions) -> RateReport:
    """Return the rate of a program over bytes or text; see `code_bits`."""
    if options.per_byte is not None:
        check_free(options.per_byte, options.force)  # before the work, not after it
    opened = open_program(program, options.device, options.window, options.overlap, options.batch, options.weight_bits)
    raw = read_data(data)
    started_s = time.perf_counter()
    length = opened.measure_code(raw, per_byte=options.per_byte is not None, progress=options.progress)
    seconds = time.perf_counter() - started_s
    if options.per_byte is not None and length.byte_bits is not None:
        with whole_file(options.per_byte, options.force, None) as file:
            np.save(file, length.byte_bits)
    return _report(opened, data, raw, length, seconds)


def _report(opened: Program, data: Data, raw: bytes, length: CodeLength, seconds: float) -> RateReport:
    """Return what was found about `raw`."""
    return RateReport(
        program=opened.name,
        data=name_data(data),
        raw_bytes=len(raw),
        code_bits=length.bits,
        bpb=length.bits / len(raw) if raw else None,
        tokens=length.tokens,
        perplexity=_raise_two(length.bits / length.tokens) if length.tokens else None,
        seconds=seconds,
        program_bits=opened.size_bits,
        stray_bytes=length.stray_bytes,
    )


def _raise_two(bits: float) -> float:
    """Return 2 ** bits, infinity where floats end."""
    return 2.0**bits if bits < 1024 else math.inf
