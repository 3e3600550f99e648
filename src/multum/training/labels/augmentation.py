"""Changes of inputs that leave their labels as they are: functions from a batch's tensors to new ones.

Invariant: what happens to a batch is drawn from the generator that is given, and from nothing else.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor

from multum.errors import UsageError
from multum.neural.features import Reader, TextReader

Inputs = dict[str, Tensor]


class Augmentation(Protocol):
    """A random change of a batch."""

    def __call__(self, inputs: Inputs, generator: Generator) -> Inputs:
        """Return changed inputs; the given ones stay."""


def shift_images(inputs: Inputs, generator: Generator, share: float = 1 / 12) -> Inputs:
    """Move each image by up to `share` of its height and width, at least a pixel; the edge is repeated."""
    pixels = inputs["pixel_values"]  # [batch, channels, height, width]
    most = [max(1, round(share * side)) for side in pixels.shape[2:]]
    return inputs | {"pixel_values": _cut(pixels, most, generator)}


def crop_images(inputs: Inputs, generator: Generator) -> Inputs:
    """Move each image by up to an eighth: a crop of the image with its edge repeated around it."""
    return shift_images(inputs, generator, 1 / 8)


def flip_images(inputs: Inputs, generator: Generator) -> Inputs:
    """Mirror half of the images left to right."""
    pixels = inputs["pixel_values"]
    flipped = torch.rand(len(pixels), generator=generator) < 0.5
    return inputs | {"pixel_values": torch.where(flipped[:, None, None, None], pixels.flip(3), pixels)}


def _cut(pixels: Tensor, most: Sequence[int], generator: Generator) -> Tensor:
    """Return each image cut, at a random place, from itself with its edge repeated `most` (rows, columns) around."""
    count, channels, height, width = pixels.shape
    tall, wide = most
    padded = torch.nn.functional.pad(pixels, (wide, wide, tall, tall), mode="replicate")
    top = torch.randint(0, 2 * tall + 1, (count, 1), generator=generator) + torch.arange(height)  # [batch, height]
    left = torch.randint(0, 2 * wide + 1, (count, 1), generator=generator) + torch.arange(width)  # [batch, width]
    rows = padded.gather(2, top[:, None, :, None].expand(-1, channels, -1, padded.shape[3]))
    return rows.gather(3, left[:, None, None, :].expand(-1, channels, height, -1))


def hide_tokens(share: float, hidden: int, first: int = 1) -> Augmentation:
    """Return the augmentation that puts the token `hidden` for up to `share` of each text's tokens.

    How many is drawn for each text, from none to `share`, so that texts as they are stay among the examples.
    first: tokens at the start that stay, where heads look.
    """
    if not 0 <= share < 1:
        raise UsageError(f"token dropout is {share}; allowed is 0 to less than 1")

    def hide(inputs: Inputs, generator: Generator) -> Inputs:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]  # [batch, tokens]
        shares = share * torch.rand(len(ids), 1, generator=generator)
        chosen = (torch.rand(ids.shape, generator=generator) < shares) & (mask > 0)
        chosen[:, :first] = False
        return inputs | {"input_ids": torch.where(chosen, hidden, ids)}

    return hide


# What --augment takes, for images.
IMAGE_AUGMENTATIONS: dict[str, Augmentation] = {"shift": shift_images, "crop": crop_images, "flip": flip_images}


def choose_augmentations(names: Sequence[str], token_dropout: float, reader: Reader) -> list[Augmentation]:
    """Return the augmentations asked for. Raises UsageError for unknown ones and those for the other kind of input."""
    if isinstance(reader, TextReader):
        if names:
            raise UsageError(f"augmentation '{names[0]}' is for images; texts have token dropout")
        return [hide_tokens(token_dropout, reader.hidden_token)] if token_dropout else []
    if token_dropout:
        raise UsageError("token dropout is for texts; images have --augment " + ", ".join(IMAGE_AUGMENTATIONS))
    unknown = [name for name in names if name not in IMAGE_AUGMENTATIONS]
    if unknown:
        raise UsageError(f"there is no augmentation '{unknown[0]}'; choose among {', '.join(IMAGE_AUGMENTATIONS)}")
    return [IMAGE_AUGMENTATIONS[name] for name in names]
