"""Random networks of kinds that nothing here was made for, a few thousand weights each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.neural.samples import build_byte_level


def _make_gpt2() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    tokens: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0}
    return GPT2LMHeadModel(GPT2Config(vocab_size=256, n_positions=64, n_embd=32, n_layer=2, n_head=2, **tokens))


def _make_vit() -> Any:
    from transformers import ViTConfig, ViTForImageClassification

    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    return ViTForImageClassification(
        ViTConfig(**sizes | {"image_size": 16, "patch_size": 4, "num_channels": 1, "num_labels": 3})
    )


def _make_bert() -> Any:
    from transformers import BertConfig, BertModel

    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    return BertModel(BertConfig(vocab_size=300, **sizes))


def _make_resnet() -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    return ResNetForImageClassification(ResNetConfig(**sizes | {"num_channels": 1, "num_labels": 3}))


def _make_mamba2() -> Any:
    from transformers import Mamba2Config, Mamba2ForCausalLM

    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "state_size": 8,
        "num_hidden_layers": 2,
        "num_heads": 4,
        "head_dim": 16,
        "n_groups": 1,
    }
    tokens: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    return Mamba2ForCausalLM(Mamba2Config(vocab_size=256, expand=2, chunk_size=16, **sizes, **tokens))


FAMILIES: dict[str, Callable[[], Any]] = {
    "gpt2": _make_gpt2,
    "vit": _make_vit,
    "bert": _make_bert,
    "resnet": _make_resnet,
    "mamba2": _make_mamba2,
}


def save_family(name: str, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a random network of the family `name` to `folder`."""
    torch.manual_seed(0)
    FAMILIES[name]().to(dtype).save_pretrained(folder)


def save_classifier(folder: Path) -> None:
    """Write a random classifier of texts, into bad and good, to `folder`."""
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = build_byte_level()
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    torch.manual_seed(0)
    labels: dict[str, Any] = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), **sizes, **labels)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_perceptron() -> nn.Sequential:
    """Return a network that no library knows, with two of its layers tied."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 24), nn.Linear(24, 3))
    module[2].weight = module[0].weight
    return module
