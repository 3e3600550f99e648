"""Channels that stay or go together: what one layer makes, others carry or add to theirs, and others read.

Who belongs to whom is seen by running the network once (Fang and others, "DepGraph" (2023), through torch-pruning).
Invariant: a bundle that may go has layers alone of which every channel is known; all others are barred, with a reason.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import MissingExtra, UsageError
from multum.neural.narrowing import find_names, is_depthwise, read_sizes
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import Weight, find_weights

_ROWS = 2  # of the data, that the network is traced with
# What a library may raise that reads a graph it was not made for.
_STRANGE = (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError)


@dataclass(eq=False)
class Bundle:
    """So many channels. size: how many. makers, readers: by names of layers, int64[outputs] or int64[inputs] of each.

    These tell which channel each output or input is, -1 for one of another bundle. barred: why the channels stay.
    """

    size: int
    makers: dict[str, Tensor] = field(default_factory=dict)
    readers: dict[str, Tensor] = field(default_factory=dict)
    barred: str = ""

    @property
    def name(self) -> str:
        """The layer that makes the channels, the first of several."""
        return next(iter(self.makers))

    def list_inputs(self, reader: str, weight: Weight) -> Tensor:
        """Return int64[size, n]: the columns of a reader's matrix, by channels. Of convolutions: whole kernels."""
        owners = self.readers[reader]
        columns = weight.shape[1] // len(owners)
        order = owners.argsort(stable=True)[int((owners < 0).sum()) :]
        return (order.view(self.size, -1, 1) * columns + torch.arange(columns)).flatten(1)


def find_bundles(module: nn.Module, batch: Batch) -> list[Bundle]:
    """Return the bundles of a network. batch: named arguments of a call.

    Raises UsageError for a network that cannot be traced, MissingExtra.
    """
    graph = _trace(module, batch)
    weights = {weight.uses[0].name: weight for weight in find_weights(module)[0]}
    names = {part: name for name, part in graph.model.named_modules()}
    bundles: list[Bundle] = []
    made: set[str] = set()
    for part, name in names.items():
        if part in graph.module2node and name not in made and _makes_channels(part):
            bundle = _read_bundle(graph, part, names, weights)
            made.update(bundle.makers)
            bundles.append(bundle)
    return bundles


def _makes_channels(part: Any) -> bool:
    return isinstance(part, nn.Conv1d | nn.Conv2d) and not is_depthwise(part)


def _trace(module: Any, batch: Batch) -> Any:
    """Return what torch-pruning finds in a copy of `module`. Raises UsageError, MissingExtra."""
    try:
        import torch_pruning
    except ImportError as error:
        raise MissingExtra(f"channels need {error.name}; pip install 'multum[shrink]'") from error
    probe = copy.deepcopy(module).eval().requires_grad_(True)
    rows = {name: value[:_ROWS] if isinstance(value, Tensor) and value.ndim else value for name, value in batch.items()}
    graph = torch_pruning.DependencyGraph()
    with torch.enable_grad(), _traced(module):
        graph.build_dependency(probe, rows, forward_fn=_call, verbose=False)
    return graph


@contextmanager
def _traced(module: Any) -> Iterator[None]:
    """Turn whatever reading a network's graph raises into UsageError."""
    try:
        yield
    except _STRANGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(
            f"nobody sees which channels of the {type(module).__name__} network belong together, as it cannot be traced"
            f" ({reason})"
        ) from error


def _call(module: Any, rows: Batch) -> list[Tensor]:
    """Return everything that a network says of `rows`."""
    said: list[Tensor] = []

    def gather(result: Any) -> None:
        if isinstance(result, Tensor):
            said.append(result)
        elif isinstance(result, Mapping | list | tuple):
            for one in result.values() if isinstance(result, Mapping) else result:
                gather(one)

    gather(module(**rows))
    return [one for one in said if one.grad_fn is not None]


def _read_bundle(graph: Any, root: Any, names: Mapping[Any, str], weights: Mapping[str, Weight]) -> Bundle:
    """Return the bundle of the channels that the layer `root` makes."""
    size = root.out_channels
    bundle = Bundle(size, {names[root]: torch.arange(size)})
    for item in _list_items(graph, root, range(size)):
        part, makes = item.dep.target.module, graph.is_out_channel_pruning_fn(item.dep.handler)
        bundle.barred = bundle.barred or _why_barred(item, makes, names)
        if find_names(part) and not bundle.barred:
            places = bundle.makers if makes else bundle.readers
            places[names[part]] = _list_owners(_read_size(part, makes), item.idxs, item.root_idxs)
    bundle.barred = bundle.barred or _why_not(graph, root, bundle, names, weights)
    return bundle


def _why_barred(item: Any, makes: bool, names: Mapping[Any, str]) -> str:
    """Return why channels cannot go that come to one place of a graph, "" if they can."""
    part = item.dep.target.module
    if makes and not item.dep.target.outputs:
        return "they are what the network says"
    if isinstance(part, nn.Parameter):
        return "values outside of any layer belong to them"
    if part not in names or _has_one_value(part):
        return ""
    if not find_names(part):
        return f"'{names[part]}' ({type(part).__name__}) has no rules for fewer of them"
    return "" if max(item.idxs) < _read_size(part, makes) else f"'{names[part]}' reads but some of them"


def _list_items(graph: Any, root: Any, channels: Iterable[int]) -> Any:
    """Return what goes with some channels that the layer `root` makes: layers, what is done to them, and where."""
    with _traced(graph.model):
        return graph.get_pruning_group(root, graph.get_pruner_of_module(root).prune_out_channels, list(channels))


def _has_one_value(part: Any) -> bool:
    """Return whether a layer does the same to all channels, however many."""
    return isinstance(part, nn.PReLU) and part.num_parameters == 1


def _read_size(part: Any, makes: bool) -> int:
    """Return how many outputs or inputs a layer has."""
    return read_sizes(part)[0 if makes else -1]


def _list_owners(size: int, places: list[int], channels: list[int]) -> Tensor:
    """Return int64[size]: which channel each output or input of a layer is, -1 for none of these."""
    owners = torch.full((size,), -1)
    owners[places] = torch.tensor(channels)
    return owners


def _why_not(graph: Any, root: Any, bundle: Bundle, names: Mapping[Any, str], weights: Mapping[str, Weight]) -> str:
    """Return why channels cannot go whose layers are all known, "" if they can."""
    for item in _list_items(graph, root, [0]):
        if item.dep.target.module is root and graph.is_out_channel_pruning_fn(item.dep.handler) and item.idxs != [0]:
            return "one goes with others of the same layer"
    if not bundle.readers:
        return "no layer reads them"
    parts = {name: part for part, name in names.items()}
    for name in (*bundle.makers, *bundle.readers):
        if getattr(parts[name], "groups", 1) > 1 and not is_depthwise(parts[name]):
            return f"'{name}' reads them in groups"
        if name in weights and (len(weights[name].names) > 1 or len(weights[name].uses) > 1):
            return f"the weight of '{name}' is that of another layer too"
    for name, owners in bundle.readers.items():
        counts = torch.bincount(owners[owners >= 0], minlength=bundle.size)
        if name not in weights or int(counts.min()) != int(counts.max()):
            return f"'{name}' reads some of them alone, or in its own way"
    return ""
