"""Inputs in pieces that can be hidden: words of a text, patches of an image.

Invariant: with nothing hidden an input is as it was.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
# A word with the space before it; of scripts without spaces a character.
_WORD = re.compile(
    r"\s*(?:[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uac00-\ud7af]+)\s*$|"
    r"\s*(?:[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uac00-\ud7af]+)"
)
# Patches along the longer side of an image.
_PATCHES = 8


class Pieces(Protocol):
    """An input in pieces."""

    def __len__(self) -> int:
        """How many there are."""

    def hide(self, shown: NDArray[np.bool_]) -> Any:
        """Return the input with only some pieces, bool[pieces]."""


@dataclass(frozen=True)
class Words:
    """A text in words; hidden ones are left out."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        """The words, with the space around them."""
        return _WORD.findall(self.text) or [self.text]

    def __len__(self) -> int:
        return len(self.words)

    def hide(self, shown: NDArray[np.bool_]) -> str:
        """Return the words that are shown, as they stood."""
        return "".join(word for word, seen in zip(self.words, shown.tolist(), strict=True) if seen)


@dataclass(frozen=True)
class Patches:
    """An image, uint8[channels, height, width], in equal patches; hidden ones are black."""

    image: Pixels

    @cached_property
    def side(self) -> int:
        """Pixels of a patch's side."""
        return max(1, -(-int(max(self.image.shape[1:])) // _PATCHES))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """int64[height, width]: the patch that each pixel is in."""
        rows, columns = (np.arange(size) // self.side for size in self.image.shape[1:])
        found: NDArray[np.int64] = rows[:, None] * (int(columns[-1]) + 1) + columns
        return found

    def __len__(self) -> int:
        return int(self.places[-1, -1]) + 1

    def hide(self, shown: NDArray[np.bool_]) -> Pixels:
        """Return the image with other patches black."""
        return self.image * shown[self.places].astype(np.uint8)


def cut(inputs: Sequence[str] | Pixels, row: int) -> Words | Patches:
    """Return the pieces of the input at `row`."""
    one = inputs[row]
    return Words(one) if isinstance(one, str) else Patches(one)
