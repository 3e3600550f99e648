"""What is done to a program while it trains, beside the steps of its optimizers.

Invariant: the trainer knows when, a shaping what; whatever it must remember is in buffers of the program, which are in
the checkpoint, so that a run which is resumed is shaped as an undisturbed one.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import nn


class Shaping(Protocol):
    """Changes a program as its budget is spent."""

    @property
    def settled(self) -> float:
        """The fraction of the budget from which on nothing changes any more."""

    def advance(self, module: "nn.Module", fraction: float) -> None:
        """Bring `module` to where it is to be when `fraction` of the budget is spent; called before each step."""
