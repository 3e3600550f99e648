"""Safetensors files, small ones, made by whole numbers and elementwise arithmetic: the same on every machine."""

import json
import struct

import numpy as np
from numpy.typing import NDArray

from multum.tensors.grids import Grid

Tensors = dict[str, tuple[str, tuple[int, ...], bytes]]


def spread(count: int, seed: int) -> NDArray[np.uint64]:
    """Return uint64[count] that look random, by the finaliser of splitmix64."""
    state = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return state ^ (state >> np.uint64(31))


def weights(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Return float32[rows, columns], each a product of two even ones; rows differ in scale by up to 8."""
    words = spread(2 * rows * columns, seed)
    values = ((words >> np.uint64(40)).astype(np.float32) - np.float32(1 << 23)) / np.float32(1 << 23)
    scales = np.float32(2.0) ** -(np.arange(rows, dtype=np.float32) % 4)
    products: NDArray[np.float32] = (values[::2] * values[1::2]).reshape(rows, columns) * scales[:, None]
    return products


def bfloat16(values: NDArray[np.float32]) -> bytes:
    """Return float32 cut to bfloat16."""
    return (values.view(np.uint32) >> 16).astype("<u2").tobytes()


def safetensors(tensors: Tensors, more: bytes = b"") -> bytes:
    """Return the file of `tensors`: dtype, shape and bytes by name; and what follows it."""
    fields, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        fields[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(fields).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()) + more


def model(seed: int = 1, step: float = 0.0) -> Tensors:
    """Return tensors of several types and shapes, a scalar and an empty one among them. step: what training adds."""
    first, second = weights(96, 128, seed), weights(64, 40, seed + 1)
    first[8:] += np.float32(step) * weights(88, 128, seed + 2)
    return {
        "embedding": ("BF16", (96, 128), bfloat16(first)),
        "norm": ("F32", (40,), weights(1, 40, seed + 3).tobytes()),
        "scale": ("F64", (), struct.pack("<d", 0.5)),
        "none": ("F32", (0, 7), b""),
        "kernel": ("F32", (8, 8, 5, 8), second.tobytes()),
        "half": ("F16", (64, 40), second.astype("<f2").tobytes()),
        "ids": ("I64", (1, 96), np.arange(96, dtype="<i8").tobytes()),
        "codes": ("I8", (64, 40), (spread(2560, seed) % np.uint64(9)).astype(np.int8).tobytes()),
        "mask": ("BOOL", (40,), bytes(40)),
    }


def make_grid(rows: int = 60, columns: int = 50) -> Grid:
    """Return a grid of bfloat16 with steps of its own for rows and columns."""
    codes = (spread(rows * columns, 7) % np.uint64(15)).astype(np.int16).reshape(rows, columns) - np.int16(7)
    steps = (spread(rows + columns, 8) % np.uint64(9)).astype(np.int16) - np.int16(30)
    return Grid(codes, steps[:rows].copy(), steps[rows:].copy(), 3, "BF16")
