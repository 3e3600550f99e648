"""Matrices of low rank in files: both halves of each, and the same network again."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import multum
from multum.errors import FormatError
from multum.neural.factors import Factored, list_factored
from tests.neural.samples import save_byte_llama
from tests.reduction.networks import compute, draw_batches
from tests.shrinking.families import save_family


@pytest.mark.parametrize("kind", ["bert", "gpt2", "resnet"])
def test_a_file_has_the_halves_and_gives_the_same_network_again(kind: str, tmp_path: Path) -> None:
    save_family(kind, tmp_path / "net")
    batches = draw_batches(kind)
    report = multum.shrink(tmp_path / "net", tmp_path / "a.mtm", recipe="lowrank=0.6", data=batches)
    line = report.passes[0]
    assert "layers are in halves" in line.told
    assert line.bytes_after == report.bytes_after < line.bytes_before
    module = multum.load_program(tmp_path / "a.mtm")
    assert list_factored(module)
    multum.shrink(tmp_path / "a.mtm", tmp_path / "b.mtm", recipe="quantize=rtn:8")
    again = multum.load_program(tmp_path / "b.mtm")
    assert list_factored(again) == list_factored(module)
    exact, near = compute(module, batches), compute(again, batches)
    assert (exact - near).norm() < 0.1 * exact.norm()


def test_halves_are_coded_and_rated_and_drawn_from(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", hidden_size=32, intermediate_size=64)
    recipe = "lowrank=0.6 | prune=magnitude:0.3 | code"
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe=recipe, data=note, calibration=512)
    assert [line.name for line in report.passes] == ["lowrank=0.6:whitened", "prune=magnitude:0.3", "code"]
    assert report.loss_after is not None
    rated = multum.code_bits(tmp_path / "x.mtm", note)
    assert rated.program_bits == 8 * report.bytes_after
    assert len(multum.sample(tmp_path / "x.mtm", 10, seed=0)) == 10


@pytest.mark.slow
def test_data_are_packed_with_halves(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", hidden_size=32, intermediate_size=64)
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="lowrank=0.6:svd")
    packed = multum.pack(note, tmp_path / "note.mtm", program=tmp_path / "x.mtm")
    assert packed.program is not None
    multum.unpack(tmp_path / "note.mtm", tmp_path / "note")
    assert (tmp_path / "note").read_bytes() == note.read_bytes()


def test_transformers_never_takes_a_file_of_halves_for_a_whole_network(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    save_family("gpt2", tmp_path / "net")
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="lowrank=0.5:svd")
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        AutoModelForCausalLM.from_pretrained(tmp_path / "back")


def test_an_export_has_whole_layers_that_transformers_loads(tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    save_family("gpt2", tmp_path / "net")
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="lowrank=0.5:svd")
    multum.export(tmp_path / "x.mtm", tmp_path / "whole")
    batches = draw_batches("gpt2")
    plain = GPT2LMHeadModel.from_pretrained(tmp_path / "whole").eval()
    assert not list_factored(plain)
    halves = compute(multum.load_program(tmp_path / "x.mtm"), batches)
    assert torch.allclose(compute(plain, batches), halves, atol=1e-4)
    multum.export(tmp_path / "x.mtm", tmp_path / "weights.safetensors", "safetensors")
    assert set(load_file(tmp_path / "weights.safetensors")) == set(load_file(tmp_path / "net" / "model.safetensors"))


def test_a_network_in_memory_takes_its_halves_back(tmp_path: Path) -> None:
    def make() -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 3))

    multum.shrink(make(), tmp_path / "x.mtm", recipe="lowrank=0.6:svd")
    module = multum.load_program(tmp_path / "x.mtm", into=make())
    assert isinstance(module, nn.Sequential)
    assert isinstance(module[0], Factored)
    other = nn.Sequential(nn.Linear(8, 3))
    with pytest.raises(FormatError, match=r"holds another network|cannot be loaded"):
        multum.load_program(tmp_path / "x.mtm", into=other)


def test_files_that_lack_a_half_are_refused(tmp_path: Path) -> None:
    save_family("vit", tmp_path / "net")
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="lowrank=0.5:svd")
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    weights = tmp_path / "back" / "model-factored.safetensors"
    stored = load_file(weights)
    layers = json.loads((tmp_path / "back" / "factored.json").read_bytes())
    lost = next(iter(layers.values()))["name"]
    save_file({name: one for name, one in stored.items() if name != f"{lost}.0.weight"}, weights)
    with pytest.raises(FormatError, match=f"the file lacks the halves of '{lost}'"):
        multum.load_program(tmp_path / "back")
