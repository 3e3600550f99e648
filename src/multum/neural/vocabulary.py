"""Bytes to tokens and back, exactly.

Invariant: the bytes that the tokens stand for, one after another, are the data. A tokenizer
that changes its input (case, spaces, accents) is refused rather than believed.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError, UsageError
from multum.neural.byte_tokenizer import spell_bytes

_METASPACE = "\u2581"
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
# Bytes that are no UTF-8, as surrogateescape spells them.
_STRAY = re.compile("([\udc80-\udcff]+)")


@dataclass(frozen=True)
class Tokens:
    """Data as a program reads it.

    ids: int64[n]. lengths: int64[n], bytes that each token stands for, their sum is the data's.
    stray_bytes: how many bytes are not UTF-8 and got a token each.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    stray_bytes: int = 0

    def spread(self, bits: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return float32[bytes]: each token's bits, divided evenly among the bytes it stands for."""
        # A token without bytes (it can come first only) is paid for by the byte after it.
        empty = self.lengths == 0
        bits = bits + np.where(empty, 0, np.roll(np.where(empty, bits, 0), 1))
        return np.repeat((bits[~empty] / self.lengths[~empty]).astype(np.float32), self.lengths[~empty])


class Vocabulary:
    """The tokens of one program and the bytes that each stands for."""

    def __init__(
        self, name: str, pieces: list[bytes], start: int | None = None, end: int | None = None, tokenizer: Any = None
    ) -> None:
        """pieces: bytes of each token, b"" for none. start, end: tokens before and after a text, if there are any.

        tokenizer: splits text; None when every byte is a token and nothing else is.
        """
        self.name, self.pieces, self.start, self.end = name, pieces, start, end
        self._tokenizer = tokenizer
        self._byte_ids = np.full(256, -1, np.int64)
        for token, piece in reversed(list(enumerate(pieces))):
            if len(piece) == 1:
                self._byte_ids[piece[0]] = token

    @property
    def size(self) -> int:
        """How many tokens the program chooses among."""
        return len(self.pieces)

    @property
    def is_bytes(self) -> bool:
        """Whether token b is byte b, for every byte, and there are no other tokens."""
        return self.pieces == [bytes([byte]) for byte in range(256)]

    def encode(self, data: bytes) -> Tokens:
        """Return `data` as tokens; what is not UTF-8 gets a token a byte.

        Raises UsageError, with the place, for data that this vocabulary cannot hold.
        """
        if self._tokenizer is None:
            ids = self._byte_ids[np.frombuffer(data, np.uint8)]
            return Tokens(ids, np.ones(len(ids), np.int64))
        ids_list: list[int] = []
        stray_bytes = 0
        for number, run in enumerate(_STRAY.split(data.decode("utf-8", "surrogateescape"))):
            if number % 2:
                stray = run.encode("utf-8", "surrogateescape")
                stray_bytes += len(stray)
                ids_list += self._encode_bytes(stray, data)
            elif run:
                ids_list += self._tokenizer(run, add_special_tokens=False, verbose=False)["input_ids"]
        return self._checked(ids_list, data, stray_bytes)

    def _encode_bytes(self, stray: bytes, data: bytes) -> list[int]:
        ids = [int(self._byte_ids[byte]) for byte in stray]
        if min(ids) < 0:
            raise UsageError(
                f"byte {data.index(stray)} of the data is not UTF-8, and the vocabulary of '{self.name}' has no"
                " tokens for single bytes; use a program over bytes"
            )
        return ids

    def _checked(self, ids: list[int], data: bytes, stray_bytes: int) -> Tokens:
        """Return the tokens. Raises UsageError unless they stand for exactly the data."""
        lengths = np.array([len(self.pieces[token]) for token in ids], np.int64)
        told = self.decode(ids)
        if told == b" " + data:  # vocabularies of the sentencepiece kind put a space before a text
            lengths[0] -= 1
        elif told != data:
            same = next(
                (k for k, (a, b) in enumerate(zip(told, data, strict=False)) if a != b), min(len(told), len(data))
            )
            raise UsageError(
                f"the tokenizer of '{self.name}' does not keep the data: its tokens say something else from byte"
                f" {same} on; use a program over bytes"
            )
        return Tokens(np.array(ids, np.int64), lengths, stray_bytes)

    def decode(self, ids: Iterable[int]) -> bytes:
        """Return the bytes that `ids` stand for."""
        return b"".join(self.pieces[token] for token in ids)


def byte_vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary of a program whose tokens are the 256 bytes."""
    return Vocabulary(name, [bytes([byte]) for byte in range(256)])


def read_vocabulary(name: str, tokenizer: Any, size: int) -> Vocabulary:
    """Return the vocabulary of a `transformers` tokenizer, for a program of `size` tokens.

    Raises FormatError for tokenizers whose tokens do not say which bytes they stand for.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise FormatError(f"'{name}' has a tokenizer without a tokenizer.json; save it as a fast one")
    if len(tokenizer) > size:
        raise FormatError(
            f"'{name}' has a tokenizer of {len(tokenizer)} tokens and predicts {size}; they do not belong together"
        )
    state = json.loads(backend.to_str())
    added = {entry["id"]: entry["content"].encode() for entry in state["added_tokens"]}
    spelling = _spelling(name, state["decoder"])
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    pieces = [added[n] if n in added else spelling(token) for n, token in enumerate(tokens)]
    pieces += [b""] * (size - len(tokens))  # rows of the output that no token uses
    plain = [piece for n, piece in enumerate(pieces) if n not in added and piece]
    start, end = (_inside(token, size) for token in (tokenizer.bos_token_id, tokenizer.eos_token_id))
    bytewise = len(plain) == 256 == len({piece for piece in plain if len(piece) == 1})
    return Vocabulary(name, pieces, start, end, None if bytewise else tokenizer)


def _inside(token: int | None, size: int) -> int | None:
    return token if token is not None and token < size else None


def _spelling(name: str, decoder: dict[str, Any] | None) -> Any:
    """Return the function from a token's text to its bytes. Raises FormatError for a decoder that hides them."""
    kinds = [step["type"] for step in (decoder or {}).get("decoders", [decoder or {"type": None}])]
    if "ByteLevel" in kinds:
        letters = {letter: bytes([byte]) for byte, letter in enumerate(spell_bytes())}
        return lambda token: b"".join(letters.get(letter) or letter.encode() for letter in token)
    if "ByteFallback" in kinds:
        return _spell_with_metaspace
    raise FormatError(
        f"the tokenizer of '{name}' (decoder {kinds[0]}) does not say which bytes a token stands for;"
        " byte-level and byte-fallback tokenizers do"
    )


def _spell_with_metaspace(token: str) -> bytes:
    if match := _BYTE_TOKEN.fullmatch(token):
        return bytes([int(match[1], 16)])
    return token.replace(_METASPACE, " ").encode()
