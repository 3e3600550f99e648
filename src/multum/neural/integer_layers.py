"""Networks of the Llama family in integers, by PyTorch: the layers of multum.inference.llama on tensors.

Products of matrices are exact: a row of inputs is so small that no sum of its products leaves 32 bits, which float64
holds in any order, and so do sums of two planes of 8 bits. Everything else is in multum.neural.integer_tensors.
Invariant: the integers are those of multum.inference, on any device.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.errors import UsageError
from multum.inference import arrays
from multum.inference.arrays import MATRICES_A_LAYER, POINT_BITS, Weights
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Parts
from multum.neural.integer_tensors import (
    Quantized,
    clip,
    exp2_fixed,
    narrow,
    normalise_rows,
    open_gate,
    quantize,
    rescale,
    shift,
    wave,
)

_WHOLE = 32767
_HIDDEN = -(1 << 30)
_NARROW_BITS = 15
# Products by planes want sides that are multiples of this, and more rows than 16.
_SIDE = 16
_LEAST_ROWS = 32


class Cache(NamedTuple):
    """What streams remember in one layer: keys and values int16[stream, group, ring, head], and their scales."""

    keys: Tensor
    values: Tensor
    key_downs: Tensor  # int64[stream, group, ring]
    value_downs: Tensor


class Sight(NamedTuple):
    """Where the tokens at work stand in their streams, and what each of them sees.

    streams: int64[streams, 1]. spots: int64[streams, tokens]. seen: bool[streams, tokens, places], of the first
    places of the ring. whole: whether these are all streams, in order.
    """

    streams: Tensor
    spots: Tensor
    seen: Tensor
    whole: bool

    def look_up(self, cached: Tensor) -> Tensor:
        """Return the places of a cache that are in sight: [streams, groups, places, ...]."""
        places = cached[:, :, : self.seen.shape[-1]]
        return places if self.whole else places[self.streams[:, 0]]


def has_planes(device: torch.device) -> bool:
    """Return whether a device multiplies 8-bit integers, and exactly: CPUs without VNNI saturate sums of two."""
    side = torch.full((_LEAST_ROWS, _LEAST_ROWS), 127, dtype=torch.int8, device=device)
    try:
        sums = torch._int_mm(side, side.t())
    except RuntimeError:
        return False
    return bool((sums == _LEAST_ROWS * 127 * 127).all())


class IntegerMatrix:
    """A matrix on a device, as products take it."""

    def __init__(self, values: NDArray[np.int8], net: Weights, number: int, device: torch.device, planes: bool) -> None:
        """number: which of the network's matrices. planes: multiply 8-bit planes, not float64."""
        plan = net.matrices[number]
        at, bias_at, self._outputs = (int(plan[cell]) for cell in (arrays.SCALES_AT, arrays.BIAS_AT, arrays.OUTPUTS))
        self.reach, self._down = int(plan[arrays.REACH]), int(plan[arrays.DOWN])
        self._scales = torch.from_numpy(net.scales[at : at + self._outputs]).to(device, torch.int64)
        biases = net.biases[bias_at : bias_at + self._outputs]
        self._bias = None if bias_at < 0 else torch.from_numpy(biases).to(device, torch.int64)
        weights = torch.from_numpy(np.array(values)).to(device)
        self._inputs = weights.shape[1]
        self._planes = planes
        if planes:
            sides = (-self._inputs % _SIDE, -self._outputs % _SIDE)
            self._weights = torch.nn.functional.pad(weights, (0, sides[0], 0, sides[1])).t()
            self._lifted = 128 * weights.sum(1, dtype=torch.int64)  # what lower planes, which are signed, lack
        else:
            self._weights = weights.double().t().contiguous()

    def project(self, inputs: Quantized, added: Tensor | None = None) -> Tensor:
        """Return what the matrix makes of rows of inputs, and of what it is added to; int64[..., outputs]."""
        rows = inputs.values.flatten(0, -2)
        sums = self._multiply_planes(rows) if self._planes else (rows.double() @ self._weights).long()
        found = rescale(sums.unflatten(0, inputs.values.shape[:-1]), self._scales, inputs, self._down)
        found = clip(found if added is None else found + added)
        return found if self._bias is None else clip(found + self._bias)

    def _multiply_planes(self, rows: Tensor) -> Tensor:
        """Return rows @ weights. A row is 256 * upper + lower + 128, and both planes have 8 signed bits."""
        count = rows.shape[0]
        planes = torch.cat([rows >> 8, (rows & 255) - 128]).to(torch.int8)
        padding = (0, self._weights.shape[0] - self._inputs, 0, max(_LEAST_ROWS - 2 * count, 0))
        sums = torch._int_mm(torch.nn.functional.pad(planes, padding), self._weights)[: 2 * count, : self._outputs]
        return (sums[:count].long() << 8) + sums[count:] + self._lifted


class IntegerLlama:
    """A network of the Llama family on a device."""

    def __init__(self, network: IntegerNetwork, device: torch.device, planes: bool | None = None) -> None:
        """planes: multiply 8-bit planes; None for where that is fast. Raises UsageError for a recurrent network."""
        if not isinstance(network.parts, Parts) or not isinstance(network.weights, Weights):
            raise UsageError("a recurrent network is stepped on the CPU only; give one of the Llama family")
        parts, net = network.parts, network.weights
        self.sizes, self._device = parts.sizes, device
        self._epsilon, self._score_factor = parts.epsilon, int(net.shape[arrays.SCORE_FACTOR])
        of_layers = [m for layer in parts.layers for m in (layer.qkv, layer.out, layer.gates, layer.narrow)]
        by_planes = device.type == "cuda" and has_planes(device) if planes is None else planes
        self._matrices = [
            IntegerMatrix(matrix.values, net, number, device, by_planes)
            for number, matrix in enumerate([*of_layers, parts.top or parts.embedding])
        ]
        self._gains = torch.from_numpy(net.gains).to(device, torch.int64).view(-1, self.sizes.width)
        self._gain_downs = [int(down) for down in net.gain_downs]
        self._embedding = torch.from_numpy(net.embedding).to(device).view(-1, self.sizes.width)
        self._embedding_scales = torch.from_numpy(net.embedding_scales).to(device, torch.int64)[:, None]
        self._embedding_up = torch.tensor(-int(net.shape[arrays.EMBEDDING_DOWN]), device=device)
        self._turns = torch.from_numpy(net.turns).to(device)

    def allocate(self, streams: int, ring: int) -> list[Cache]:
        """Return the caches of all layers, for `ring` tokens of each stream."""
        s = self.sizes
        cells = (streams, s.groups, ring)

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.int16 if len(shape) == 4 else torch.int64, device=self._device)

        return [
            Cache(zeros(*cells, s.head), zeros(*cells, s.head), zeros(*cells), zeros(*cells)) for _ in range(s.layers)
        ]

    def run(self, tokens: Tensor, sight: Sight, caches: list[Cache]) -> Tensor:
        """Return what the layers make of tokens, which are remembered. tokens: int64[streams, tokens]."""
        waves = wave(((sight.spots[..., None] * self._turns) >> 16) & 0xFFFFFFFF)
        rows = clip(shift(self._embedding[tokens] * self._embedding_scales[tokens], self._embedding_up))
        for number, cache in enumerate(caches):
            rows = self._run_layer(number, rows, waves, sight, cache)
        return rows  # [streams, tokens, width]

    def predict(self, rows: Tensor) -> Tensor:
        """Return int32[streams, tokens, vocabulary], the logits after each row."""
        top = self._matrices[-1]
        return top.project(self._normalise(2 * self.sizes.layers, rows, top.reach)).to(torch.int32)

    def _normalise(self, norm: int, rows: Tensor, reach: int) -> Quantized:
        return normalise_rows(rows, self._gains[norm], self._gain_downs[norm], self._epsilon, reach)

    def _run_layer(self, number: int, rows: Tensor, waves: tuple[Tensor, Tensor], sight: Sight, cache: Cache) -> Tensor:
        first = number * MATRICES_A_LAYER
        qkv, out, gates, down = self._matrices[first : first + MATRICES_A_LAYER]
        s = self.sizes
        asked = qkv.project(self._normalise(2 * number, rows, qkv.reach)).unflatten(-1, (-1, s.head))
        queries, keys, values = asked.split([s.heads, s.groups, s.groups], -2)  # [streams, tokens, heads, head]
        remember(rotate(keys, waves), values, sight, cache)
        heads = quantize(attend(rotate(queries, waves), sight, cache, self._score_factor), out.reach)
        rows = out.project(heads._replace(e=heads.e - POINT_BITS - _NARROW_BITS), rows)
        gate, up = gates.project(self._normalise(2 * number + 1, rows, gates.reach)).chunk(2, -1)
        gated = quantize(((gate * open_gate(gate)) >> 30) * up, down.reach)
        return down.project(gated._replace(e=gated.e - 2 * POINT_BITS), rows)


def rotate(heads: Tensor, waves: tuple[Tensor, Tensor]) -> Tensor:
    """Return heads, [..., tokens, heads, head], with each pair (i, i + half) turned by the angle of its token."""
    x, y = heads.chunk(2, -1)
    cosine, sine = (one.unsqueeze(-2) for one in waves)
    turned = (x * cosine - y * sine + (1 << 29)) >> 30
    other = (y * cosine + x * sine + (1 << 29)) >> 30
    return clip(torch.cat([turned, other], -1))


def remember(keys: Tensor, values: Tensor, sight: Sight, cache: Cache) -> None:
    """Put keys and values, [streams, tokens, groups, head], into their places of the cache."""
    places = sight.spots % cache.keys.shape[2]
    for rows, kept, downs in ((keys, cache.keys, cache.key_downs), (values, cache.values, cache.value_downs)):
        narrowed, down = narrow(rows, rows.abs().amax(-1, keepdim=True))
        kept[sight.streams, :, places] = narrowed.to(torch.int16)
        downs[sight.streams, :, places] = down[..., 0]


def attend(queries: Tensor, sight: Sight, cache: Cache, factor: int) -> Tensor:
    """Return what queries, [streams, tokens, heads, head], take in: int64[streams, tokens, heads * head]."""
    keys, values, key_downs, value_downs = (sight.look_up(one) for one in cache)
    groups = keys.shape[1]
    # queries of 15 bits in all, so that sums with keys of 16 stay in 32
    narrowed, downs = narrow(queries, queries.abs().sum(-1, keepdim=True))
    asked, query_downs = (one.unflatten(2, (groups, -1)).permute(0, 2, 3, 1, 4) for one in (narrowed, downs))
    scores = (asked.flatten(2, 3).double() @ keys.double().mT).long()
    scores = scores.unflatten(2, asked.shape[2:4])  # [streams, group, heads of it, tokens, places]
    shares, top_downs = share_out(scores, sight.seen[:, None, None], query_downs, key_downs, value_downs, factor)
    mixed = (shares.flatten(2, 3).double() @ values.double()).long().unflatten(2, asked.shape[2:4])
    heads: Tensor = mixed << top_downs
    return heads.permute(0, 3, 1, 2, 4).flatten(2)


def share_out(
    scores: Tensor, seen: Tensor, query_downs: Tensor, key_downs: Tensor, value_downs: Tensor, factor: int
) -> tuple[Tensor, Tensor]:
    """Return (shares of places, that add up to 32767 at most; the shifts of what they sum up, [..., 1]).

    scores: [streams, group, heads of it, tokens, places]. key_downs, value_downs: [streams, group, places].
    """
    keys_down, values_down = (one[:, :, None, None] for one in (key_downs, value_downs))
    scores = ((scores * factor) >> (46 - query_downs - keys_down)).clamp(-(1 << 29), 1 << 29)
    scores = torch.where(seen, scores, _HIDDEN)
    top_downs = torch.where(seen, values_down, 0).amax(-1, keepdim=True)
    powers = exp2_fixed(scores - scores.amax(-1, keepdim=True))
    inverse = (_WHOLE << 45) // powers.sum(-1, keepdim=True)
    down = 45 + (top_downs - values_down).clamp(min=0)
    return (powers * inverse + (torch.ones_like(down) << (down - 1))) >> down, top_downs
