"""What layers read in few bits: told by multum.json, and put back by whatever loads the network."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch
from torch import nn

from multum.errors import FormatError
from multum.neural.clips import Clip, Reach, attach_clips, list_clips, restore_clips, tell_clips
from multum.neural.sources import Source


def test_inputs_are_clipped_and_rounded_to_a_grid() -> None:
    inputs = torch.tensor([-5.0, -1.1, -0.2, 0.0, 0.9, 1.6, 7.0])
    unsigned = Clip(Reach(3.0, False), 2, learns=False)(inputs)
    assert unsigned.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]
    signed = Clip(Reach(3.0, True), 3, learns=False)(inputs)
    assert signed.tolist() == [-3.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0]


def test_gradients_pass_inside_and_move_the_clip_outside() -> None:
    clip = Clip(Reach(3.0, True), 4, learns=True)
    inputs = torch.tensor([-5.0, 0.4, 2.0, 7.0, 9.0], requires_grad=True)
    clip(inputs).sum().backward()
    assert inputs.grad is not None
    assert inputs.grad.tolist() == [0.0, 1.0, 1.0, 0.0, 0.0]
    assert clip.most.grad is not None
    assert float(clip.most.grad) == 1.0  # two above, one below


def make_clipped() -> nn.Sequential:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    attach_clips(module, {"2": Reach(0.5, False)}, 4)
    return module


def test_clips_are_told_and_put_back(tmp_path: Path) -> None:
    module = make_clipped()
    assert list(list_clips(module)) == ["2"]
    assert set(module.state_dict()) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    (tmp_path / "multum.json").write_text(json.dumps({"shrunken": tell_clips(module)}), "utf-8")
    torch.manual_seed(0)
    other = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    inputs = torch.randn(8, 4)
    plain = other(inputs)
    restore_clips(other, Source("other", tmp_path))
    assert torch.equal(other(inputs), module(inputs))
    assert not torch.equal(other(inputs), plain)


def test_a_folder_without_clips_changes_nothing(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 4))
    restore_clips(module, Source("plain", tmp_path))
    assert not list_clips(module)
    assert tell_clips(module) == {}


@pytest.mark.parametrize(
    "told",
    [
        {"bits": 99, "layers": {}},
        {"bits": 4, "layers": {"9": {"most": 1.0, "signed": False}}},
        {"bits": 4, "layers": {"0": {"most": float("inf"), "signed": False}}},
        {"bits": 4, "layers": {"0": {}}},
        {"layers": {}},
        [],
    ],
)
def test_clips_of_another_network_are_refused(told: Any, tmp_path: Path) -> None:
    (tmp_path / "multum.json").write_text(json.dumps({"shrunken": {"activations": told}}), "utf-8")
    with pytest.raises(FormatError, match="tells of activations that its network does not have"):
        restore_clips(nn.Sequential(nn.Linear(4, 4)), Source("x", tmp_path))
