"""What pruning and rounding are asked for. Light: nothing here loads torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from multum.errors import UsageError

MAGNITUDE, WANDA, SPARSEGPT, SURGEON = "magnitude", "wanda", "sparsegpt", "surgeon"
METHODS = (MAGNITUDE, WANDA, SPARSEGPT, SURGEON)
ROW, LAYER, GLOBAL = "row", "layer", "global"
# What each method can compare; first the one that it is known by.
SCOPES = {
    MAGNITUDE: (LAYER, ROW, GLOBAL),
    WANDA: (ROW, LAYER),
    SPARSEGPT: (LAYER,),
    SURGEON: (GLOBAL, LAYER),
}
# What stands before a loss that may be taken, and before a length of a file.
_LOSS, _BYTES = "loss=", "bytes="


@dataclass(frozen=True)
class Pruning:
    """Which weights become zero; see `prune`.

    method: one of METHODS. share: of the weights; or pattern: (n, m), n of each m neighbours stay; or loss: the largest
    share by which what is measured rises by no more than this; or size_bytes: the least share with which the file is no
    longer. scope: among which weights those that matter least are looked for, one of the method's SCOPES; None for the
    first of them. Raises UsageError.
    """

    method: str = SURGEON
    share: float | None = None
    pattern: tuple[int, int] | None = None
    scope: str | None = None
    loss: float | None = None
    size_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"'{self.method}' is no way to prune; allowed is {', '.join(METHODS)}")
        if [self.share, self.pattern, self.loss, self.size_bytes].count(None) != 3:
            raise UsageError(
                "pruning takes a share of the weights such as 0.5, a pattern such as 2:4, a loss or a size, one of them"
            )
        if self.size_bytes is not None and self.size_bytes < 1:
            raise UsageError(f"a file of {self.size_bytes} bytes is not possible; give 1 or more, such as bytes=250000")
        if self.loss is not None and not (math.isfinite(self.loss) and self.loss > 0):
            raise UsageError(f"a loss of {self.loss:g} cannot be kept; give more than 0, such as loss=0.02")
        if self.share is not None and not (math.isfinite(self.share) and 0 < self.share < 1):
            raise UsageError(f"a share of {self.share:g} cannot be pruned; give more than 0 and less than 1")
        if self.pattern is not None and not 0 < self.pattern[0] < self.pattern[1]:
            n, m = self.pattern
            raise UsageError(f"a pattern keeps n of m weights with 0 < n < m, not {n}:{m}; give one such as 2:4")
        if self.scope is not None and self.scope not in SCOPES[self.method]:
            allowed = " or ".join(SCOPES[self.method])
            raise UsageError(f"{self.method} has no threshold by '{self.scope}'; allowed is {allowed}")
        if self.scope is not None and self.pattern is not None:
            raise UsageError(f"the pattern {self} leaves a scope no choice; leave '{self.scope}' out")

    @property
    def usual_scope(self) -> str:
        """The scope that was given, or the one that the method is known by."""
        return self.scope or SCOPES[self.method][0]

    @property
    def reads_data(self) -> bool:
        """Whether the method looks at what layers read."""
        return self.method != MAGNITUDE

    def __str__(self) -> str:
        """Return the recipe's words for it."""
        if self.pattern is not None:
            amount = f"{self.pattern[0]}:{self.pattern[1]}"
        else:
            amounts = (("", self.share, "g"), (_LOSS, self.loss, "g"), (_BYTES, self.size_bytes, "d"))
            amount = "".join(f"{sign}{value:{form}}" for sign, value, form in amounts if value is not None)
        return ":".join([self.method, amount, *([self.scope] if self.scope else [])])


def read_pruning(words: Sequence[str]) -> Pruning:
    """Return the pruning that a recipe's words tell: METHOD: and SHARE, loss=X, bytes=N or N:M, and a scope.

    Raises UsageError.
    """
    method, *rest = words or [""]
    if len(rest) == 2 and rest[0].isdigit() and rest[1].isdigit():
        return Pruning(method, pattern=(int(rest[0]), int(rest[1])))
    if not 1 <= len(rest) <= 2:
        raise UsageError("prune takes METHOD:SHARE[:SCOPE] or METHOD:N:M, such as surgeon:0.5 or sparsegpt:2:4")
    amount, scope = rest[0], rest[1] if len(rest) == 2 else None
    if amount.startswith(_LOSS):
        return Pruning(method, loss=_read_number(amount.removeprefix(_LOSS)), scope=scope)
    if amount.startswith(_BYTES):
        return Pruning(method, size_bytes=_read_size(amount.removeprefix(_BYTES)), scope=scope)
    return Pruning(method, share=_read_number(amount), scope=scope)


def _read_number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise UsageError(
            f"'{word}' is no share of the weights; give one such as 0.5, a pattern such as 2:4, or loss=0.02"
        ) from None


def _read_size(word: str) -> int:
    if not word.isdigit():
        raise UsageError(f"'{word}' is no length of a file; give a whole number of bytes, such as bytes=250000")
    return int(word)


RTN, HQQ, AWQ, GPTQ = "rtn", "hqq", "awq", "gptq"
ROUNDINGS = (RTN, HQQ, AWQ, GPTQ)
TENSOR, CHANNEL = "tensor", "channel"
SYMMETRIC, ASYMMETRIC = "symmetric", "asymmetric"
MOST_BITS = 8
# What stands before the rank of what makes good the loss.
_RANK = "rank="


@dataclass(frozen=True)
class Rounding:
    """How weights become integers of so many bits each; see `quantize`.

    method: one of ROUNDINGS. bits: 2 to MOST_BITS. group: how many inputs of an output share a step; CHANNEL for all of
    them, TENSOR for one step of all outputs. symmetric: whether 0 lies in the middle of what the integers reach.
    rank: of two narrow matrices beside the integers, which make good some of what rounding lost; 0 for none.
    Raises UsageError.
    """

    method: str
    bits: int
    group: int | str = CHANNEL
    symmetric: bool = False
    rank: int = 0

    def __post_init__(self) -> None:
        if self.method not in ROUNDINGS:
            raise UsageError(f"'{self.method}' is no way to round; allowed is {', '.join(ROUNDINGS)}")
        if not 2 <= self.bits <= MOST_BITS:
            raise UsageError(f"integers of {self.bits} bits are not made; allowed is 2 to {MOST_BITS}")
        if isinstance(self.group, int) and self.group < 2:
            raise UsageError(f"a group of {self.group} weights is too small; give 2 or more, such as 64")
        if self.method == AWQ and self.group != CHANNEL:
            raise UsageError(
                f"awq has a step for each input, which groups of {self.group} would not have; round by channel"
            )

    @property
    def reads_data(self) -> bool:
        """Whether the method looks at what layers read."""
        return self.method in (AWQ, GPTQ)

    def __str__(self) -> str:
        """Return the recipe's words for it."""
        words = [self.method, str(self.bits), str(self.group), SYMMETRIC if self.symmetric else ASYMMETRIC]
        return ":".join([*words, *([f"{_RANK}{self.rank}"] if self.rank else [])])


def read_rounding(words: Sequence[str]) -> Rounding:
    """Return the rounding that a recipe's words tell: METHOD:BITS, then in any order a group, a symmetry and a rank.

    Raises UsageError.
    """
    method, bits, *rest = [*words, ""] if len(words) < 2 else words
    if not bits.isdigit() or len(rest) > 3:
        raise UsageError(
            "quantize takes METHOD:BITS[:GROUP][:symmetric][:rank=R], such as gptq:4:64 or rtn:8:channel:symmetric"
        )
    group: int | str = CHANNEL
    rank = 0
    symmetric = int(bits) == MOST_BITS  # as 8-bit products of integers want it
    for word in rest:
        if word in (SYMMETRIC, ASYMMETRIC):
            symmetric = word == SYMMETRIC
        elif word in (TENSOR, CHANNEL) or word.isdigit():
            group = int(word) if word.isdigit() else word
        elif word.startswith(_RANK):
            rank = _read_rank(word.removeprefix(_RANK))
        else:
            raise UsageError(
                f"'{word}' is no group such as 64, channel or tensor, no rank=8, and neither symmetric nor asymmetric"
            )
    return Rounding(method, int(bits), group, symmetric, rank)


def _read_rank(word: str) -> int:
    if not word.isdigit() or not int(word):
        raise UsageError(f"'{word}' is no rank; give a whole number of 1 or more, such as rank=8, or none")
    return int(word)
