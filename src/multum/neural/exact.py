"""An exact program: integers that predict, and the vocabulary that their tokens are of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.bits.lengths import CodeLength
from multum.errors import UsageError
from multum.inference.expanding import condense, expand, measure
from multum.inference.network import IntegerNetwork
from multum.neural.vocabulary import Tokens, Vocabulary

# Bytes that a token of text stands for, about; more are decoded where that was too few.
_TOKEN_BYTES = 3


@dataclass(frozen=True)
class ExactProgram:
    """A network whose codes decode everywhere. can_split: whether the vocabulary can split text into tokens."""

    network: IntegerNetwork
    vocabulary: Vocabulary
    can_split: bool = True

    def split(self, data: bytes) -> Tokens:
        """Return the tokens of `data`. Raises UsageError for data that the vocabulary cannot hold."""
        if not self.can_split:
            raise UsageError(
                f"'{self.vocabulary.name}' is carried without what splits text into its tokens; give its directory,"
                " .gguf file or hub name"
            )
        return self.vocabulary.encode(data)

    def condense(self, data: bytes, prompt: bytes = b"") -> bytes:
        """Return the shortest code of `data` after `prompt`. Raises UsageError as `split`."""
        return condense(self.split(data).ids, self.network, self._read(prompt))

    def expand(self, code: bytes, size_bytes: int | None = None, prompt: bytes = b"") -> bytes:
        """Return what `code` decodes to after `prompt`: as much as uses it up, or `size_bytes` bytes.

        Raises UsageError when the code makes too much.
        """
        before = self._read(prompt)
        if size_bytes is None:
            return self.vocabulary.decode(expand(code, self.network, before))
        count = size_bytes if self.vocabulary.is_bytes else size_bytes // _TOKEN_BYTES + 1
        while True:
            data = self.vocabulary.decode(expand(code, self.network, before, count=count))
            if len(data) >= size_bytes:
                return data[:size_bytes]
            count *= 2

    def measure_code(self, data: bytes, *, per_byte: bool = False) -> CodeLength:
        """Return the length of the code of `data`, which is made. What bytes took adds up to it within a byte."""
        tokens = self.split(data)
        spread = tokens.spread(measure(tokens.ids, self.network)) if per_byte else None
        return CodeLength(8 * len(condense(tokens.ids, self.network)), len(tokens.ids), spread, tokens.stray_bytes)

    def _read(self, prompt: bytes) -> NDArray[np.int64]:
        return self.split(prompt).ids if prompt else np.zeros(0, np.int64)
