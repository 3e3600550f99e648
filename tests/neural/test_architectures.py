"""One dial gives a shape near the size that was asked for, at every size."""

import math

import pytest
import torch

from multum.errors import UsageError
from multum.neural.architectures import derive_shape, make_config
from multum.neural.lean_llama import LeanLlama, draw_weights, is_lean


@pytest.mark.parametrize("parameters", [10_000, 30_000, 100_000, 300_000, 10**6, 3 * 10**6, 10**7, 10**8, 10**9])
def test_the_dial_comes_within_a_fifth(parameters: int) -> None:
    shape = derive_shape(parameters)
    assert abs(math.log(shape.parameters / parameters)) < 0.2
    assert shape.width % shape.heads == 0
    assert shape.width // shape.heads % 2 == 0


def test_shapes_grow_in_both_directions() -> None:
    shapes = [derive_shape(10**power) for power in (4, 5, 6, 7, 8, 9)]
    assert sorted(shape.width for shape in shapes) == [shape.width for shape in shapes]
    assert sorted(shape.layers for shape in shapes) == [shape.layers for shape in shapes]


def test_parameters_are_counted_as_they_are_made() -> None:
    shape = derive_shape(100_000)
    module = LeanLlama(make_config(shape, 64))
    assert sum(parameter.numel() for parameter in module.parameters()) == shape.parameters
    multiplied = sum(p.numel() for name, p in module.named_parameters() if p.ndim == 2 and "embed" not in name)
    assert multiplied == shape.products
    assert is_lean(module.config)


def test_weights_depend_on_the_seed_alone_and_start_at_eight_bits() -> None:
    module, twin, other = (LeanLlama(make_config(derive_shape(30_000), 64)) for _ in range(3))
    draw_weights(module, 1)
    draw_weights(twin, 1)
    draw_weights(other, 2)
    same = zip(module.parameters(), twin.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b, _ in same)
    assert not torch.equal(module.model.embed_tokens.weight, other.model.embed_tokens.weight)
    tokens = torch.arange(32).view(2, 16)
    assert torch.allclose(module(tokens, tokens), torch.tensor(8 * math.log(2)))


@pytest.mark.parametrize(
    ("parameters", "architecture", "said"),
    [
        (10, "llama", "10 parameters are out of range; give 5,000 to 10,000,000,000"),
        (10**12, "llama", "out of range"),
        (10**6, "eliza", "there is no architecture 'eliza'; choose one of llama, recurrent"),
    ],
)
def test_what_cannot_be_built_is_refused(parameters: int, architecture: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        derive_shape(parameters, architecture)
