"""A trained network as integers: its parts, its file, and the arrays that kernels step it with."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from multum.errors import UsageError
from multum.inference.arrays import State, Weights
from multum.inference.llama_layout import LlamaLayout
from multum.inference.parts import Parts
from multum.inference.recurrent_arrays import RecurrentState, RecurrentWeights
from multum.inference.recurrent_layout import RecurrentLayout
from multum.inference.recurrent_parts import RecurrentParts
from multum.inference.serial import read_parts, write_parts


@dataclass(frozen=True)
class IntegerNetwork:
    """A causal network whose every step is integer arithmetic, so that it predicts the same on every machine."""

    parts: Parts | RecurrentParts

    @property
    def vocabulary(self) -> int:
        """How many tokens there are; 256 are the bytes."""
        return self.parts.sizes.vocabulary

    @property
    def window(self) -> int | None:
        """How many tokens a prediction depends on at most; None for all that came before."""
        return self._layout.window

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of to_bytes(): two networks with one digest predict the same."""
        return hashlib.sha256(self.to_bytes()).digest()

    @cached_property
    def weights(self) -> Weights | RecurrentWeights:
        """The arrays for kernels; made once, shared by all threads."""
        return self._layout.pack()

    def allocate(self, streams: int, ahead: int = 1) -> State | RecurrentState:
        """Return the state of `streams` streams that have read nothing, for one thread.

        ahead: tokens of one stream that may be read at once. Raises UsageError for no streams.
        """
        if streams < 1:
            raise UsageError(f"{streams} streams are not allowed; give 1 or more")
        return self._layout.allocate(streams, ahead)

    def memory_bytes(self, streams: int) -> int:
        """Return the bytes that the network and `streams` streams take, its file included."""
        matrices = sum(matrix.values.size for matrix in self.parts.list_matrices())
        return matrices + self._layout.memory_bytes(streams)

    def to_bytes(self) -> bytes:
        """Return the network as a file: numbers, vectors and matrices, nothing compressed."""
        return write_parts(self.parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "IntegerNetwork":
        """Return the network that `data` is. Raises FormatError saying what is wrong with it."""
        return cls(read_parts(data))

    @property
    def _layout(self) -> LlamaLayout | RecurrentLayout:
        return LlamaLayout(self.parts) if isinstance(self.parts, Parts) else RecurrentLayout(self.parts)
