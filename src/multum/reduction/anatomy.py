"""Where the heads, neurons and layers of transformers lie, by explicit rules for each family.

Invariant: a network of other sizes is one that its own config, changed, describes: `transformers` loads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from torch import nn

from multum.errors import UsageError
from multum.reduction.shapes import HEADS, LAYERS, NEURONS


@dataclass(frozen=True)
class Family:
    """The parts of each layer, by their names in it.

    layers: how the list of layers is called. makers: layers whose outputs are the neurons. reader: the one that reads
    them. attention: queries, keys, values, and what reads the heads; empty where the config cannot tell of fewer.
    inner, depth: how the config calls the number of neurons and of layers.
    """

    layers: str
    makers: tuple[str, ...] = ()
    reader: str = ""
    attention: tuple[str, ...] = ()
    inner: str = "intermediate_size"
    depth: str = "num_hidden_layers"


def _name_projections(room: str) -> tuple[str, ...]:
    return tuple(f"{room}.{name}_proj" for name in "qkvo")


_LLAMA = Family("layers", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj", _name_projections("self_attn"))
_BERT = Family("layer", ("intermediate.dense",), "output.dense")
# What else configs say of parts that go.
_SIZES = ("num_attention_heads", "num_key_value_heads", "head_dim", "layer_types")
# By what a config calls its model.
FAMILIES = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "vit": Family("layers", ("mlp.fc1",), "mlp.fc2", _name_projections("attention")),
    "gpt2": Family("h", ("mlp.c_fc",), "mlp.c_proj", inner="n_inner", depth="n_layer"),
    "bert": _BERT,
    "roberta": _BERT,
    "mamba2": Family("layers"),
}


def list_parts(kind: str) -> list[str]:
    """Return which parts can go of a network that its config calls `kind`; none of a family without rules."""
    if kind not in FAMILIES:
        return []
    family = FAMILIES[kind]
    parts = [HEADS] * bool(family.attention) + [NEURONS] * bool(family.reader)
    return [*parts, LAYERS]


def _has_channels(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Conv1d | nn.Conv2d) for part in module.modules())


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The layers of a network. place: how the list of them is called in it. first: those that it came with.

    types: what its config calls each of those; empty where it does not.
    """

    module: Any
    family: Family
    place: str
    first: tuple[nn.Module, ...]
    types: tuple[str, ...]

    @classmethod
    def find(cls, module: Any, part: str) -> "Anatomy":
        """Return the anatomy of a network of transformers. Raises UsageError for a family without rules for `part`."""
        kind = getattr(getattr(module, "config", None), "model_type", None)
        if kind not in FAMILIES:
            others = "; channels of it may go" if _has_channels(module) else ""
            raise UsageError(
                f"no rules say how {part} of a {kind or type(module).__name__} network go; there are rules for"
                f" {', '.join(sorted(FAMILIES))}{others}"
            )
        family = FAMILIES[kind]
        depth = getattr(module.config, family.depth)
        for name, found in module.named_modules():
            if isinstance(found, nn.ModuleList) and name.split(".")[-1] == family.layers and len(found) == depth:
                types = tuple(vars(module.config).get("layer_types") or ())
                return cls(module, family, name, tuple(found), types)
        raise UsageError(f"the {kind} network has no list of {depth} layers; its files are of another version")

    @property
    def kind(self) -> str:
        """What the config calls the model."""
        return str(self.module.config.model_type)

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers."""
        found: Any = self.module.get_submodule(self.place)
        assert isinstance(found, nn.ModuleList), "that is how it was found"
        return found

    def describe(self) -> dict[str, Any]:
        """Return what the config says of sizes that may change."""
        facts = vars(self.module.config)
        return {name: facts[name] for name in (self.family.inner, self.family.depth, *_SIZES) if name in facts}

    def admits(self, sizes: Mapping[str, int]) -> bool:
        """Return whether the config could have these sizes; those that it does not know are left out."""
        facts: dict[str, Any] = self.module.config.to_dict()
        known = {name: size for name, size in sizes.items() if name in facts or name == "head_dim"}
        try:
            type(self.module.config).from_dict(facts | known)
        except (ValueError, StrictDataclassError):
            return False
        return True

    def keep_layers(self, kept: Sequence[nn.Module]) -> None:
        """Have the network be made of these layers, some of its first ones in order."""
        config = self.module.config
        if self.types:
            config.layer_types = [one for one, block in zip(self.types, self.first, strict=True) if block in kept]
        setattr(config, self.family.depth, len(kept))
        self.module.set_submodule(self.place, nn.ModuleList(kept))
        for number, block in enumerate(kept):
            for part in block.modules():
                if hasattr(part, "layer_idx"):
                    setattr(part, "layer_idx", number)  # noqa: B010 - its type is not known
