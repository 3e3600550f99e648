"""Feeding tokens to a network and taking its predictions, token by token or many at once.

Invariant: what is predicted after a token is a function of the tokens that its stream has read since it began,
however they were grouped into calls, and whatever other streams do.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import invoke, part
from multum.bits.lines import filled
from multum.errors import UsageError
from multum.inference.llama_reading import read_llama
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Parts
from multum.inference.recurrent_reading import read_recurrent


class Stepper(NamedTuple):
    """Streams as an argument of other kernels, which write `tokens`, call `step` and read `logits`.

    They are as Streams.advance says: at the beginning of a program without a start token nothing is known, and all
    logits are 0.
    """

    bound: Any
    tokens: NDArray[np.int32]
    logits: NDArray[np.int32]


@part
def step(stepper):
    """Feed stepper.tokens to the streams and write stepper.logits."""
    invoke(stepper.bound)


class Streams:
    """Streams that read tokens under one network, on one thread; they begin with nothing read."""

    def __init__(self, network: IntegerNetwork, streams: int = 1, ahead: int = 1) -> None:
        """ahead: tokens that `read` takes at once; more is faster and changes nothing else."""
        self._network, self._count = network, streams
        self._state = network.allocate(streams, ahead)
        # each kind has a kernel of its own, so that nobody compiles the other's
        self._kernel = read_llama if isinstance(network.parts, Parts) else read_recurrent
        tokens, logits = filled(streams, -1, np.int32), np.zeros((streams, network.vocabulary), np.int32)
        # the arrays that are bound live as long as this object
        bound = self._kernel.bind(network.weights, self._state, tokens, logits, 0)
        self.stepper = Stepper(bound, tokens, logits)

    def advance(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Feed one token to each stream; return int32[streams, vocabulary], the logits of what comes next.

        tokens: int32[streams], -1 where a stream begins. Raises UsageError for tokens that do not exist.
        """
        return self._read(tokens, self._count, False)

    def read(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Feed tokens to the first stream; return int32[n, vocabulary], the logits after each. Raises UsageError."""
        return self._read(tokens, len(tokens), True)

    def _read(self, tokens: NDArray[np.int32], count: int, together: bool) -> NDArray[np.int32]:
        vocabulary = self._network.vocabulary
        if tokens.shape != (count,) or (count and not -1 <= int(tokens.min()) <= int(tokens.max()) < vocabulary):
            raise UsageError(f"tokens must be {count} numbers of -1 (a stream begins) to {vocabulary - 1}")
        logits = np.zeros((count, vocabulary), np.int32)
        self._kernel(self._network.weights, self._state, tokens.astype(np.int32), logits, int(together))
        return logits
