"""How long the file of a network would be as it is: what zeros save.

Invariant: lengths are those of archives that were made, all of weights as fine as each other, so that zeros alone make
the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from multum.evaluation.online import Sink
from multum.quantization.quantizer import Quantizer, Target
from multum.shrinking.options import ShrinkOptions
from multum.shrinking.passes import State, list_codable, list_free, name_grids
from multum.shrinking.writing import write_archive

if TYPE_CHECKING:
    from multum.tensors.grids import Grid

# What multum.json will say of the pass that asks, and of the loss after it, coded.
_ROOM_BYTES = 512


@dataclass(eq=False)
class Balance:
    """Weighs the network of a state. describe: returns what multum.json says of the passes before.

    Where weights are coded, the first that is weighed, without zeros, decides how fine: as many bits a weight as were
    asked for. Memory: what coding needs, from the first time on.
    """

    state: State
    asked: ShrinkOptions
    describe: Callable[[], dict[str, Any]]
    quantizer: Quantizer | None = None
    step: float = 0.0

    def weigh(self) -> int:
        """Return the bytes of the archive of the network as it is, a little more than less. Raises UsageError."""
        model, grids = self.state.model, dict(self.state.fixed)
        weights, left = list_codable(model)
        values = {model.names[weight.name]: weight.parameter.detach() for weight in weights}
        stored = {
            name: tensor if name not in values else values[name].to(tensor.dtype)
            for name, tensor in model.stored.items()
        }
        if self.asked.bits is not None and list_free(self.state):
            grids |= name_grids(model, self._round(self.asked.bits))
        about = self.describe() | {"left": [vars(one) for one in left]}
        target: Any = Sink()
        kept = replace(model, stored=stored)
        return _ROOM_BYTES + write_archive(kept, grids, about, target, self.asked.threads, verify=False)

    def _round(self, bits: float) -> "dict[str, Grid]":
        """Return the integers of all weights that are none yet."""
        state = self.state
        if self.quantizer is not None:
            return self.quantizer.quantize_at(self.step).grids
        self.quantizer = Quantizer(
            state.model.module, list_free(state), state.material.batches, seed=state.seed, folder=state.calibrated
        )
        found = self.quantizer.quantize(Target(int(bits * self.quantizer.size / 8)))
        self.step = found.step
        return found.grids
