"""What errors of weights cost, as measured, is what they do to the loss."""

import pytest
import torch
from torch import nn

from multum.errors import FormatError, UsageError
from multum.quantization.patches import list_patches
from multum.quantization.sensitivities import measure_sensitivities
from multum.quantization.weights import find_weights


def _make_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 5))


def _divergence(module: nn.Module, changed: nn.Module, ids: torch.Tensor) -> float:
    """Return the mean divergence of the predictions, in nats."""
    with torch.no_grad():
        first, second = (torch.log_softmax(one(ids).double(), -1) for one in (module, changed))
        return float((first.exp() * (first - second)).sum(-1).mean())


@pytest.mark.parametrize("name", ["0.weight", "1.weight", "3.weight"])
def test_small_errors_cost_what_is_foretold(name: str) -> None:
    module = _make_network()
    ids = torch.randint(0, 11, (64, 32), generator=torch.Generator().manual_seed(1))
    weights, _ = find_weights(module)
    found = measure_sensitivities(module, weights, [{"input": rows} for rows in ids.split(8)])[name]
    ratios = []
    for seed in range(8):
        changed = _make_network()
        parameter = dict(changed.named_parameters())[name]
        error = 1e-3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            parameter.add_(error)
        told = torch.einsum("r,ri,ij,rj->", found.rows, error.double(), found.columns.double(), error.double()) / 2
        ratios.append(_divergence(module, changed, ids) / float(told))
    assert 0.6 < sum(ratios) / len(ratios) < 1.6


def test_the_network_is_left_as_it_was() -> None:
    module = _make_network().train()
    measure_sensitivities(module, find_weights(module)[0], [{"input": torch.zeros(2, 3, dtype=torch.int64)}])
    assert module.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())
    assert not any(part._forward_hooks for part in module.modules())


def test_weights_that_no_gradient_reaches_are_missing() -> None:
    module = nn.ModuleDict({"used": nn.Linear(3, 4), "idle": nn.Linear(3, 4)})

    class _Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = module

        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
            found: torch.Tensor = self.parts["used"](input)
            return found

    half = _Half()
    found = measure_sensitivities(half, find_weights(half)[0], [{"input": torch.ones(2, 3)}])
    assert list(found) == ["parts.used.weight"]


def test_batches_of_another_kind_are_refused() -> None:
    module = _make_network()
    with pytest.raises(UsageError, match="does not take the calibration data"):
        measure_sensitivities(module, find_weights(module)[0], [{"input": torch.full((1, 2), 99)}])


def test_predictions_that_are_not_finite_are_refused() -> None:
    module = nn.Linear(2, 3)
    with pytest.raises(FormatError, match="predicts values that are not finite"):
        measure_sensitivities(module, find_weights(module)[0], [{"input": torch.full((1, 2), float("inf"))}])


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 8, 3, padding=1, stride=2),
        nn.Conv2d(4, 8, (3, 5), padding="same", dilation=2, padding_mode="reflect"),
        nn.Conv2d(4, 8, 3, groups=4),
        nn.Conv1d(4, 8, 5, padding=2, groups=2),
        nn.Conv1d(3, 8, 4, padding="valid"),
    ],
    ids=str,
)
def test_patches_make_a_convolution_a_product(layer: nn.Conv1d | nn.Conv2d) -> None:
    torch.manual_seed(0)
    read = torch.randn(2, layer.in_channels, *(12, 10)[: len(layer.kernel_size)])
    made = layer(read) - (0 if layer.bias is None else layer.bias.reshape(1, -1, *[1] * len(layer.kernel_size)))
    patches = list_patches(layer, read)  # [batch * places * groups, inputs]
    outputs, groups = layer.out_channels // layer.groups, layer.groups
    products = torch.einsum(
        "pgi,goi->pgo",
        patches.reshape(-1, groups, patches.shape[-1]),
        layer.weight.detach().reshape(groups, outputs, -1),
    )
    expected = made.detach().movedim(1, -1).reshape(-1, groups, outputs)
    torch.testing.assert_close(products, expected, rtol=1e-4, atol=1e-5)
