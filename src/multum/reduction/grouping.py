"""What goes together in a layer: a neuron with its weights, a head with its queries, a group of heads with its keys.

Where several heads share keys and values, whole groups go, or as many heads of every group, so that what is left is
again what a config can say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from multum.errors import UsageError
from multum.reduction.anatomy import Anatomy
from multum.reduction.removing import Allow


@dataclass(frozen=True, eq=False)
class Grouping:
    """What of each layer goes. reader: which of its parts reads the groups. groups: int64[G, n], its inputs by groups.

    count: how many of the groups go. told: in words. cut: takes out of a layer all but the given groups. settle: tells
    the network. allow: see remove_groups.
    """

    reader: str
    groups: Tensor
    count: int
    told: str
    cut: Callable[[nn.Module, Tensor], None]
    settle: Callable[[Anatomy], None]
    allow: Allow | None = None


def group_neurons(anatomy: Anatomy, share: float) -> Grouping:
    """Return the neurons of a layer, one by one. Raises UsageError for a family without, or a share of none."""
    family = anatomy.family
    _check_known(anatomy, "neurons")
    size = _count_inputs(anatomy.blocks[0].get_submodule(family.reader))
    count = _count(share, size, "neurons")

    def cut(block: nn.Module, kept: Tensor) -> None:
        for maker in family.makers:
            cut_layer(block.get_submodule(maker), rows=kept)
        cut_layer(block.get_submodule(family.reader), columns=kept)

    def settle(own: Anatomy) -> None:
        setattr(own.module.config, family.inner, size - count)

    return Grouping(family.reader, torch.arange(size)[:, None], count, f"{count} of {size} neurons", cut, settle)


def group_heads(anatomy: Anatomy, share: float) -> Grouping:
    """Return the heads of a layer, one by one or those together that share their keys.

    Raises UsageError for a family whose config cannot tell of fewer heads, or a share of none.
    """
    _check_known(anatomy, "heads")
    if not anatomy.family.attention:
        raise UsageError(
            f"heads of a {anatomy.kind} network cannot go: its config makes them as wide as the network divided by"
            " their number; take out neurons or layers"
        )
    heads = Heads.read(anatomy)
    fitting = [choice for choice in heads.list_choices() if heads.fits(anatomy, choice)]
    wanted = share * heads.count
    near = [choice for choice in fitting if abs(choice.gone - wanted) <= min(heads.together, heads.shared) / 2]
    if not near:
        known = ", ".join(sorted({f"{choice.gone / heads.count:.3g}" for choice in fitting})) or "none"
        raise UsageError(
            f"a share of {share:g} of {heads.count} heads cannot go, as the config cannot tell of what is left; shares"
            f" that can: {known}"
        )
    return heads.group(min(near, key=lambda choice: abs(choice.gone - wanted)))


class Choice(NamedTuple):
    """Heads that could go: so many altogether. whole: groups that share their keys; each: heads of every group."""

    gone: int
    whole: int
    each: int


@dataclass(frozen=True)
class Heads:
    """The heads of each layer. count: how many. shared: how many keys they have. width: of each.

    asking: the layers that make queries, keys and values. reader: the one that reads the heads.
    """

    count: int
    shared: int
    width: int
    asking: tuple[str, str, str]
    reader: str

    @classmethod
    def read(cls, anatomy: Anatomy) -> "Heads":
        """Return the heads of a network."""
        config = anatomy.module.config
        count = int(config.num_attention_heads)
        queries, keys, values, reader = anatomy.family.attention
        width = _count_inputs(anatomy.blocks[0].get_submodule(reader)) // count
        shared = int(getattr(config, "num_key_value_heads", None) or count)
        return cls(count, shared, width, (queries, keys, values), reader)

    @property
    def together(self) -> int:
        """How many heads have the same keys."""
        return self.count // self.shared

    def list_choices(self) -> list[Choice]:
        """Return what could go; whole groups first."""
        whole = [Choice(number * self.together, number, 0) for number in range(1, self.shared)]
        return whole + [Choice(number * self.shared, 0, number) for number in range(1, self.together)]

    def fits(self, anatomy: Anatomy, choice: Choice) -> bool:
        """Return whether the config can tell of what a choice leaves."""
        shared = self.shared - choice.whole
        sizes = {"num_attention_heads": self.count - choice.gone, "num_key_value_heads": shared, "head_dim": self.width}
        return anatomy.admits(sizes)

    def group(self, choice: Choice) -> Grouping:
        """Return the grouping of a choice."""
        return self.group_whole(choice.whole) if choice.whole else self.group_each(choice.each)

    def group_whole(self, gone: int) -> Grouping:
        """Return heads in groups that share their keys, so many of which go."""
        groups = torch.arange(self.count * self.width).view(self.shared, -1)
        keys = torch.arange(self.shared * self.width).view(self.shared, -1)

        def cut(block: nn.Module, kept: Tensor) -> None:
            self._cut(block, groups[kept].flatten(), keys[kept].flatten())

        left = self.shared - gone
        told = f"{gone * self.together} of {self.count} heads"
        return Grouping(self.reader, groups, gone, told, cut, partial(self._settle, left * self.together, left))

    def group_each(self, gone: int) -> Grouping:
        """Return single heads, so many of which go of each group that shares its keys."""
        groups = torch.arange(self.count * self.width).view(self.count, -1)

        def allow(costs: Tensor, left: Tensor) -> Tensor:
            """Bar the heads of groups that have lost enough."""
            full = left.view(self.shared, -1).sum(1) > self.together - gone
            return costs.masked_fill(~full.repeat_interleave(self.together), torch.inf)

        def cut(block: nn.Module, kept: Tensor) -> None:
            self._cut(block, groups[kept].flatten(), None)

        count = gone * self.shared
        settle = partial(self._settle, self.count - count, self.shared)
        return Grouping(self.reader, groups, count, f"{count} of {self.count} heads", cut, settle, allow)

    def _cut(self, block: nn.Module, queries: Tensor, keys: Tensor | None) -> None:
        cut_layer(block.get_submodule(self.asking[0]), rows=queries)
        for name in self.asking[1:]:
            cut_layer(block.get_submodule(name), rows=keys)
        cut_layer(block.get_submodule(self.reader), columns=queries)

    def _settle(self, count: int, shared: int, anatomy: Anatomy) -> None:
        """Tell the config, and each layer's attention, how many heads are left."""
        told = {"num_attention_heads": count, "num_key_value_heads": shared, "num_key_value_groups": count // shared}
        room = self.reader.rpartition(".")[0]
        for one in (anatomy.module.config, *(block.get_submodule(room) for block in anatomy.blocks)):
            for name, value in told.items():
                if hasattr(one, name):
                    setattr(one, name, value)
        anatomy.module.config.head_dim = self.width


def _check_known(anatomy: Anatomy, what: str) -> None:
    """Raise UsageError for a family of which only layers are known."""
    if not anatomy.family.reader:
        raise UsageError(f"no rules say which {what} of a {anatomy.kind} network could go; take out layers")


def _count(share: float, size: int, what: str) -> int:
    """Return how many of `size` a share is. Raises UsageError for none or all."""
    count = round(share * size)
    if not 0 < count < size:
        raise UsageError(f"a share of {share:g} of {size} {what} is {count}, which cannot go; give another share")
    return count


def _count_inputs(layer: Any) -> int:
    return int(layer.weight.shape[0] if hasattr(layer, "nf") else layer.weight.shape[1])


def cut_layer(layer: Any, rows: Tensor | None = None, columns: Tensor | None = None) -> None:
    """Leave a linear layer only some of its outputs, `rows`, and of its inputs, `columns`; None for all."""
    axes = (1, 0) if hasattr(layer, "nf") else (0, 1)
    values = layer.weight.detach()
    for axis, kept in zip(axes, (rows, columns), strict=True):
        values = values if kept is None else values.index_select(axis, kept)
    layer.weight = nn.Parameter(values.clone())
    if layer.bias is not None and rows is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows].clone())
    outputs, inputs = (values.shape[axis] for axis in axes)
    names = ("nf", "nx") if hasattr(layer, "nf") else ("out_features", "in_features")
    for name, size in zip(names, (outputs, inputs), strict=True):
        setattr(layer, name, int(size))
