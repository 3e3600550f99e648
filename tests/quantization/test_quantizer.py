"""Networks become integers at the size that was asked for, whatever room there is."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from multum.errors import FormatError
from multum.quantization.quantizer import Quantizer, Target
from multum.quantization.sensitivities import Batch, measure_sensitivities
from multum.quantization.weights import Weight, find_weights


def _make_case() -> tuple[nn.Module, list[Batch]]:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 36, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    return network, [{"input": torch.randn(32, 3, 8, 8)} for _ in range(4)]


@pytest.mark.parametrize("bits", [2.0, 3.5, 6.0])
@pytest.mark.parametrize("calibrated", [True, False])
def test_codes_take_the_bytes_asked_for(bits: float, calibrated: bool) -> None:
    network, batches = _make_case()
    quantizer = Quantizer(network, find_weights(network)[0], batches if calibrated else None)
    target = int(quantizer.size * bits / 8)
    found = quantizer.quantize(Target(target))
    assert 0.985 * target < found.coded_bytes <= target


def test_where_all_rows_jump_to_the_next_step_at_once_the_longest_codes_that_fit_are_taken() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 512)
    with torch.no_grad():  # rows are all the same, but for signs
        layer.weight.copy_(torch.rand(64) * (2 * torch.randint(0, 2, (512, 64)) - 1))
    network = nn.Sequential(layer)
    quantizer = Quantizer(network, find_weights(network)[0], None)
    stairs = sorted({quantizer.quantize_at(-4 + place / 64).coded_bytes for place in range(32)})
    shorter, longer = max(pairwise(stairs), key=lambda pair: pair[1] - pair[0])
    assert longer > 1.02 * shorter, "else it is no stair"
    for target in (int(longer) - 1, int((shorter + longer) / 2)):
        assert quantizer.quantize(Target(target)).coded_bytes == shorter


def test_calibration_costs_less_than_none() -> None:
    network, batches = _make_case()
    weights, _ = find_weights(network)
    with torch.no_grad():
        truth = torch.log_softmax(network(batches[0]["input"]), -1)
    lost = []
    for data in (batches, None):
        quantizer = Quantizer(network, weights, data)
        grids = quantizer.quantize(Target(int(quantizer.size * 3 / 8))).grids
        kept = [weight.parameter.detach().clone() for weight in weights]
        for weight in weights:
            weight.write(torch.from_numpy(grids[weight.name].values().view(np.float32)))
        with torch.no_grad():
            lost.append(float((truth.exp() * (truth - torch.log_softmax(network(batches[0]["input"]), -1))).sum()))
        for weight, values in zip(weights, kept, strict=True):
            weight.parameter.data.copy_(values)
    assert lost[0] < 0.7 * lost[1]


def test_little_room_gives_the_same_integers() -> None:
    network, batches = _make_case()
    weights, _ = find_weights(network)
    found = []
    for room in (1 << 30, 1 << 12):
        quantizer = Quantizer(network, weights, batches, at_once_bytes=room)
        found.append(quantizer.quantize_at(-4.0).grids)
    for weight in weights:
        np.testing.assert_array_equal(found[0][weight.name].codes, found[1][weight.name].codes)


def test_what_was_measured_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, batches = _make_case()
    weights, _ = find_weights(network)
    first = Quantizer(network, weights, batches, folder=tmp_path, at_once_bytes=1 << 12).quantize_at(-4.0)
    last = sorted(tmp_path.glob("*/*"))[-1]
    last.unlink()  # as if it had been stopped before the last part
    measured = []

    def watch(module: nn.Module, group: list[Weight], *rest: Any, **named: Any) -> Any:
        measured.append(len(group))
        return measure_sensitivities(module, group, *rest, **named)

    monkeypatch.setattr("multum.quantization.quantizer.measure_sensitivities", watch)
    second = Quantizer(network, weights, batches, folder=tmp_path, at_once_bytes=1 << 12).quantize_at(-4.0)
    assert measured == [1]
    for name, grid in first.grids.items():
        np.testing.assert_array_equal(grid.codes, second.grids[name].codes)


def test_what_was_measured_on_other_data_is_not_taken(tmp_path: Path) -> None:
    network, batches = _make_case()
    weights, _ = find_weights(network)
    Quantizer(network, weights, batches, folder=tmp_path)
    other = [{"input": -3 * batch["input"]} for batch in batches]
    kept = Quantizer(network, weights, other, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    fresh = Quantizer(network, weights, other)
    for name, ground in fresh.grounds.items():
        assert torch.equal(ground.feedback, kept.grounds[name].feedback)


def test_a_damaged_file_of_what_was_measured_is_refused(tmp_path: Path) -> None:
    network, batches = _make_case()
    weights, _ = find_weights(network)
    Quantizer(network, weights, batches, folder=tmp_path)
    damaged = next(tmp_path.glob("*/0.safetensors"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(FormatError, match="remove it"):
        Quantizer(network, weights, batches, folder=tmp_path)
