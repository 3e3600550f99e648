"""Feeding tokens to an integer network by PyTorch: multum.inference.reading on any device, many streams at once.

Invariant: what is predicted is what multum.inference.reading.Streams predicts, bit for bit, however tokens are grouped
into calls, on every device; so what one of them encodes, the other decodes.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.errors import UsageError
from multum.inference.network import IntegerNetwork
from multum.neural.integer_layers import IntegerLlama, Sight

# Scores and logits that are worked on at once; each takes some 50 bytes.
_CELLS = 1 << 24


class TensorStreams:
    """Streams that read tokens under one network of the Llama family, on a device; they begin with nothing read."""

    def __init__(
        self,
        network: IntegerNetwork,
        streams: int = 1,
        ahead: int = 1,
        device: str | torch.device = "cpu",
        planes: bool | None = None,
    ) -> None:
        """ahead: tokens of a stream that are taken at once; more is faster and changes nothing else.

        planes: multiply 8-bit planes, not float64, where integer_layers.has_planes; None for where that is fast.
        Raises UsageError for no streams, and for a recurrent network.
        """
        if streams < 1 or ahead < 1:
            raise UsageError(f"{streams} streams, {ahead} tokens ahead are not allowed; give 1 or more of each")
        self._device = torch.device(device)
        self._model = IntegerLlama(network, self._device, planes)
        s = self._model.sizes
        self._ring = s.window if s.overlap >= 0 else s.window + ahead - 1
        # tokens of each stream at once: where nothing is predicted, and where something is
        self._room = max(1, _CELLS // (streams * s.heads * self._ring))
        self._most = max(1, min(ahead, self._room, _CELLS // (streams * s.vocabulary)))
        self._caches = self._model.allocate(streams, self._ring)
        self._lengths = np.zeros(streams, np.int64)  # tokens read since a stream began anew
        self._history = np.zeros((streams, s.window), np.int64)  # read again when a window is full

    def advance(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Feed one token to each stream; return int32[streams, vocabulary], the logits of what comes next.

        tokens: int32[streams], -1 where a stream begins. Raises UsageError for tokens that do not exist.
        """
        found: NDArray[np.int32] = self.read_many(tokens[:, None])[:, 0].cpu().numpy()
        return found

    def read(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Feed tokens to the first stream; return int32[n, vocabulary], the logits after each. Raises UsageError."""
        found: NDArray[np.int32] = self._read(np.zeros(1, np.int64), tokens[None])[0].cpu().numpy()
        return found

    def read_many(self, tokens: NDArray[np.int32]) -> Tensor:
        """Feed many tokens to each stream; return int32[streams, n, vocabulary] on the device, the logits after each.

        tokens: int32[streams, n]. Raises UsageError for tokens that do not exist.
        """
        return self._read(np.arange(len(self._lengths)), tokens)

    @torch.inference_mode()
    def _read(self, streams: NDArray[np.int64], tokens: NDArray[np.int32]) -> Tensor:
        s = self._model.sizes
        if tokens.shape[:-1] != streams.shape or not ((tokens >= -1) & (tokens < s.vocabulary)).all():
            raise UsageError(f"tokens must be of {len(streams)} streams, and -1 (one begins) to {s.vocabulary - 1}")
        found = torch.zeros((*tokens.shape, s.vocabulary), dtype=torch.int32, device=self._device)
        at = 0
        while at < tokens.shape[1]:
            begins = tokens[:, at] < 0
            self._make_room(streams, begins)
            end = at + (1 if begins.any() else self._count_ahead(streams, tokens[:, at:]))
            known = np.where(tokens[:, at:end] < 0, max(s.start, 0), tokens[:, at:end])
            found[:, at:end] = self._model.predict(self._append(streams, known))
            if s.start < 0 and begins.any():  # nothing is known where nothing was read
                self._lengths[streams[begins]] = 0
                found[torch.from_numpy(begins), at] = 0
            at = end
        return found

    def _make_room(self, streams: NDArray[np.int64], begins: NDArray[np.bool_]) -> None:
        """Empty the streams that begin, and begin those anew that are full, with the later part of their windows."""
        s = self._model.sizes
        self._lengths[streams[begins]] = 0
        full = streams[self._lengths[streams] == s.window]
        if s.overlap < 0 or not full.size:
            return
        kept = self._history[full, s.window - s.overlap :]
        if s.start >= 0:
            kept = np.concatenate([np.full((len(full), 1), s.start), kept], 1)
        self._lengths[full] = 0
        for at in range(0, kept.shape[1], self._room):
            self._append(full, kept[:, at : at + self._room])

    def _count_ahead(self, streams: NDArray[np.int64], tokens: NDArray[np.int32]) -> int:
        """Return how many tokens each stream can take at once, before one begins or is full."""
        begins = (tokens < 0).any(0)
        count = int(begins.argmax()) if begins.any() else tokens.shape[1]
        if self._model.sizes.overlap >= 0:
            count = min(count, self._model.sizes.window - int(self._lengths[streams].max()))
        return min(count, self._most)

    def _append(self, streams: NDArray[np.int64], tokens: NDArray[np.int64]) -> Tensor:
        """Take tokens, [streams, n], through all layers; return [streams, n, width]."""
        spots = self._lengths[streams, None] + np.arange(tokens.shape[1])
        self._lengths[streams] += tokens.shape[1]
        if self._model.sizes.overlap >= 0:
            self._history[streams[:, None], spots] = tokens
        return self._model.run(self._move(tokens), self._look(streams, spots), self._caches)

    def _look(self, streams: NDArray[np.int64], spots: NDArray[np.int64]) -> Sight:
        """Return what tokens that stand at `spots` see once they are in the cache."""
        last = self._move(spots[:, -1:])
        places = torch.arange(min(int(spots.max()) + 1, self._ring), device=self._device)
        held = last - (last - places) % self._ring  # [streams, places]: the latest token there; below 0 for none
        now, held = self._move(spots)[..., None], held[:, None]
        seen = (held <= now) & (held > now - self._model.sizes.window) & (held >= 0)
        whole = len(streams) == len(self._lengths)
        return Sight(self._move(streams[:, None]), now[..., 0], seen, whole)

    def _move(self, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self._device)
