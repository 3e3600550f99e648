"""What other tools make of the reference model; run by bench.shrink with a Python of their own, never by hand.

Usage: python shrink_peers.py METHOD MODEL_DIR REFERENCE_SCRIPT FILE. Writes what the tool saves to FILE and prints
JSON: bytes, bits per byte as the reference script measures it, and the version of the tool.
"""

import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# this file imports nothing of Multum: the peers' environment does not have it


def main() -> int:
    """Run the method that the command line names."""
    method, folder, script, target = sys.argv[1:]
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("reference", script)
    assert spec is not None
    assert spec.loader is not None
    reference: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    name, change = METHODS[method]
    change(model)
    torch.save(_store(model), target)
    row = {
        "version": f"{name} {importlib.metadata.version(name)}",
        "bytes": Path(target).stat().st_size,
        "bits_per_byte": reference.bits_per_byte(model, tokenizer),
    }
    print(json.dumps(row))
    return 0


def _store(model: Any) -> dict[str, Any]:
    """Return the state with what is left in floating point as bfloat16, in which the reference is, and tied once."""
    import torch

    kept: dict[str, Any] = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        plain = type(tensor) is torch.Tensor and tensor.dtype == torch.float32 and tensor.numel() > 1
        kept[name] = tensor.bfloat16() if plain else tensor
    return kept


def quantize_with_torchao(model: Any) -> None:
    """Make the weights of linear layers int8, a scale a row; the embedding and the head it is tied to stay."""
    import torch
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    def is_inner(module: Any, name: str) -> bool:
        return isinstance(module, torch.nn.Linear) and name != "lm_head"

    quantize_(model, Int8WeightOnlyConfig(), filter_fn=is_inner)


def quantize_with_hqq(bits: int) -> Callable[[Any], None]:
    """Return what makes the weights of linear layers integers of `bits`, in groups of 64."""

    def change(model: Any) -> None:
        import torch
        from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

        config = BaseQuantizeConfig(nbits=bits, group_size=64)
        for name, part in list(model.named_modules()):
            if isinstance(part, torch.nn.Linear) and name != "lm_head":
                made = HQQLinear(part, config, compute_dtype=torch.float32, device="cpu")
                model.set_submodule(name, made)

    return change


METHODS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "torchao int8": ("torchao", quantize_with_torchao),
    "HQQ 4 bits": ("hqq", quantize_with_hqq(4)),
    "HQQ 3 bits": ("hqq", quantize_with_hqq(3)),
}

if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    raise SystemExit(main())
