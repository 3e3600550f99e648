"""The steps of a recurrent layer between its products of matrices, with their derivatives.

As in `lean_functions` each has two bodies: kernels for bfloat16 on a CPU, and PyTorch's operations, which define it.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from multum.neural import lean_functions as lean
from multum.neural import recurrent_kernels as kernels
from multum.neural.lean_functions import apply, view_array


def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return silu of each channel's weighted sum of its last few values: [batch, time, channels].

    weight: float32[channels, 1, taps], the last for the present. bias: float32[channels].
    """
    if lean.is_fused(x):
        out: Tensor = apply(_Convolve, x, weight, bias)
        return out
    taps, channels = weight.shape[-1], x.shape[-1]
    summed = nn.functional.conv1d(x.mT, weight.to(x.dtype), bias.to(x.dtype), padding=taps - 1, groups=channels)
    return nn.functional.silu(summed[..., : x.shape[1]].mT)


def scan(mixed: Tensor, steps: Tensor, logs: Tensor, skip: Tensor, size: int) -> Tensor:
    """Return what every head reads from its state: [batch, time, heads * head].

    mixed: [batch, time, heads * head + 2 * size]: x of all heads, then the vectors by which all heads write to and read
    from their states. steps, logs: float32[batch, time, heads], how much is written, and the logarithm of what stays.
    skip: float32[heads], of x itself. Source: Dao and Gu 2024 (Mamba-2), sections 3 and 6: going through the bytes one
    by one, and weighing all pairs of bytes at once, come to the same.
    """
    if lean.is_fused(mixed):
        out: Tensor = apply(_Scan, mixed, steps, logs, skip, size)
        return out
    batch, time, heads = steps.shape
    x, writes, reads = mixed.float().split((mixed.shape[-1] - 2 * size, size, size), dim=-1)
    x = x.view(batch, time, heads, -1)
    sums = logs.cumsum(1).permute(0, 2, 1)  # [batch, heads, time]
    barrier = torch.ones(time, time, dtype=torch.bool, device=mixed.device).triu(1)
    stays = (sums[..., :, None] - sums[..., None, :]).masked_fill(barrier, -torch.inf).exp()
    weights = (reads @ writes.mT)[:, None] * stays  # [batch, heads, time, time]
    y = weights @ (x * steps[..., None]).transpose(1, 2)  # [batch, heads, time, head]
    read: Tensor = y.transpose(1, 2) + skip[:, None] * x
    return read.reshape(batch, time, -1).to(mixed.dtype)


def gate_and_norm(x: Tensor, gates: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return the root-mean-square norm of x * silu(gates), times weight; [..., width], weight float32."""
    if lean.is_fused(x):
        out: Tensor = apply(_GateAndNorm, x, gates, weight, eps)
        return out
    gated = x.float() * nn.functional.silu(gates.float())
    return nn.functional.rms_norm(gated, weight.shape, weight, eps).to(x.dtype)


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        x, taps = x.contiguous(), weight[:, 0].T.contiguous()  # [taps, channels]
        out = torch.empty_like(x)
        kernels.convolve(view_array(x), view_array(taps), view_array(bias), view_array(out))
        ctx.save_for_backward(x, taps, bias)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor, ...]:
        x, taps, bias = ctx.saved_tensors
        d_x = torch.zeros(x.shape)
        d_taps, d_bias = torch.zeros_like(taps), torch.zeros_like(bias)
        kernels.convolve_backward(*map(view_array, (d_out.contiguous(), x, taps, bias, d_x, d_taps, d_bias)))
        return d_x.to(x.dtype), d_taps.T[:, None], d_bias


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed: Tensor, steps: Tensor, logs: Tensor, skip: Tensor, size: int) -> Tensor:
        batch, time, heads = steps.shape
        mixed, steps, decays = mixed.contiguous(), steps.contiguous(), logs.exp()
        inner = mixed.shape[-1] - 2 * size
        out = mixed.new_empty((batch, time, inner))
        kept = torch.empty(batch, heads, -(-time // kernels.STRIDE), size, inner // heads)
        kernels.scan(*map(view_array, (mixed, steps, decays, skip, out, kept)))
        ctx.save_for_backward(mixed, steps, decays, skip, kept)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
        mixed, steps, decays, skip, kept = ctx.saved_tensors
        d_mixed, d_skip = torch.zeros(mixed.shape), torch.zeros_like(skip)
        d_steps, d_decays = torch.empty_like(steps), torch.empty_like(decays)
        given = (d_out.contiguous(), mixed, steps, decays, skip, kept, d_mixed, d_steps, d_decays, d_skip)
        kernels.scan_backward(*map(view_array, given))
        return d_mixed.to(mixed.dtype), d_steps, d_decays * decays, d_skip, None


class _GateAndNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gates: Tensor, weight: Tensor, eps: float) -> Tensor:
        x, gates, width = x.contiguous(), gates.contiguous(), x.shape[-1]
        out, inverse = torch.empty_like(x), torch.empty(x.numel() // width)
        rows = [view_array(one.view(-1, width)) for one in (x, gates, out)]
        kernels.gate_and_norm(rows[0], rows[1], view_array(weight), np.float32(eps), rows[2], view_array(inverse))
        ctx.save_for_backward(x, gates, weight, inverse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
        x, gates, weight, inverse = ctx.saved_tensors
        width = x.shape[-1]
        d_x, d_gates, d_weight = torch.empty_like(x), torch.empty_like(gates), torch.zeros_like(weight)
        rows = [one.contiguous().view(-1, width) for one in (d_out, x, gates)]
        given = (*rows, weight, inverse, d_x.view(-1, width), d_gates.view(-1, width), d_weight)
        kernels.gate_and_norm_backward(*map(view_array, given))
        return d_x, d_gates, d_weight, None
