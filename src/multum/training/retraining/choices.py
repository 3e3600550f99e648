"""What learning again is asked for. Light: nothing here loads torch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from multum.errors import UsageError

# Passes over the data unless asked otherwise: enough for what was lost to come back.
EPOCHS = 3.0
LEAST_BITS, MOST_BITS = 2, 8
# What stands before the bits of activations in a recipe.
_ACTIVATIONS = "a"


@dataclass(frozen=True)
class Retraining:
    """How a network learns again; see `retrain`.

    share: of the weights that are zero in the end, None to leave zeros as they are. bits: of the integers that weights
    become; activations: of those that layers read; None for neither. epochs: passes over the data. temperature: at
    which teacher and pupil are compared. teacher_weight: the teacher's part of the loss; labels, or the tokens to come,
    have the rest. hidden: the nats that layers unlike the teacher's cost a unit. learning_rate: its peak. None for what
    suits the kind of network. Raises UsageError.
    """

    share: float | None = None
    bits: int | None = None
    activations: int | None = None
    epochs: float = EPOCHS
    temperature: float | None = None
    teacher_weight: float | None = None
    hidden: float = 0.0
    learning_rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        bits = f"{LEAST_BITS} to {MOST_BITS}"
        _check("a share of zeros", self.share, lambda value: 0 < value < 1, "more than 0 and less than 1")
        _check("weights in bits", self.bits, lambda value: LEAST_BITS <= value <= MOST_BITS, bits)
        _check("activations in bits", self.activations, lambda value: LEAST_BITS <= value <= MOST_BITS, bits)
        _check("the number of epochs", self.epochs, lambda value: value > 0, "more than 0")
        _check("the temperature", self.temperature, lambda value: value > 0, "more than 0")
        _check("the teacher's weight", self.teacher_weight, lambda value: 0 <= value <= 1, "0 to 1")
        _check("the cost of hidden states", self.hidden, lambda value: value >= 0, "0 or more")
        _check("the learning rate", self.learning_rate, lambda value: value > 0, "more than 0")


def _check(what: str, value: float | None, is_good: Callable[[float], bool], allowed: str) -> None:
    if value is not None and not (math.isfinite(value) and is_good(value)):
        raise UsageError(f"{what}: {value:g} is not allowed; give {allowed}")


@dataclass(frozen=True)
class Gradual:
    """The pass gradual=SHARE[:EPOCHS]: weights become zero one after another while the others learn.

    Raises UsageError.
    """

    share: float
    epochs: float = EPOCHS

    def __post_init__(self) -> None:
        _ = self.retraining  # which checks the numbers

    @property
    def retraining(self) -> Retraining:
        """How the network learns meanwhile."""
        return Retraining(share=self.share, epochs=self.epochs)

    def __str__(self) -> str:
        return f"{self.share:g}:{self.epochs:g}"


@dataclass(frozen=True)
class Qat:
    """The pass qat=BITS[:aBITS][:EPOCHS]: the network learns with weights, and what layers read, in so many bits.

    Raises UsageError.
    """

    bits: int
    activations: int | None = None
    epochs: float = EPOCHS

    def __post_init__(self) -> None:
        _ = self.retraining  # which checks the numbers

    @property
    def retraining(self) -> Retraining:
        """How the network learns."""
        return Retraining(bits=self.bits, activations=self.activations, epochs=self.epochs)

    def __str__(self) -> str:
        activations = [] if self.activations is None else [f"{_ACTIVATIONS}{self.activations}"]
        return ":".join([str(self.bits), *activations, f"{self.epochs:g}"])


@dataclass(frozen=True)
class Distil:
    """The pass distil=SHARE[:EPOCHS]: so large a share of the layers stays, and learns from the model as it came.

    Raises UsageError.
    """

    share: float
    epochs: float = EPOCHS

    def __post_init__(self) -> None:
        _check("a share of the layers", self.share, lambda value: 0 < value <= 1, "more than 0, and 1 for all layers")
        _ = self.retraining  # which checks the numbers

    @property
    def retraining(self) -> Retraining:
        """How the network learns."""
        return Retraining(epochs=self.epochs)

    def __str__(self) -> str:
        return f"{self.share:g}:{self.epochs:g}"


def read_gradual(words: Sequence[str]) -> Gradual:
    """Return what the words SHARE[:EPOCHS] ask for. Raises UsageError."""
    return Gradual(*_read_numbers(words, "gradual takes SHARE[:EPOCHS], such as 0.9:5"))


def read_distil(words: Sequence[str]) -> Distil:
    """Return what the words SHARE[:EPOCHS] ask for. Raises UsageError."""
    usage = "distil takes SHARE[:EPOCHS], such as 0.5:3 for every other layer, or 1 for all layers"
    return Distil(*_read_numbers(words, usage))


def read_qat(words: Sequence[str]) -> Qat:
    """Return what the words BITS[:aBITS][:EPOCHS] ask for. Raises UsageError."""
    usage = "qat takes BITS[:aBITS][:EPOCHS], such as 4, or 4:a8:5 for activations of 8 bits and 5 epochs"
    activations = [word.removeprefix(_ACTIVATIONS) for word in words[1:2] if word.startswith(_ACTIVATIONS)]
    bits, *epochs = _read_numbers([words[0], *words[1 + len(activations) :]], usage)
    if bits != int(bits) or not all(word.isdigit() for word in activations):
        raise UsageError(usage)
    return Qat(int(bits), int(activations[0]) if activations else None, *epochs)


def _read_numbers(words: Sequence[str], usage: str) -> list[float]:
    """Return one or two numbers. Raises UsageError."""
    if not 1 <= len(words) <= 2:
        raise UsageError(usage)
    try:
        return [float(word) for word in words]
    except ValueError:
        raise UsageError(usage) from None
