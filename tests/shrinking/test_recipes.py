"""Recipes: what they say, where they do not parse, and what a file of each holds."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import multum
from multum.errors import UsageError
from multum.shrinking.recipes import read_recipe
from tests.neural.samples import save_byte_llama
from tests.reduction.networks import draw_batches
from tests.shrinking.families import make_perceptron, save_family

ROOMY = {"hidden_size": 32, "intermediate_size": 64}


def count_zeros(path: Path, folder: Path) -> float:
    """Return the share of zeros among the weights of linear layers in the archive `path`."""
    multum.export(path, folder / "weights.safetensors", "safetensors", force=True)
    tensors = [one for name, one in load_file(folder / "weights.safetensors").items() if "proj" in name]
    return sum(float((one == 0).sum()) for one in tensors) / sum(one.numel() for one in tensors)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "prnue=wanda:0.5",
            "pass 1 of the recipe, at character 1: 'prnue' is no pass; passes are code, ",
        ),
        ("prune=wanda:0.5 |  cde", "pass 2 of the recipe, at character 20: 'cde' is no pass"),
        ("prune=wanda:0.5 | ", "pass 2 of the recipe, at character 19: a pass is missing"),
        ("code=4", "pass 1 of the recipe, at character 1: code takes no words"),
        ("prune", "pass 1 of the recipe, at character 1: prune takes METHOD:SHARE"),
        ("code | prune=magnitude:0.5", "prune=magnitude:0.5 cannot follow code, whose integers it would change"),
        ("code | code", "code cannot follow code"),
        ("quantize=rtn:4 | prune=magnitude:0.5", "cannot follow quantize=rtn:4:channel:asymmetric, whose integers"),
        ("quantize=rtn", "quantize takes METHOD:BITS"),
        ("quantize=rtn:9", "integers of 9 bits are not made; allowed is 2 to 8"),
        ("quantize=rtn:4:1", "a group of 1 weights is too small"),
        ("quantize=rtn:4:row", "'row' is no group such as 64, channel or tensor"),
        ("quantize=abc:4", "'abc' is no way to round; allowed is rtn, hqq, awq, gptq"),
        ("quantize=awq:4:64", "awq has a step for each input, which groups of 64 would not have; round by channel"),
    ],
)
def test_recipes_that_make_no_sense_are_refused_where_they_do_not(text: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=match):
        multum.shrink(make_perceptron(), tmp_path / "x.mtm", recipe=text)
    assert not list(tmp_path.iterdir())


def test_recipes_come_back_as_they_are_understood() -> None:
    said = read_recipe(" prune = surgeon:0.5|quantize=rtn:8 |code")
    assert str(said) == "prune=surgeon:0.5 | quantize=rtn:8:channel:symmetric | code"


def test_zeros_survive_coding_and_each_pass_has_its_line(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    options: dict[str, Any] = {"data": note, "calibration": 512, "target_bits": 6.0}
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="prune=surgeon:0.6 | code", **options)
    assert [line.name for line in report.passes] == ["prune=surgeon:0.6", "code"]
    assert "of 18,432 weights are 0" in report.passes[0].told
    assert report.passes[0].loss_after == report.passes[1].loss_before
    assert count_zeros(tmp_path / "x.mtm", tmp_path) >= 0.6
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    told = json.loads((tmp_path / "back" / "multum.json").read_text("utf-8"))["shrunken"]
    assert [one["name"] for one in told["passes"]] == ["prune=surgeon:0.6", "code"]


def test_a_loss_decides_how_many_weights_go(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    (tmp_path / "likely").write_bytes(multum.sample(tmp_path / "net", 1000, seed=0))
    options: dict[str, Any] = {"evaluation": tmp_path / "likely", "recipe": "prune=magnitude:loss=0.3"}
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", **options)
    line = report.passes[0]
    assert line.loss_before is not None
    assert line.loss_after is not None
    assert line.loss_after.value <= line.loss_before.value + 0.3
    with pytest.raises(UsageError, match="there is nothing to measure the loss on"):
        multum.shrink(make_perceptron(), tmp_path / "y.mtm", recipe="prune=magnitude:loss=0.3")


def test_sizes_are_met_with_what_came_before_unchanged(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    found = []
    for target_bytes in (20000, 15000):
        path = tmp_path / f"{target_bytes}.mtm"
        report = multum.shrink(
            tmp_path / "net",
            path,
            recipe="prune=wanda:2:4 | code",
            data=note,
            calibration=512,
            target_bytes=target_bytes,
        )
        assert 0.97 * target_bytes <= path.stat().st_size <= target_bytes
        found.append(report.passes[0].loss_after)
    assert found[0] == found[1]


def test_without_code_the_file_holds_the_values_as_they_are_and_zeros_make_it_shorter(tmp_path: Path) -> None:
    save_family("gpt2", tmp_path / "net", torch.bfloat16)
    plain = multum.shrink(tmp_path / "net", tmp_path / "a.mtm", recipe="prune=magnitude:0.01")
    half = multum.shrink(tmp_path / "net", tmp_path / "b.mtm", recipe="prune=magnitude:0.5")
    assert half.bytes_after < 0.85 * plain.bytes_after
    module = multum.load_program(tmp_path / "b.mtm").state_dict()
    before = multum.load_program(tmp_path / "net").state_dict()
    assert all(((module[name] == before[name]) | (module[name] == 0)).all() for name in before)


def test_a_size_without_coding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a size is met by coding, which 'prune=magnitude:0.5' does not do"):
        multum.shrink(make_perceptron(), tmp_path / "x.mtm", recipe="prune=magnitude:0.5", target_bytes=2000)


def test_integers_of_a_pass_are_coded_as_they_are(tmp_path: Path) -> None:
    module, batches = make_perceptron(), draw_batches("perceptron")
    report = multum.shrink(module, tmp_path / "x.mtm", recipe="quantize=gptq:3:8 | code", data=batches)
    assert report.passes[0].told == "648 weights are integers of 3 bits"
    back = multum.load_program(tmp_path / "x.mtm", into=make_perceptron())
    for name in ("0.weight", "3.weight"):
        groups = back.get_parameter(name).detach().reshape(-1, 8)
        assert max(len(group.unique()) for group in groups) <= 8
    wide = multum.shrink(make_perceptron(), tmp_path / "y.mtm", recipe="quantize=rtn:8 | code")
    assert report.bytes_after < wide.bytes_after


def test_what_no_pass_rounded_takes_what_is_left_of_the_size(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    sizes = []
    for target_bytes in (22000, 19000):
        path = tmp_path / f"{target_bytes}.mtm"
        report = multum.shrink(tmp_path / "net", path, recipe="quantize=rtn:4:16 | code", target_bytes=target_bytes)
        sizes.append(report.bytes_after)
        kept = multum.load_program(path).get_parameter("model.layers.0.mlp.up_proj.weight")
        assert max(len(group.unique()) for group in kept.detach().reshape(-1, 16)) <= 16
    assert sizes[1] <= 19000 < sizes[0] <= 22000
    with pytest.raises(UsageError, match="a target of 9,000 bytes cannot be reached"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="quantize=rtn:8 | code", target_bytes=9000)


def test_pruned_weights_stay_zero_as_integers(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    recipe = "prune=magnitude:0.5 | quantize=rtn:4:16:asymmetric | code"
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe=recipe)
    assert count_zeros(tmp_path / "x.mtm", tmp_path) >= 0.5


def test_a_gate_counts_what_all_passes_lose(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    (tmp_path / "likely").write_bytes(multum.sample(tmp_path / "net", 2000, seed=0))
    for recipe in ("prune=magnitude:0.9", "prune=magnitude:0.9 | quantize=rtn:8"):
        with pytest.raises(UsageError, match=r"the loss rises by .* no file was written"):
            multum.shrink(
                tmp_path / "net",
                tmp_path / "x.mtm",
                recipe=recipe,
                evaluation=tmp_path / "likely",
                max_loss_increase=0.01,
            )
    assert not (tmp_path / "x.mtm").exists()


def test_tied_weights_are_written_once(tmp_path: Path) -> None:
    module = make_perceptron()
    recipe = "prune=surgeon:0.5 | code"
    multum.shrink(module, tmp_path / "x.mtm", recipe=recipe, data=draw_batches("perceptron"), target_bytes=2500)
    back = multum.load_program(tmp_path / "x.mtm", into=make_perceptron())
    assert isinstance(back, nn.Sequential)
    assert back[2].weight is back[0].weight


def test_int8_is_measured_beside_the_dense_network(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", evaluation=note, target_bits=8)
    assert report.loss_int8 is not None
    assert report.loss_after is not None
    assert 0 < abs(report.loss_int8.value - report.loss_after.value) < 0.5
    assert "bits per byte, int8" in str(report)
