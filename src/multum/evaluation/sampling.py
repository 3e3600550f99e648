"""New data from any program: a generator is a decompressor that is fed random bits."""

import math
import os
import secrets
from collections.abc import Iterator

from multum.errors import UsageError
from multum.evaluation.programs import Program, open_program

LARGEST_SAMPLE_BYTES = 1 << 30
USUAL_SAMPLE_BYTES = 256


def sample(
    program: "str | os.PathLike[str]",
    size_bytes: int | None = None,
    prompt: bytes = b"",
    *,
    from_bits: bytes | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int | None = None,
    window: int | None = None,
    device: str = "auto",
    weight_bits: int | None = None,
) -> bytes:
    """Return `size_bytes` new bytes from `program` that go on after `prompt`.

    program: see `open_program`. size_bytes: None for 256. prompt: what is read before; a mixing
    program learns from it all that it knows, so give it much. from_bits: bytes to decode instead
    of random ones; as much data is made as uses them up, unless size_bytes says otherwise, and
    `Program.condense` gives them back. temperature: 1 draws as the program believes, less is
    bolder, 0 takes the likeliest. top_p: draw from the likeliest tokens that have this
    probability together. seed: the same one gives the same bytes; None for a new one each time.
    weight_bits: 4 or 8 for a network whose weights stay integers in memory, which writes faster; None for float32.
    Fewer bytes come back when a program over text says that its text is at an end.
    Raises UsageError, FormatError, MissingExtra, OSError.
    """
    check_settings(size_bytes, temperature, top_p, seed, from_bits is not None, weight_bits)
    opened = open_program(program, device, window, weight_bits=weight_bits)
    if from_bits is not None:
        return opened.expand(from_bits, size_bytes, prompt)
    size_bytes = USUAL_SAMPLE_BYTES if size_bytes is None else size_bytes
    return b"".join(draw_pieces(opened, size_bytes, prompt, temperature, top_p, choose_seed(seed)))


def check_settings(
    size_bytes: int | None,
    temperature: float,
    top_p: float,
    seed: int | None,
    from_bits: bool = False,
    weight_bits: int | None = None,
) -> None:
    """Raise UsageError for settings that are out of range. from_bits: whether the bits to decode are given."""
    if from_bits and weight_bits is not None:
        raise UsageError("given bits are decoded by the program in integers of its own; leave the weight bits out")
    if from_bits and (temperature != 1 or top_p != 1 or seed is not None):
        raise UsageError("given bits are decoded as the program predicts; leave temperature, top-p and seed out")
    if size_bytes is not None and not 0 <= size_bytes <= LARGEST_SAMPLE_BYTES:
        raise UsageError(f"a sample of {size_bytes} bytes is not allowed; allowed is 0 to {LARGEST_SAMPLE_BYTES:,}")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UsageError(f"temperature {temperature:g} is not allowed; allowed is 0 (the likeliest) or more")
    if not 0 < top_p <= 1:
        raise UsageError(f"top-p {top_p:g} is not allowed; allowed is more than 0, up to 1")
    if seed is not None and seed < 0:
        raise UsageError(f"seed {seed} is not allowed; allowed is 0 or more")


def choose_seed(seed: int | None) -> int:
    """Return `seed`, or a new one that is short enough to write down."""
    return secrets.randbelow(1 << 32) if seed is None else seed


def draw_pieces(
    program: Program, size_bytes: int, prompt: bytes, temperature: float, top_p: float, seed: int
) -> Iterator[bytes]:
    """Yield the sample piece by piece as it is drawn."""
    return program.sample(size_bytes, prompt, temperature=temperature, top_p=top_p, seed=seed)
