"""Texts and images as the tensors a classifier reads.

A reader turns inputs into features once; batches are gathered from them as often as needed.
Invariant: what a batch holds depends on its rows alone, but for padding up to the longest of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.errors import FormatError, UsageError

# Tokens of a text that are read, unless asked otherwise; what follows seldom decides its class and costs time.
MOST_TOKENS = 256
PREPROCESSOR = "preprocessor_config.json"

Inputs = Sequence[str] | NDArray[np.uint8]


class Features(Protocol):
    """Inputs, read."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64[n]: the work that each takes, for batches of like lengths."""

    def gather(self, rows: Sequence[int] | NDArray[np.int64]) -> dict[str, Tensor]:
        """Return a batch of `rows` by the names of the module's arguments."""


class Reader(Protocol):
    """How one kind of input is read."""

    def read(self, inputs: Inputs) -> Features:
        """Return the features of `inputs`. Raises UsageError for another kind, or images of another shape."""

    def save(self, folder: Path) -> None:
        """Write what `transformers` needs to read inputs the same way."""


@dataclass(frozen=True)
class TextFeatures:
    """Tokens. ids: int32[length] a text. padding: the token that fills up."""

    ids: list[NDArray[np.int32]]
    lengths: NDArray[np.int64]
    padding: int

    def gather(self, rows: Sequence[int] | NDArray[np.int64]) -> dict[str, Tensor]:
        """Return input_ids and attention_mask, int64[rows, longest]."""
        longest = max(1, *(len(self.ids[row]) for row in rows)) if len(rows) else 1
        ids = np.full((len(rows), longest), self.padding, np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for place, row in enumerate(rows):
            ids[place, : len(self.ids[row])] = self.ids[row]
            mask[place, : len(self.ids[row])] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}


@dataclass(frozen=True)
class TextReader:
    """Reads texts by a fast `transformers` tokenizer, up to `most_tokens` of each."""

    tokenizer: Any
    most_tokens: int

    @property
    def hidden_token(self) -> int:
        """The token that stands for one that is not shown: the mask, or the unknown one where there is none."""
        for token in (self.tokenizer.mask_token_id, self.tokenizer.unk_token_id, self.tokenizer.pad_token_id):
            if token is not None:
                return int(token)
        return 0

    def read(self, inputs: Inputs) -> TextFeatures:
        """Return the tokens of texts. Raises UsageError for images."""
        if isinstance(inputs, np.ndarray):
            raise UsageError("the program reads texts, the data holds images; give texts")
        found = self.tokenizer(list(inputs), truncation=True, max_length=self.most_tokens, verbose=False)["input_ids"]
        ids = [np.array(one, np.int32) for one in found]
        return TextFeatures(ids, np.array([len(one) for one in ids], np.int64), int(self.tokenizer.pad_token_id or 0))

    def save(self, folder: Path) -> None:
        """Write the tokenizer, which cuts where this reader does."""
        self.tokenizer.model_max_length = self.most_tokens
        self.tokenizer.save_pretrained(folder)


@dataclass(frozen=True)
class ImageFeatures:
    """Pixels. images: uint8[n, channels, height, width]. mean, std: float32[channels], of pixels in 0 to 1."""

    images: NDArray[np.uint8]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    lengths: NDArray[np.int64]

    def gather(self, rows: Sequence[int] | NDArray[np.int64]) -> dict[str, Tensor]:
        """Return pixel_values, float32[rows, channels, height, width], of mean 0 and deviation 1."""
        pixels = self.images[np.asarray(rows, np.int64)].astype(np.float32) / 255
        shape = (1, -1, 1, 1)
        return {"pixel_values": torch.from_numpy((pixels - self.mean.reshape(shape)) / self.std.reshape(shape))}


@dataclass(frozen=True)
class ImageReader:
    """Reads images of one shape (channels, height, width), or of that divided by a whole number, enlarged.

    mean, std: of each channel, of pixels in 0 to 1.
    """

    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def read(self, inputs: Inputs) -> ImageFeatures:
        """Return images as features. Raises UsageError for texts and for another shape."""
        if not isinstance(inputs, np.ndarray):
            raise UsageError("the program reads images, the data holds texts; give images")
        inputs = enlarge_images(inputs, self.shape[1] // inputs.shape[2])
        if inputs.shape[1:] != self.shape:
            raise UsageError(
                f"the program reads images of {_tell(self.shape)}, the data has {_tell(inputs.shape[1:])}; convert them"
            )
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        return ImageFeatures(inputs, mean, std, np.ones(len(inputs), np.int64))

    def save(self, folder: Path) -> None:
        """Write preprocessor_config.json."""
        _, height, width = self.shape
        facts = {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": {"height": height, "width": width},
            "resample": 0,  # nearest, which repeats pixels as `enlarge_images` does
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
        }
        (folder / PREPROCESSOR).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def enlarge_images(images: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Return images, uint8[n, channels, height, width], with each pixel repeated `times` across and down."""
    return images if times <= 1 else images.repeat(times, axis=2).repeat(times, axis=3)


def measure_images(images: NDArray[np.uint8]) -> ImageReader:
    """Return the reader of images like these, with their mean and deviation by channel."""
    pixels = images.astype(np.float32) / 255
    mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64)
    std = np.maximum(pixels.std(axis=(0, 2, 3), dtype=np.float64), 1 / 255)  # an even colour has no deviation
    channels, height, width = images.shape[1:]
    return ImageReader((channels, height, width), tuple(map(float, mean)), tuple(map(float, std)))


def read_image_reader(facts: dict[str, Any], channels: int, source: str) -> ImageReader:
    """Return the reader that preprocessor_config.json tells of. Raises FormatError."""
    try:
        size = facts["size"]
        mean, std = tuple(map(float, facts["image_mean"])), tuple(map(float, facts["image_std"]))
        shape = (channels, int(size["height"]), int(size["width"]))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"'{source}' has no {PREPROCESSOR} with size, image_mean and image_std") from error
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise FormatError(f"'{source}' reads {channels} channels, and its {PREPROCESSOR} is for {len(mean)}")
    return ImageReader(shape, mean, std)


def _tell(shape: Sequence[int]) -> str:
    channels, height, width = shape
    return f"{width}x{height} pixels with {channels} channels"
