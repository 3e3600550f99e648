"""Any bytes as runs: text that a tokenizer gives back exactly, and bytes that go another way.

Invariant: the pieces of the tokens and the bytes of the other runs, put together in order, are the data.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.neural.vocabulary import Tokens, Vocabulary

BYTES, TEXT, SPACED = range(3)  # SPACED: text whose tokens say a space before it, as some tokenizers have it

# What is no text: bytes that are no UTF-8, as surrogateescape spells them, and control characters.
_STRAY = re.compile("([\udc80-\udcff\x00-\x08\x0b\x0e-\x1f\x7f]+)")
# Text shorter than this between other bytes goes with them; so few other bytes inside text stay there.
_SHORT_TEXT_BYTES = 64
_SHORT_STRAY_BYTES = 4
# Text this short that a tokenizer does not give back is not cut further.
_SMALLEST_CUT_BYTES = 256


@dataclass(frozen=True)
class Run:
    """A part of the data. kind: BYTES, TEXT or SPACED. tokens: of text, None for bytes."""

    kind: int
    raw: bytes
    tokens: NDArray[np.int64] | None


def split_runs(data: bytes, vocabulary: Vocabulary) -> list[Run]:
    """Return the runs of `data`, no two of bytes beside each other."""
    runs: list[Run] = []
    for is_text, raw in _join_short(_cut_stray(data)):
        for run in _spell(raw, vocabulary) if is_text else [Run(BYTES, raw, None)]:
            if runs and run.kind == runs[-1].kind == BYTES:
                run = Run(BYTES, runs.pop().raw + run.raw, None)
            runs.append(run)
    return runs


def _cut_stray(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield (whether it is text, the bytes) of each part of `data`, in turn."""
    for number, part in enumerate(_STRAY.split(data.decode("utf-8", "surrogateescape"))):
        if part:
            yield number % 2 == 0, part.encode("utf-8", "surrogateescape")


def _join_short(parts: Iterator[tuple[bool, bytes]]) -> list[tuple[bool, bytes]]:
    """Return `parts` with short ones given to what they lie between: first strays to text, then text to bytes."""
    texts = _join(parts, _SHORT_STRAY_BYTES, True)
    return _join(iter(texts), _SHORT_TEXT_BYTES, False) if len(texts) > 1 else texts


def _join(parts: Iterator[tuple[bool, bytes]], short_bytes: int, kind: bool) -> list[tuple[bool, bytes]]:
    """Return `parts` where those of the other kind that are shorter than `short_bytes` have become `kind`."""
    joined: list[tuple[bool, list[bytes]]] = []
    for is_text, raw in parts:
        found = kind if len(raw) < short_bytes else is_text
        if joined and joined[-1][0] == found:
            joined[-1][1].append(raw)
        else:
            joined.append((found, [raw]))
    return [(found, b"".join(pieces)) for found, pieces in joined]


def _spell(raw: bytes, vocabulary: Vocabulary) -> list[Run]:
    """Return the runs of a part of text, cut in half where the tokenizer does not give it back."""
    tokens = _try_spelling(raw, vocabulary)
    if tokens is not None:
        spoken = sum(len(vocabulary.pieces[token]) for token in tokens.ids)
        return [Run(SPACED if spoken > len(raw) else TEXT, raw, tokens.ids)]
    if len(raw) < 2 * _SMALLEST_CUT_BYTES:
        return [Run(BYTES, raw, None)]
    middle = raw.rfind(b"\n", _SMALLEST_CUT_BYTES, len(raw) // 2) + 1 or _character_start(raw, len(raw) // 2)
    return [*_spell(raw[:middle], vocabulary), *_spell(raw[middle:], vocabulary)]


def _try_spelling(raw: bytes, vocabulary: Vocabulary) -> Tokens | None:
    """Return the tokens of `raw`, or None where they would say something else."""
    try:
        return vocabulary.encode(raw)
    except UsageError:
        return None


def _character_start(raw: bytes, at: int) -> int:
    """Return the first place from `at` on that is not inside a character."""
    while at < len(raw) and raw[at] & 0xC0 == 0x80:
        at += 1
    return at
