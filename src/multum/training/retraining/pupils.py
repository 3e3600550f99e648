"""A network as it is taught: it tells its logits, and what its layers make beside what its teacher's do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import UsageError
from multum.training.retraining.lessons import LABELS, Batch


@dataclass(frozen=True)
class Told:
    """What a network tells of a batch. logits: float[..., classes]. hidden: float[..., width] of each layer asked for.

    For networks of images hidden states are [batch, height, width, channels].
    """

    logits: Tensor
    hidden: tuple[Tensor, ...] = ()


def ask(module: nn.Module, inputs: Batch, layers: Sequence[int] = ()) -> Told:
    """Return what `module` tells of `inputs`; layers: places in its hidden states. Raises UsageError for no logits."""
    given: dict[str, Any] = {name: tensor for name, tensor in inputs.items() if name != LABELS}
    if layers:
        _check_shows(module)
        given["output_hidden_states"] = True
    out = module(**given)
    logits = out if isinstance(out, Tensor) else getattr(out, "logits", None)
    if not isinstance(logits, Tensor) or logits.ndim < 2 or logits.shape[-1] < 2:
        raise UsageError(
            f"a {type(module).__name__} tells no logits of classes, so that there is nothing to learn from; give a"
            " language model, a classifier, or a network that returns float[rows, classes]"
        )
    if not layers:
        return Told(logits)
    return Told(logits, tuple(_put_width_last(out.hidden_states[layer]) for layer in layers))


def _check_shows(module: nn.Module) -> None:
    """Raise UsageError for a network that is none of transformers, which show their hidden states."""
    if not hasattr(module, "config"):
        raise UsageError(f"a {type(module).__name__} does not show its hidden states; leave them out with hidden=0")


def _put_width_last(state: Tensor) -> Tensor:
    return state.movedim(1, -1) if state.ndim == 4 else state


class Pupil(nn.Module):
    """A network that learns, and what turns its hidden states into those of its teacher.

    layers: places of hidden states that are compared. maps: for each a product by a matrix, or nothing where widths
    are the same. turn: how often its masks were chosen.
    """

    turn: Tensor

    def __init__(self, student: nn.Module, layers: Sequence[int] = (), maps: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.student, self.layers, self.maps = student, tuple(layers), nn.ModuleList(maps)
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))

    def forward(self, **inputs: Tensor) -> Told:
        """Return the logits, and hidden states as wide as the teacher's."""
        told = ask(self.student, inputs, self.layers)
        hidden = tuple(turn(state) for turn, state in zip(self.maps, told.hidden, strict=True))
        return Told(told.logits, hidden)


def pair_layers(student: nn.Module, teacher: nn.Module, inputs: Batch, seed: int) -> tuple[Pupil, tuple[int, ...]]:
    """Return (the pupil of `teacher`, the places of its teacher's hidden states): layers evenly apart side by side.

    inputs: a batch that both read. Raises UsageError for networks that do not show hidden states.
    """
    with torch.no_grad():
        ours, theirs = (_list_states(module, inputs) for module in (student, teacher))
    places = tuple(range(1, len(ours)))
    others = tuple(round(place * (len(theirs) - 1) / (len(ours) - 1)) for place in places)
    torch.manual_seed(seed)
    maps = [_make_map(ours[place], theirs[other]) for place, other in zip(places, others, strict=True)]
    return Pupil(student, places, maps), others


def _list_states(module: nn.Module, inputs: Batch) -> tuple[Tensor, ...]:
    """Return all hidden states of a module for `inputs`."""
    _check_shows(module)
    given: dict[str, Any] = {name: tensor for name, tensor in inputs.items() if name != LABELS}
    return tuple(map(_put_width_last, module(**given, output_hidden_states=True).hidden_states))


def _make_map(ours: Tensor, theirs: Tensor) -> nn.Module:
    if ours.shape[:-1] != theirs.shape[:-1]:
        raise UsageError(
            f"hidden states of {tuple(ours.shape)} cannot be compared with the teacher's, {tuple(theirs.shape)};"
            " leave them out with hidden=0"
        )
    if ours.shape[-1] == theirs.shape[-1]:
        return nn.Identity()
    return nn.Linear(ours.shape[-1], theirs.shape[-1], bias=False)
