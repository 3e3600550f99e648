"""Networks of `transformers` with fewer layers: those that stay keep their weights, and the config says how many.

Transformers have a list of layers, residual networks several stages of them, whose first changes width.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from multum.errors import UsageError

# How configs call the number of layers, each perhaps by a name of its own.
_COUNT = "num_hidden_layers"
_DEPTHS = "depths"
# How networks call lists of layers.
_NAMES = ("layers", "layer", "h")
# What a config says of each layer.
_KINDS = "layer_types"


@dataclass(frozen=True, eq=False)
class Shallow:
    """A network with fewer layers. kept: how many of how many. changes: of its config.

    origins: what each of its parameters and buffers was called before.
    """

    module: nn.Module
    kept: tuple[int, int]
    changes: dict[str, Any]
    origins: dict[str, str]


def keep_layers(module: nn.Module, share: float) -> Shallow:
    """Return a new network with so large a share of the layers of `module`, at least one, evenly apart.

    The first and the last stay while there are two or more. Of a residual network each stage keeps its share, and its
    first layer. Raises UsageError for a network whose layers are not known.
    """
    config: Any = getattr(module, "config", None)
    lists = _find_lists(module, config)
    places = {name: _spread(len(part), share, from_first=len(lists) > 1) for name, part in lists.items()}
    changed, changes = copy.deepcopy(config), _tell(config, list(places.values()))
    for name, value in changes.items():
        setattr(changed, name, value)
    made: Any = type(module)(changed)
    state = module.state_dict()
    origins = _rename(state, places)
    made.load_state_dict({name: state[origin] for name, origin in origins.items()})
    kept = (sum(map(len, places.values())), sum(map(len, lists.values())))
    return Shallow(made.eval(), kept, changes, origins)


def count_layers(module: nn.Module) -> int:
    """Return how many layers `module` has. Raises UsageError for a network whose layers are not known."""
    return sum(map(len, _find_lists(module, getattr(module, "config", None)).values()))


def _find_lists(module: nn.Module, config: Any) -> dict[str, nn.ModuleList | nn.Sequential]:
    """Return the lists of layers that the config tells of, by name: one, or one for each stage."""
    depths = getattr(config, _DEPTHS, None)
    wanted = depths or [getattr(config, _COUNT, None)]
    found: dict[str, nn.ModuleList | nn.Sequential] = {}
    for name, part in module.named_modules():
        is_list = isinstance(part, nn.ModuleList | nn.Sequential) and name.rpartition(".")[2] in _NAMES
        if is_list and len(part) in wanted and not any(name.startswith(f"{outer}.") for outer in found):
            found[name] = part
    if [len(part) for part in found.values()] != list(wanted):
        raise UsageError(
            f"nothing is known of the layers of a {type(module).__name__}; give a transformer or a ResNet of"
            " transformers, or name a student"
        )
    return found


def _spread(count: int, share: float, *, from_first: bool) -> list[int]:
    """Return which of `count` layers stay: evenly apart, ends included unless they are counted from the first."""
    kept = max(1, round(share * count))
    if from_first:
        return [place * count // kept for place in range(kept)]
    return [round(place * (count - 1) / max(1, kept - 1)) for place in range(kept)]


def _tell(config: Any, places: list[list[int]]) -> dict[str, Any]:
    """Return what changes in a config when these layers of each list stay."""
    if getattr(config, _DEPTHS, None):
        return {_DEPTHS: [len(kept) for kept in places]}
    (kept,) = places
    changes: dict[str, Any] = {config.attribute_map.get(_COUNT, _COUNT): len(kept)}
    kinds = vars(config).get(_KINDS)  # of some configs it follows from the number
    return changes if kinds is None else changes | {_KINDS: [kinds[place] for place in kept]}


def _rename(names: Iterable[str], places: Mapping[str, list[int]]) -> dict[str, str]:
    """Return the names in the shallow network of what stays, and those that it has in the whole one."""
    origins = {}
    for name in names:
        stem = next((stem for stem in places if name.startswith(f"{stem}.")), None)
        if stem is None:
            origins[name] = name
            continue
        number, _, rest = name.removeprefix(f"{stem}.").partition(".")
        if int(number) in places[stem]:
            origins[f"{stem}.{places[stem].index(int(number))}.{rest}"] = name
    return origins
