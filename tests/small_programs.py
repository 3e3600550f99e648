"""Small exact programs for tests: random weights, made without any training library."""

import functools
from typing import Any

import numpy as np

from multum.archive.programs import HeldProgram
from multum.neural.exact import ExactProgram
from multum.neural.vocabulary import Vocabulary, byte_vocabulary
from tests.inference.conftest import make_network

_WORDS = [b" the", b" of", b"ing", b"tion", b" a", b"er", b"  ", "文".encode()]


@functools.cache
def byte_program(seed: int = 1) -> HeldProgram:
    """Return a program over bytes."""
    return HeldProgram(f"bytes-{seed}", make_network(seed=seed, vocabulary=256, overlap=5))


class Splitter:
    """A tokenizer that takes the longest piece each time; `forgets` makes it lose capital letters, as some do."""

    def __init__(self, pieces: list[bytes], forgets: bool) -> None:
        self.ids = {piece: token for token, piece in reversed(list(enumerate(pieces)))}
        self.longest, self.forgets = max(map(len, pieces)), forgets

    def __call__(self, text: str, **_: object) -> dict[str, Any]:
        """Return the tokens of `text` as transformers does."""
        data, at, ids = (text.lower() if self.forgets else text).encode(), 0, []
        while at < len(data):
            size = next(n for n in range(self.longest, 0, -1) if data[at : at + n] in self.ids)
            ids.append(self.ids[data[at : at + size]])
            at += size
        return {"input_ids": ids}


@functools.cache
def text_program(forgets: bool = False) -> HeldProgram:
    """Return a program over 264 tokens: all bytes, and a few pieces of text."""
    pieces = [bytes([byte]) for byte in range(256)] + _WORDS
    vocabulary = Vocabulary("text", pieces, tokenizer=Splitter(pieces, forgets))
    return HeldProgram("text", make_network(seed=3, vocabulary=len(pieces), overlap=5), tuple(pieces), vocabulary)


@functools.cache
def typical(program: HeldProgram, size_bytes: int) -> bytes:
    """Return data that `program` finds likely: what random bits decode to under it."""
    vocabulary = program.vocabulary or byte_vocabulary(program.name)
    code = np.random.default_rng(size_bytes).bytes(3 * size_bytes)
    return ExactProgram(program.network, vocabulary).expand(code, size_bytes)
