"""Fewer layers: those that stay are the teacher's, and the config says how many."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch
from torch import nn

from multum.errors import UsageError
from multum.neural.depth import count_layers, keep_layers
from tests.neural.samples import build_llama
from tests.reduction.networks import compute, draw_batches
from tests.shrinking.families import FAMILIES

COUNTS = {"gpt2": "n_layer", "vit": "num_hidden_layers", "bert": "num_hidden_layers", "mamba2": "num_hidden_layers"}


@pytest.mark.parametrize("kind", COUNTS)
def test_transformers_keep_their_first_layer(kind: str, tmp_path: Path) -> None:
    module = FAMILIES[kind]().eval()
    shallow = keep_layers(module, 0.5)
    assert shallow.kept == (1, 2)
    assert shallow.changes == {COUNTS[kind]: 1}
    shallow.module.save_pretrained(tmp_path)  # type: ignore[operator]
    assert json.loads((tmp_path / "config.json").read_text("utf-8"))[COUNTS[kind]] == 1
    assert torch.isfinite(compute(shallow.module, draw_batches(kind))).all()


def test_layers_that_stay_lie_evenly_and_have_their_weights() -> None:
    module = build_llama(num_hidden_layers=7)
    shallow: Any = keep_layers(module, 0.6)
    assert shallow.kept == (4, 7)
    for place, origin in enumerate((0, 2, 4, 6)):
        name = "model.layers.{}.mlp.up_proj.weight"
        assert shallow.origins[name.format(place)] == name.format(origin)
        assert torch.equal(
            shallow.module.model.layers[place].mlp.up_proj.weight, module.model.layers[origin].mlp.up_proj.weight
        )


def test_all_layers_compute_what_they_did() -> None:
    module = build_llama(num_hidden_layers=3).eval()
    batches = draw_batches("llama")
    assert torch.equal(compute(keep_layers(module, 1.0).module, batches), compute(module, batches))


def test_kinds_of_layers_go_with_their_layers() -> None:
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    kinds = ["sliding_attention", "full_attention", "full_attention", "sliding_attention"]
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "vocab_size": 64}
    tokens: dict[str, Any] = dict.fromkeys(("pad_token_id", "bos_token_id", "cls_token_id", "eos_token_id"), 0)
    config = ModernBertConfig(num_hidden_layers=4, layer_types=kinds, sep_token_id=0, **sizes, **tokens)
    shallow = keep_layers(ModernBertForSequenceClassification(config), 0.5)
    assert shallow.changes == {"num_hidden_layers": 2, "layer_types": ["sliding_attention"] * 2}


def test_each_stage_of_a_residual_network_keeps_its_first_layer() -> None:
    from transformers import ResNetConfig, ResNetForImageClassification

    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [2, 3], "layer_type": "basic"}
    module = ResNetForImageClassification(ResNetConfig(num_channels=1, **sizes))
    assert count_layers(module) == 5
    shallow = keep_layers(module, 0.5)
    assert shallow.changes == {"depths": [1, 2]}
    assert compute(shallow.module.eval(), draw_batches("resnet")).shape == (16, 2)


def test_networks_whose_layers_nobody_knows_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing is known of the layers of a Sequential"):
        keep_layers(nn.Sequential(nn.Linear(4, 4)), 0.5)
