"""Convolutions as matrix products: the patches that a kernel reads."""

from typing import Any

import torch
from torch import Tensor


def list_patches(module: Any, read: Tensor) -> Tensor:
    """Return float32[positions, inputs]: what the kernels of a Conv1d or Conv2d read, one after the other.

    read: float32[batch, channels, *size], or one of a batch. Groups read channels of their own: at each place there
    are then as many positions, group after group.
    """
    axes = len(module.kernel_size)
    padded = _pad(module, read if read.ndim == axes + 2 else read[None])
    if axes == 1:
        padded = padded[:, :, None]
    kernel, dilation, stride = (_two(value) for value in (module.kernel_size, module.dilation, module.stride))
    patches = torch.nn.functional.unfold(padded, kernel, dilation, 0, stride)  # [batch, channels * kernel, places]
    batch, size, places = patches.shape
    inputs = size // module.groups
    return patches.reshape(batch, module.groups, inputs, places).permute(0, 3, 1, 2).reshape(-1, inputs)


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
