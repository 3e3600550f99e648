"""Channels that went: files of narrower networks, with a config that tells of it and without."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import multum
from multum.errors import FormatError, UsageError
from tests.reduction.networks import compute, draw_batches
from tests.reduction.test_channels import draw_images, make, make_resnet
from tests.shrinking.families import make_perceptron, save_family


@pytest.mark.parametrize("layers", ["basic", "bottleneck"])
def test_transformers_loads_a_narrower_residual_network(layers: str, tmp_path: Path) -> None:
    make_resnet(layer_type=layers).save_pretrained(tmp_path / "net")
    batches = draw_batches("resnet")
    recipe = "structure=channels:0.25 | code"
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe=recipe, data=batches, target_bytes=8000)
    assert "channels are gone" in report.passes[0].told
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    assert json.loads((tmp_path / "back" / "config.json").read_bytes())["hidden_sizes"] == [12, 24]
    loaded = multum.load_program(tmp_path / "x.mtm")
    plain = type(loaded).from_pretrained(tmp_path / "back", dtype=torch.float32).eval()  # type: ignore[attr-defined]
    assert torch.equal(compute(plain, batches), compute(loaded, batches))


def test_the_file_has_what_memory_has(tmp_path: Path) -> None:
    make_resnet(layer_type="basic").save_pretrained(tmp_path / "net")
    module, batches = make_resnet(layer_type="basic"), draw_batches("resnet")
    multum.structure(module, "channels:0.5", batches)
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", recipe="structure=channels:0.5", data=batches)
    assert torch.equal(compute(multum.load_program(tmp_path / "x.mtm"), batches), compute(module, batches))


@pytest.mark.parametrize("kind", ["plain", "joined", "signal"])
def test_a_network_of_full_size_becomes_narrow_before_it_takes_the_values(kind: str, tmp_path: Path) -> None:
    module, batches = make(kind), draw_images()
    multum.shrink(module, tmp_path / "x.mtm", recipe="structure=channels:0.5", data=batches)
    multum.structure(module, "channels:0.5", batches)
    loaded = multum.load_program(tmp_path / "x.mtm", into=make(kind))
    assert torch.equal(compute(loaded, batches), compute(module, batches))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("lowrank=0.5:svd", "layers are in halves"),
        ("structure=channels:0.5", "channels are gone"),
        ("prune=surgeon:0.5", "weights are 0"),
        ("quantize=rtn:8", "integers of 8 bits"),
    ],
)
def test_narrower_networks_become_smaller_in_other_ways(rest: str, told: str, tmp_path: Path) -> None:
    module, batches = make("joined"), draw_images()
    report = multum.shrink(module, tmp_path / "x.mtm", recipe=f"structure=channels:0.5 | {rest}", data=batches)
    assert told in report.passes[1].told
    loaded = multum.load_program(tmp_path / "x.mtm", into=make("joined"))
    assert torch.isfinite(compute(loaded, batches)).all()
    assert sum(parameter.numel() for parameter in loaded.parameters()) < report.weights / 2


def test_what_is_left_learns(tmp_path: Path) -> None:
    batches: list[dict[str, Any]] = [batch | {"labels": torch.arange(24) % 3} for batch in draw_images(4)]
    recipe = "structure=channels:0.5 | distil=1:1"
    report = multum.shrink(make("joined"), tmp_path / "x.mtm", recipe=recipe, data=batches)
    assert len(report.passes) == 2
    assert compute(multum.load_program(tmp_path / "x.mtm", into=make("joined")), draw_images()).shape == (48, 3)


def test_a_file_of_a_narrow_network_is_not_put_into_another(tmp_path: Path) -> None:
    multum.shrink(make("plain"), tmp_path / "x.mtm", recipe="structure=channels:0.5", data=draw_images())
    with pytest.raises(FormatError, match="the network cannot have a layer '0' of "):
        multum.load_program(tmp_path / "x.mtm", into=make("joined"))


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("gpt2", "config of a gpt2 network tells of fewer channels"),
        ("perceptron", "a Sequential network has no convolutions"),
    ],
)
def test_networks_without_channels_are_refused_and_leave_no_file(kind: str, match: str, tmp_path: Path) -> None:
    net: Any = make_perceptron()
    if kind != "perceptron":
        net = tmp_path / "net"
        save_family(kind, net)
    with pytest.raises(UsageError, match=match):
        multum.shrink(net, tmp_path / "x.mtm", recipe="structure=channels:0.5 | code", data=draw_batches(kind))
    assert not (tmp_path / "x.mtm").exists()
