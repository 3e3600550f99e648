"""The weights of a network that can be coded as integers: matrices whose rows make outputs and columns read inputs.

Invariant: every parameter of the network is either in one of the matrices, once, or left out with a reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from multum.errors import FormatError

if TYPE_CHECKING:
    import torch

LINEAR, CONVOLUTION, EMBEDDING = "linear", "convolution", "embedding"


@dataclass(frozen=True, eq=False)
class Use:
    """One place where a matrix is used. name: of the module in the network. kind: LINEAR, CONVOLUTION or EMBEDDING."""

    name: str
    module: Any
    kind: str


@dataclass(frozen=True, eq=False)
class Weight:
    """A matrix of a network. name: in its state. names: all of them, for tied ones. uses: where it multiplies.

    transposed: whether the state holds [inputs, outputs], as the Conv1D of GPT-2 does.
    """

    name: str
    names: tuple[str, ...]
    parameter: "torch.nn.Parameter"
    uses: tuple[Use, ...]
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) as the state holds them: all axes but the first are one."""
        rows = int(self.parameter.shape[0])
        return rows, self.parameter.numel() // rows

    def read(self) -> "torch.Tensor":
        """Return float32[outputs, inputs], a copy."""
        import torch

        matrix = self.parameter.detach().reshape(self.shape).to(torch.float32, copy=True)
        return matrix.T.contiguous() if self.transposed else matrix

    def write(self, matrix: "torch.Tensor") -> None:
        """Set the parameter to `matrix`, [outputs, inputs], rounded to the type that it has."""
        import torch

        with torch.no_grad():
            stored = matrix.T if self.transposed else matrix
            self.parameter.copy_(stored.reshape(self.parameter.shape).to(self.parameter.dtype))


@dataclass(frozen=True)
class Skipped:
    """A parameter that stays as it is, and why."""

    name: str
    size: int
    reason: str


def find_weights(module: "torch.nn.Module") -> tuple[tuple[Weight, ...], tuple[Skipped, ...]]:
    """Return (the matrices of `module`, the parameters that are left out).

    Matrices are those of Linear, Conv1d, Conv2d, Embedding and the Conv1D of transformers; tied ones are there once.
    Raises FormatError for parameters that are not finite, or not floating point.
    """
    uses: dict[int, list[Use]] = {}
    transposed: dict[int, bool] = {}
    for name, part in module.named_modules():
        kind = _kind_of(part)
        if kind is not None:
            uses.setdefault(id(part.weight), []).append(Use(name, part, kind))
            transposed[id(part.weight)] = type(part).__name__ == "Conv1D"
    weights, skipped = [], []
    for names, parameter in _list_parameters(module):
        _check_finite(names[0], parameter)
        found = uses.get(id(parameter))
        if found is None or parameter.ndim < 2 or 0 in parameter.shape:
            skipped.append(Skipped(names[0], parameter.numel(), _why_not(parameter)))
        else:
            weights.append(Weight(names[0], names, parameter, tuple(found), transposed[id(parameter)]))
    return tuple(weights), tuple(skipped)


def _kind_of(part: "torch.nn.Module") -> str | None:
    """Return what kind of matrix the module's weight is, None for a module without one that is known."""
    from torch import nn

    if isinstance(part, nn.Linear) or (type(part).__name__ == "Conv1D" and hasattr(part, "nf")):
        return LINEAR
    if isinstance(part, nn.Conv1d | nn.Conv2d):
        return CONVOLUTION
    return EMBEDDING if isinstance(part, nn.Embedding) else None


def _list_parameters(module: "torch.nn.Module") -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (all names, parameter) of each parameter, tied ones once."""
    names: dict[int, list[str]] = {}
    parameters = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
        parameters[id(parameter)] = parameter
    for key, parameter in parameters.items():
        yield tuple(names[key]), parameter


def _check_finite(name: str, parameter: Any) -> None:
    """Raise FormatError for a parameter that is not made of finite floating-point numbers."""
    import torch

    if not parameter.is_floating_point():
        raise FormatError(f"'{name}' has values of type {parameter.dtype}; floating-point weights are expected")
    if not torch.isfinite(parameter).all():
        raise FormatError(f"'{name}' has values that are not finite; the model is damaged")


def _why_not(parameter: Any) -> str:
    if parameter.ndim < 2:
        return "a vector"
    return "empty" if 0 in parameter.shape else "not the weight of a linear, convolution or embedding layer"
