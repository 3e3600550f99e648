"""Convolutions as matrix products: the patches that a kernel reads, and the gradients of what it makes of them."""

from typing import Any

import torch
from torch import Tensor


def list_patches(module: Any, read: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return (float32[positions, inputs], float32[positions, outputs]) of a Conv1d or Conv2d.

    read: what it read, [batch, channels, *size] or one of a batch. gradient: of what it made. Groups that read
    channels of their own are seen as more positions, each with the gradient of its outputs at their places.
    """
    axes = len(module.kernel_size)
    if read.ndim == axes + 1:
        read, gradient = read[None], gradient[None]
    padded = _pad(module, read)
    if axes == 1:
        padded = padded[:, :, None]
    kernel, dilation, stride = (_two(value) for value in (module.kernel_size, module.dilation, module.stride))
    patches = torch.nn.functional.unfold(padded, kernel, dilation, 0, stride)  # [batch, channels * kernel, places]
    groups = module.groups
    batch, _, places = patches.shape
    patches = patches.reshape(batch, groups, -1, places).permute(0, 3, 1, 2)  # [batch, places, groups, inputs]
    outputs = gradient.reshape(batch, groups, -1, places).permute(0, 3, 1, 2)
    if groups == 1:
        return patches.reshape(-1, patches.shape[-1]), outputs.reshape(-1, outputs.shape[-1])
    spread = torch.zeros(*outputs.shape[:2], groups, groups, outputs.shape[-1])
    spread[:, :, range(groups), range(groups)] = outputs
    return patches.reshape(-1, patches.shape[-1]), spread.reshape(batch * places * groups, -1)


def _two(value: tuple[int, ...]) -> tuple[int, int]:
    return (1, *value) if len(value) == 1 else (value[0], value[1])


def _pad(module: Any, read: Tensor) -> Tensor:
    """Return `read` with what the convolution adds around it."""
    if module.padding == "valid":
        return read
    if module.padding == "same":
        totals = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        sides = [(total // 2, total - total // 2) for total in totals]
    else:
        sides = [(side, side) for side in module.padding]
    flat = [width for pair in reversed(sides) for width in pair]
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    return torch.nn.functional.pad(read, flat, mode=mode)
