"""How configs of transformers tell how many channels convolutional networks have.

Invariant: what is left has the layers that `transformers` makes of the changed config, each as wide as there.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch

from multum.errors import UsageError
from multum.neural.narrowing import read_sizes
from multum.reduction.anatomy import list_parts
from multum.reduction.bundles import Bundle

# By what a config calls its model: where it says how many channels there are.
WIDTHS = {"resnet": ("embedding_size", "hidden_sizes")}


def check_told(module: Any) -> None:
    """Raise UsageError for a network whose config has no rules for fewer channels."""
    kind = getattr(getattr(module, "config", None), "model_type", None)
    if kind is not None and kind not in WIDTHS:
        others = list_parts(kind)
        other = f"; {', '.join(others)} of it can go" if others else ""
        raise UsageError(
            f"no rules say how the config of a {kind} network tells of fewer channels; there are rules for"
            f" {', '.join(sorted(WIDTHS))}{other}"
        )


def narrow_config(module: Any, share: float) -> dict[str, Any]:
    """Return what changes in the config of a network that loses a share of its channels; {} without a config."""
    if getattr(module, "config", None) is None:
        return {}
    names = WIDTHS[module.config.model_type]
    return {name: _narrow(getattr(module.config, name), share) for name in names}


def _narrow(width: Any, share: float) -> Any:
    return [_narrow(one, share) for one in width] if isinstance(width, list | tuple) else width - round(share * width)


def count_told(module: Any, changes: dict[str, Any], bundles: Sequence[Bundle]) -> list[int]:
    """Return how many channels of each bundle go, so that a config with `changes` tells of those that stay.

    Raises UsageError where it cannot.
    """
    config = copy.deepcopy(module.config)
    for name, value in changes.items():
        setattr(config, name, value)
    with torch.device("meta"):
        target = dict(type(module)(config).named_modules())
    lost = [name for name, _ in module.named_modules() if name not in target]
    if lost:
        raise UsageError(f"so narrow a {config.model_type} network has no '{lost[0]}'; give another share")
    counts = []
    for bundle in bundles:
        wanted = {read_sizes(target[name])[0] for name, owners in bundle.makers.items() if len(owners) == bundle.size}
        gone = bundle.size - min(wanted)
        if len(wanted) > 1 or gone == bundle.size:
            raise UsageError(f"the config cannot tell of fewer channels of '{bundle.name}'; give another share")
        if gone and bundle.barred:
            raise UsageError(f"the channels of '{bundle.name}' stay: {bundle.barred}; give the network with its head")
        counts.append(gone)
    return counts
