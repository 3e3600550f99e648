"""The walk through a network: each weight once, with what it reads after all before it have changed."""

import pytest
import torch
from torch import nn

from multum.errors import UsageError
from multum.quantization.weights import Weight, find_weights
from multum.reduction.walking import Moments, join_batches, walk
from tests.reduction.networks import KINDS, compute, draw_batches, make_network


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_weights_are_visited_once_and_the_network_works_as_before(kind: str) -> None:
    module, batches = make_network(kind), draw_batches(kind)
    before = compute(module, batches)
    weights = [one for one in find_weights(module)[0] if all(use.kind != "embedding" for use in one.uses)]
    seen: list[str] = []
    missed = walk(module, weights, batches, lambda weight, _: seen.append(weight.name))
    assert len(seen) == len(set(seen)) == len(weights) - len(missed)
    assert torch.equal(compute(module, batches), before)


def test_what_a_layer_reads_is_measured_after_the_layers_before_it_changed() -> None:
    module = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    data = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    seen: dict[str, Moments] = {}

    def visit(weight: Weight, moments: Moments) -> None:
        seen[weight.name] = moments
        weight.write(weight.read() * 2)

    walk(module, find_weights(module)[0], [{"input": data[:20]}, {"input": data[20:]}], visit)
    assert torch.allclose(seen["0.weight"].columns, (data.T @ data).double() / 50, atol=1e-5)
    with torch.no_grad():
        read = torch.relu(module[0](data))
    assert torch.allclose(seen["2.weight"].columns, (read.T @ read).double() / 50, atol=1e-4)
    assert seen["2.weight"].positions == 50


def test_nothing_runs_behind_the_last_weight() -> None:
    class Late(nn.Module):
        def forward(self, _: torch.Tensor) -> torch.Tensor:
            raise AssertionError("not to be reached")

    module = nn.Sequential(nn.Linear(3, 3), Late())
    assert walk(module, find_weights(module)[0], [{"input": torch.ones(2, 3)}], lambda *_: None) == frozenset()


def test_errors_of_a_visit_are_not_laid_to_the_data() -> None:
    def visit(*_: object) -> None:
        raise RuntimeError("mine")

    module = nn.Linear(3, 3)
    with pytest.raises(RuntimeError, match="mine"):
        walk(module, find_weights(module)[0], [{"input": torch.ones(2, 3)}], visit)
    assert not module._forward_hooks
    assert not module._forward_pre_hooks


def test_batches_become_one_filled_up_where_a_mask_hides_it() -> None:
    first = {"input_ids": torch.ones(2, 3), "attention_mask": torch.ones(2, 3), "labels": torch.ones(2)}
    second = {"input_ids": torch.ones(1, 5), "attention_mask": torch.ones(1, 5)}
    joined = join_batches([first, second])
    assert joined["input_ids"].tolist() == [[1, 1, 1, 0, 0]] * 2 + [[1] * 5]
    assert joined["attention_mask"].shape == (3, 5)
    assert "labels" not in joined
    with pytest.raises(UsageError, match="'x' has batches of different shapes"):
        join_batches([{"x": torch.ones(1, 2)}, {"x": torch.ones(1, 3)}])
    with pytest.raises(UsageError, match="do not all name the same arguments"):
        join_batches([{"x": torch.ones(1, 2)}, {"y": torch.ones(1, 2)}])
