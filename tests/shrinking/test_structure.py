"""Parts that went: files of smaller networks, which Multum and transformers load."""

import json
from pathlib import Path

import pytest
import torch

import multum
from multum.errors import UsageError
from tests.neural.samples import save_byte_llama
from tests.reduction.networks import compute, draw_batches
from tests.shrinking.families import make_perceptron, save_family


@pytest.mark.parametrize(
    ("kind", "recipe"),
    [
        ("gpt2", "structure=neurons:0.5"),
        ("bert", "structure=layers:1"),
        ("vit", "structure=heads:0.5 | structure=neurons:0.5"),
    ],
)
def test_transformers_loads_what_is_left(kind: str, recipe: str, tmp_path: Path) -> None:
    save_family(kind, tmp_path / "net", torch.bfloat16)
    batches = draw_batches(kind)
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe=recipe, data=batches)
    assert all(line.bytes_after < line.bytes_before for line in report.passes)
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    module = multum.load_program(tmp_path / "x.mtm")
    plain = type(module).from_pretrained(tmp_path / "back", dtype=torch.float32).eval()  # type: ignore[attr-defined]
    assert torch.equal(compute(plain, batches), compute(module, batches))
    assert sum(parameter.numel() for parameter in module.parameters()) < report.weights


def test_layers_that_are_left_are_counted_from_zero_in_the_file(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", num_hidden_layers=4)
    report = multum.shrink(
        tmp_path / "net",
        tmp_path / "x.mtm",
        recipe="structure=layers:2 | prune=magnitude:0.3 | code",
        data=note,
        calibration=512,
    )
    assert report.passes[0].told.startswith("of layers 0 to 3, ")
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    assert json.loads((tmp_path / "back" / "config.json").read_bytes())["num_hidden_layers"] == 2
    rated = multum.code_bits(tmp_path / "x.mtm", note)
    assert rated.program_bits == 8 * report.bytes_after


def test_without_a_size_bits_are_those_of_the_weights_that_are_left(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", hidden_size=64, intermediate_size=512)
    recipe = "structure=neurons:0.9 | code"
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe=recipe, data=draw_batches("llama"))
    left = sum(parameter.numel() for parameter in multum.load_program(tmp_path / "x.mtm").parameters())
    assert left < report.weights / 2
    assert 3.5 * left < 8 * report.bytes_after <= 4 * left


def test_a_smaller_network_is_made_smaller_again(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", hidden_size=32, intermediate_size=64)
    batches, recipe = draw_batches("llama"), "structure=neurons:0.5"
    multum.shrink(tmp_path / "net", tmp_path / "a.mtm", recipe=recipe, data=batches)
    multum.shrink(tmp_path / "a.mtm", tmp_path / "b.mtm", recipe=recipe, data=batches)
    config = multum.load_program(tmp_path / "b.mtm").config
    assert config.intermediate_size == 16  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("recipe", "match"),
    [
        (
            "prune=magnitude:0.5 | structure=neurons:0.5",
            "structure=neurons:0.5 cannot follow prune=magnitude:0.5, whose",
        ),
        ("prune=magnitude:0.5 | lowrank=0.5", "lowrank=0.5:whitened cannot follow prune=magnitude:0.5, whose zeros"),
        ("lowrank=0.5 | structure=heads:0.5", "cannot follow lowrank=0.5:whitened, whose halves of layers it would"),
        ("quantize=rtn:8 | lowrank=0.5", "cannot follow quantize=rtn:8:channel:symmetric, whose integers"),
    ],
)
def test_passes_that_would_undo_each_other_are_refused(recipe: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=match):
        multum.shrink(make_perceptron(), tmp_path / "x.mtm", recipe=recipe)
