"""The optimizers of a run: Muon for hidden matrices, AdamW for everything else.

Muon replaces the momentum of a matrix by the nearest semi-orthogonal matrix, so that every direction a layer can move
in moves equally far, and scales it by sqrt(rows / columns). The change of a layer's output is then the same at every
width, which is why one rate serves all sizes of the dial.
Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; Yang, Simon, Bernstein 2023, "A
spectral condition for feature learning" (the scale); Loshchilov and Hutter 2019 (decoupled weight decay).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from multum.training.processes import gather_tensor, scatter_like
from multum.training.settings import Settings

# An odd polynomial whose five-fold iteration brings singular values in (0.002, 1] to about 0.7 ... 1.2 (Jordan et al.).
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
MOMENTUM = 0.95
# A short second-moment memory, as batches are small and noise changes quickly at the start.
BETAS = (0.9, 0.98)


def make_optimizers(module: nn.Module, settings: Settings) -> list[torch.optim.Optimizer]:
    """Return the optimizers of `module`, each group's "peak" holding the rate before the schedule.

    A parameter may carry `rate_scale`, a factor on its rate. Embeddings, heads, norms and biases go to AdamW;
    only matrices decay.
    """
    hidden, other = _divide(module, settings.muon_rate is not None)
    optimizers: list[torch.optim.Optimizer] = []
    if other:
        groups = list(_group(other, settings))
        optimizers.append(torch.optim.AdamW(groups, betas=BETAS, fused=_can_fuse(other)))
    if hidden:
        assert settings.muon_rate is not None, "there are hidden matrices for Muon only with a rate for it"
        optimizers.append(Muon(hidden, settings.muon_rate, settings.weight_decay))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def set_precision(optimizers: Iterable[torch.optim.Optimizer], precision: torch.dtype) -> None:
    """Let Muon orthogonalise at the precision of the run."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if "precision" in group:
                group["precision"] = precision


def _divide(module: nn.Module, muon: bool) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return (matrices of the layers, all else); a layer is what stands in a ModuleList."""
    inside = {
        id(parameter)
        for part in module.modules()
        if isinstance(part, nn.ModuleList)
        for layer in part.modules()
        if isinstance(layer, nn.Linear)
        for parameter in layer.parameters()
    }
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    hidden = [p for p in trained if muon and p.ndim == 2 and id(p) in inside]
    taken = {id(p) for p in hidden}
    return hidden, [p for p in trained if id(p) not in taken]


def _group(parameters: Iterable[nn.Parameter], settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield AdamW groups: one for each rate and kind of decay."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = defaultdict(list)
    for parameter in parameters:
        groups[getattr(parameter, "rate_scale", 1.0), parameter.ndim >= 2].append(parameter)
    for (scale, decays), members in groups.items():
        decay = settings.weight_decay if decays else 0.0
        yield {"params": members, "lr": settings.learning_rate * scale, "weight_decay": decay}


def _can_fuse(parameters: list[nn.Parameter]) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps") and type(p) is nn.Parameter for p in parameters)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; for matrices only.

    rate: the root-mean-square change of a layer's output for inputs of unit scale, a step. A group's "precision" is
    that of the products by which its matrices are orthogonalised.
    """

    def __init__(self, parameters: list[nn.Parameter], rate: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": rate, "weight_decay": weight_decay, "precision": torch.float32})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient; those of one shape are orthogonalised together."""
        assert closure is None, "Muon needs no closure"
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for members in shapes.values():
                self._move(members, group)

    def _move(self, members: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Move matrices of one shape."""
        directions = [self._advance(parameter) for parameter in members]
        rows, columns = members[0].shape
        updates = orthogonalise(torch.stack(directions), group["precision"])  # [matrices, rows, columns]
        scale = (rows / columns) ** 0.5
        for parameter, update in zip(members, updates, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.sub_(scatter_like(update, parameter), alpha=group["lr"] * scale)

    def _advance(self, parameter: nn.Parameter) -> Tensor:
        """Return the momentum looked ahead (Nesterov), whole, after the gradient is added to it."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None, "only matrices with a gradient are moved"
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gather_tensor(gradient.lerp(state["momentum"], MOMENTUM))


def orthogonalise(matrices: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Return near-orthogonal matrices with the singular vectors of `matrices`, in float32.

    matrices: float[matrices, rows, columns]. Singular values come out between about 0.7 and 1.2; zero stays zero.
    """
    a, b, c = _QUINTIC
    wide = matrices.shape[1] <= matrices.shape[2]
    x = (matrices if wide else matrices.mT).to(precision)
    x = x / (torch.linalg.matrix_norm(x.float(), keepdim=True) + 1e-7).to(x.dtype)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT  # [matrices, short, short]
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal: Tensor = (x if wide else x.mT).float()
    return orthogonal
