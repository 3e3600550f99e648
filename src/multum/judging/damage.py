"""Damage to inputs of several strengths: what a program meets where data are worse than those that it learnt from.

Invariant: the same damage of the same inputs is the same, by the seed; a strength of 0 changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Input = TypeVar("Input", bound=Any)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Damage:
    """A kind of damage. told: what a strength is a share of. strengths: those that are tried."""

    name: str
    told: str
    strengths: tuple[float, ...]
    apply: Callable[[Any, float, Generator], Any]


def mistype(text: str, share: float, generator: Generator) -> str:
    """Return `text` with about `share` of its characters mistyped.

    As fingers do it: left out, doubled, swapped with the next, or put for another character of the same text, so that
    the mistakes are of the script that it is in.
    """
    letters, out, at = list(text), [], 0
    while at < len(letters):
        one = letters[at]
        at += 1
        if one.isspace() or generator.random() >= share:
            out.append(one)
            continue
        kind = generator.integers(4)
        if kind == 1:
            out += [one, one]
        elif kind == 2 and at < len(letters):
            out += [letters[at], one]
            at += 1
        elif kind == 3:
            out.append(letters[generator.integers(len(letters))])
    return "".join(out)


def cut_text(text: str, share: float, generator: Generator) -> str:  # noqa: ARG001 - a damage's shape
    """Return the start of `text`, without the last `share` of its characters; one is left at least."""
    return text[: max(1, round((1 - share) * len(text)))]


def scatter_bytes(data: bytes, share: float, generator: Generator) -> bytes:
    """Return `data` with `share` of its bytes, anywhere, put for random ones."""
    found = np.frombuffer(data, np.uint8).copy()
    hit = generator.random(len(found)) < share
    found[hit] = generator.integers(0, 256, int(hit.sum()), np.uint8)
    return found.tobytes()


def mistype_bytes(data: bytes, share: float, generator: Generator) -> bytes:
    """Return text mistyped, bytes that are no UTF-8 left as they are."""
    return mistype(data.decode("utf-8", "surrogateescape"), share, generator).encode("utf-8", "surrogateescape")


def cut_bytes(data: bytes, share: float, generator: Generator) -> bytes:  # noqa: ARG001 - a damage's shape
    """Return the start of `data`, without the last `share` of it."""
    return data[: max(1, round((1 - share) * len(data)))]


def add_noise(image: Pixels, share: float, generator: Generator) -> Pixels:
    """Return an image with Gaussian noise of a deviation of `share` of the range of pixels."""
    noisy = image + generator.normal(0, 255 * share, image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def cut_image(image: Pixels, share: float, generator: Generator) -> Pixels:  # noqa: ARG001 - a damage's shape
    """Return an image, [channels, height, width], whose lowest rows, `share` of it, are black."""
    found = image.copy()
    found[:, round((1 - share) * image.shape[1]) :] = 0
    return found


TEXT_DAMAGE = (
    Damage("typos", "of characters", (0.02, 0.05, 0.1, 0.2), mistype),
    Damage("truncation", "of each text", (0.25, 0.5, 0.75), cut_text),
)
IMAGE_DAMAGE = (
    Damage("noise", "of the range of pixels", (0.05, 0.1, 0.2, 0.4), add_noise),
    Damage("truncation", "of rows", (0.1, 0.25, 0.5), cut_image),
)
BYTE_DAMAGE = (
    Damage("typos", "of characters", (0.01, 0.05), mistype_bytes),
    Damage("noise", "of bytes", (0.001, 0.01, 0.05), scatter_bytes),
    Damage("truncation", "of the data", (0.5, 0.9), cut_bytes),
)


def list_strengths(kinds: Sequence[Damage]) -> list[tuple[Damage, float]]:
    """Return every strength of each kind."""
    return [(kind, share) for kind in kinds for share in kind.strengths]


def damage_all(damage: Damage, inputs: Sequence[Input] | Pixels, share: float, seed: int) -> Sequence[Input] | Pixels:
    """Return damaged inputs; images come as uint8[n, channels, height, width]."""
    generator = np.random.default_rng(seed)
    changed = [damage.apply(one, share, generator) for one in inputs]
    return np.stack(changed) if isinstance(inputs, np.ndarray) else changed
