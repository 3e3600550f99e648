"""The steps between a lean program's products of matrices, with their derivatives.

Each has two bodies: kernels of one pass (`lean_kernels`) for bfloat16 on a CPU, and PyTorch's own operations for
everything else. The second is the definition; the tests hold the first to it.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from multum.neural import lean_kernels as kernels

Turns = tuple[Tensor, Tensor]  # cosines and sines of rotary angles: float32[time, head / 2] each


def is_fused(x: Tensor) -> bool:
    """Return whether the kernels know what to do with `x`."""
    return x.dtype == torch.bfloat16 and x.device.type == "cpu"


def view_array(x: Tensor) -> NDArray[Any]:
    """Return a contiguous tensor's memory as an array; bfloat16 as uint16."""
    x = x.detach()
    array: NDArray[Any] = (x.view(torch.uint16) if x.dtype == torch.bfloat16 else x).numpy()
    return array


def apply(function: Any, *arguments: Any) -> Any:
    """Return what a torch.autograd.Function, which carries no types, makes of its arguments."""
    return function.apply(*arguments)


def add_and_norm(stream: Tensor, added: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return (stream + added, its root-mean-square norm times weight); [..., width] each, weight float32."""
    if is_fused(stream):
        both: tuple[Tensor, Tensor] = apply(_AddAndNorm, stream, added, weight, eps)
        return both
    total = stream + added
    return total, nn.functional.rms_norm(total, weight.shape, weight.to(total.dtype), eps)


def gate(both: Tensor) -> Tensor:
    """Return silu(first half) * second half of the last axis."""
    if is_fused(both):
        out: Tensor = apply(_Gate, both)
        return out
    first, second = both.chunk(2, dim=-1)
    return nn.functional.silu(first) * second


def attend(mixed: Tensor, turns: Turns, heads: int) -> Tensor:
    """Return causal attention with rotary positions: [batch, time, width].

    mixed: [batch, time, 3 * width], queries, keys, values. Source of the rotation: Su et al. 2021, in the layout of
    transformers, which turns the pairs (i, i + head / 2).
    """
    batch, time, triple = mixed.shape
    mixed = mixed.view(batch, time, 3, heads, triple // 3 // heads)
    if is_fused(mixed):
        seen: Tensor = apply(_Attend, mixed, *turns)
        return seen.transpose(1, 2).reshape(batch, time, -1)
    cos, sin = (turn[:, None, None].to(mixed.dtype) for turn in turns)
    a, b = mixed[:, :, :2].chunk(2, dim=-1)
    turned = torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)  # [batch, time, 2, heads, head]
    queries, keys = turned.permute(2, 0, 3, 1, 4)
    seen = nn.functional.scaled_dot_product_attention(queries, keys, mixed[:, :, 2].transpose(1, 2), is_causal=True)
    return seen.transpose(1, 2).reshape(batch, time, -1)


def measure_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the nats of each target, float32[...]; logits: [..., symbols]."""
    if is_fused(logits):
        nats: Tensor = apply(_MeasureNats, logits, targets)
        return nats
    flat = nn.functional.cross_entropy(logits.flatten(0, -2).float(), targets.flatten(), reduction="none")
    return flat.view(targets.shape).clone()  # FSDP wants no views


class _AddAndNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, stream: Tensor, added: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        stream, added = stream.contiguous(), added.contiguous()
        total, normed = torch.empty_like(stream), torch.empty_like(stream)
        width = stream.shape[-1]
        inverse = torch.empty(stream.numel() // width)
        rows = [view_array(x.view(-1, width)) for x in (stream, added, total, normed)]
        kernels.add_and_norm(
            rows[0], rows[1], view_array(weight), np.float32(eps), rows[2], rows[3], view_array(inverse)
        )
        ctx.save_for_backward(total, weight, inverse)
        return total, normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_total: Tensor, d_normed: Tensor) -> tuple[Tensor | None, ...]:
        total, weight, inverse = ctx.saved_tensors
        width = total.shape[-1]
        d_stream, d_weight = torch.empty_like(total), torch.zeros_like(weight)
        rows = [view_array(x.contiguous().view(-1, width)) for x in (d_total, d_normed, total, d_stream)]
        scales = view_array(weight), view_array(inverse)
        kernels.add_and_norm_backward(rows[0], rows[1], rows[2], *scales, rows[3], view_array(d_weight))
        return d_stream, d_stream, d_weight, None


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, both: Tensor) -> Tensor:
        both = both.contiguous()
        inner = both.shape[-1] // 2
        out = both.new_empty((*both.shape[:-1], inner))
        kernels.gate(view_array(both.view(-1, 2 * inner)), view_array(out.view(-1, inner)))
        ctx.save_for_backward(both)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> Tensor:
        (both,) = ctx.saved_tensors
        inner = d_out.shape[-1]
        d_both = torch.empty_like(both)
        kernels.gate_backward(
            view_array(d_out.contiguous().view(-1, inner)),
            view_array(both.view(-1, 2 * inner)),
            view_array(d_both.view(-1, 2 * inner)),
        )
        return d_both


def _cut_queries(time: int) -> list[tuple[int, int]]:
    """Return pieces of a window: queries of one piece are multiplied with the keys up to its end only.

    Half of all pairs are looked at and thrown away without pieces, a quarter with two; more are too small to be fast.
    """
    half = time // 2
    return [(0, half), (half, time)] if half >= 64 else [(0, time)]


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, time, _, heads, head = mixed.shape
        parts = mixed.new_empty((3, batch, heads, time, head))
        kernels.split_heads(view_array(mixed.contiguous()), view_array(cos), view_array(sin), view_array(parts))
        queries, keys, values = parts.flatten(1, 2)  # [batch * heads, time, head] each
        kept, seen = [], []
        for begin, end in _cut_queries(time):
            weights = torch.bmm(queries[:, begin:end], keys[:, :end].mT)
            kernels.weigh(view_array(weights), np.float32(head**-0.5))
            kept.append(weights)
            seen.append(torch.bmm(weights, values[:, :end]))
        ctx.save_for_backward(parts, cos, sin, *kept)
        return torch.cat(seen, 1).view(batch, heads, time, head)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_seen: Tensor) -> tuple[Tensor | None, ...]:
        parts, cos, sin, *kept = ctx.saved_tensors
        _, batch, heads, time, head = parts.shape
        queries, keys, values = parts.flatten(1, 2)
        d_parts = torch.empty_like(parts)
        d_queries, d_keys, d_values = d_parts.flatten(1, 2)
        d_seen = d_seen.reshape(batch * heads, time, head)
        pieces = list(zip(_cut_queries(time), kept, strict=True))
        # the last piece has all keys; what the others have is added to it
        for (begin, end), weights in reversed(pieces):
            d_piece = d_seen[:, begin:end]
            d_scores = torch.bmm(d_piece, values[:, :end].mT)
            if end == time:
                torch.bmm(weights.mT, d_piece, out=d_values)
            else:
                d_values[:, :end] += torch.bmm(weights.mT, d_piece)
            kernels.weigh_backward(view_array(weights), view_array(d_scores), np.float32(head**-0.5))
            d_queries[:, begin:end] = torch.bmm(d_scores, keys[:, :end])
            if end == time:
                torch.bmm(d_scores.mT, queries[:, begin:end], out=d_keys)
            else:
                d_keys[:, :end] += torch.bmm(d_scores.mT, queries[:, begin:end])
        d_mixed = parts.new_empty((batch, time, 3, heads, head))
        kernels.join_heads(view_array(d_parts), view_array(cos), view_array(sin), view_array(d_mixed))
        return d_mixed, None, None


class _MeasureNats(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        logits, targets = logits.contiguous(), targets.contiguous()
        nats, sums = torch.empty(targets.shape), torch.empty(targets.shape)
        flat = view_array(logits.view(-1, logits.shape[-1]))
        kernels.measure_nats(flat, view_array(targets.view(-1)), view_array(nats.view(-1)), view_array(sums.view(-1)))
        ctx.save_for_backward(logits, targets, sums)
        return nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_nats: Tensor) -> tuple[Tensor | None, ...]:
        logits, targets, sums = ctx.saved_tensors
        symbols = logits.shape[-1]
        d_logits = torch.empty_like(logits)
        kernels.measure_nats_backward(
            view_array(d_nats.contiguous().view(-1)),
            view_array(logits.view(-1, symbols)),
            view_array(targets.view(-1)),
            view_array(sums.view(-1)),
            view_array(d_logits.view(-1, symbols)),
        )
        return d_logits, None
