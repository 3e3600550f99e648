"""Integers with narrow layers beside them in files: coded as integers, and the same network again."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import multum
from multum.errors import FormatError, UsageError
from multum.neural.factors import Corrected, list_factored
from multum.shrinking.recipes import read_recipe
from tests.neural.samples import save_byte_llama
from tests.reduction.networks import compute, draw_batches
from tests.shrinking.families import make_perceptron, save_family


@pytest.mark.parametrize("kind", ["gpt2", "resnet"])
def test_a_file_gives_the_network_that_rounding_in_memory_does(kind: str, tmp_path: Path) -> None:
    save_family(kind, tmp_path / "net")
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="quantize=rtn:2:rank=2")
    assert "layers have two of rank 2 beside them" in report.passes[0].told
    module, again = (multum.load_program(tmp_path / name) for name in ("x.mtm", "net"))
    done = multum.quantize(again, "rtn:2:rank=2")
    assert list_factored(module) == done.corrected
    assert all(isinstance(module.get_submodule(layer), Corrected) for layer in done.corrected)
    batches = draw_batches(kind)
    assert torch.equal(compute(module, batches), compute(again, batches))


def test_coding_keeps_the_integers_and_makes_the_layers_beside_them_short(tmp_path: Path) -> None:
    save_family("vit", tmp_path / "net")
    modules, sizes = [], []
    for recipe in ("quantize=rtn:3:rank=2", "quantize=rtn:3:rank=2 | code"):
        report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe=recipe, force=True)
        modules.append(multum.load_program(tmp_path / "x.mtm"))
        sizes.append(report.bytes_after)
    assert sizes[1] < sizes[0]
    for layer in list_factored(modules[0]):
        integers, halves = ([one.get_parameter(f"{layer}.{part}.weight") for one in modules] for part in (2, 0))
        assert torch.equal(*integers)
        assert not torch.equal(*halves)


def test_a_program_is_rated_drawn_from_and_packed(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", hidden_size=32, intermediate_size=64)
    options: dict[str, Any] = {"recipe": "quantize=gptq:3:rank=2 | code", "data": note, "calibration": 512}
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", **options)
    assert [line.name for line in report.passes] == ["quantize=gptq:3:channel:asymmetric:rank=2", "code"]
    rated = multum.code_bits(tmp_path / "x.mtm", note)
    assert rated.program_bits == 8 * report.bytes_after
    assert len(multum.sample(tmp_path / "x.mtm", 10, seed=0)) == 10


def test_an_export_has_whole_layers_that_transformers_loads(tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    save_family("gpt2", tmp_path / "net")
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="quantize=rtn:2:rank=2 | code")
    multum.export(tmp_path / "x.mtm", tmp_path / "whole")
    batches = draw_batches("gpt2")
    plain = GPT2LMHeadModel.from_pretrained(tmp_path / "whole").eval()
    beside = compute(multum.load_program(tmp_path / "x.mtm"), batches)
    assert torch.allclose(compute(plain, batches), beside, atol=1e-4)
    with pytest.raises(UsageError, match=r"compressed-tensors has no layers beside integers.*leave rank=2 out"):
        multum.export(tmp_path / "net", tmp_path / "packed", "compressed-tensors", quantize="rtn:4:8:symmetric:rank=2")


def test_a_network_in_memory_takes_its_parts_back(tmp_path: Path) -> None:
    multum.shrink(make_perceptron(), tmp_path / "x.mtm", recipe="quantize=rtn:3:rank=1")
    module = multum.load_program(tmp_path / "x.mtm", into=make_perceptron())
    assert isinstance(module.get_submodule("3"), Corrected)


def test_what_would_change_integers_cannot_follow_them() -> None:
    for later in ("lowrank=0.9", "prune=magnitude:0.5", "structure=layers:1", "distil=1", "quantize=rtn:4"):
        with pytest.raises(UsageError, match="cannot follow quantize=gptq:2:channel:asymmetric:rank=4, whose integers"):
            read_recipe(f"quantize=gptq:2:rank=4 | {later}")


def test_files_that_lack_the_integers_are_refused(tmp_path: Path) -> None:
    save_family("vit", tmp_path / "net")
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="quantize=rtn:4:rank=2")
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    weights = tmp_path / "back" / "model-factored.safetensors"
    stored = load_file(weights)
    layers = json.loads((tmp_path / "back" / "factored.json").read_bytes())
    lost = next(iter(layers.values()))["name"]
    save_file({name: one for name, one in stored.items() if name != f"{lost}.2.weight"}, weights)
    with pytest.raises(FormatError, match=f"the file lacks the halves of '{lost}'"):
        multum.load_program(tmp_path / "back")
