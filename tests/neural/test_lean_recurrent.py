"""The lean recurrent program is transformers' Mamba-2, and its kernels are PyTorch's operations."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from multum.neural import lean_functions
from multum.neural.architectures import derive_shape, make_config
from multum.neural.lean_recurrent import LeanRecurrent, draw_recurrent_weights, is_lean_recurrent
from multum.neural.loading import quiet
from multum.neural.recurrent_functions import convolve, gate_and_norm, scan

SHAPE = derive_shape(30_000, "recurrent")


@pytest.fixture(scope="module")
def lean() -> LeanRecurrent:
    """Return a program whose every part matters."""
    module = LeanRecurrent(make_config(SHAPE, 64))
    draw_recurrent_weights(module, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if name.endswith(("out_proj.weight", "lm_head.weight")):
                weight.normal_(0, 0.1, generator=generator)
    return module


@pytest.fixture(scope="module")
def plain(lean: LeanRecurrent) -> Any:
    model = AutoModelForCausalLM.from_config(lean.config).eval()
    model.load_state_dict(lean.state_dict())
    return model


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    return torch.randint(0, 256, (2, 71), generator=torch.Generator().manual_seed(0))


def test_logits_and_gradients_are_those_of_transformers(lean: LeanRecurrent, plain: Any, tokens: Tensor) -> None:
    with quiet():
        theirs = plain(tokens[:, :-1]).logits
    assert torch.allclose(lean(tokens[:, :-1]), theirs, atol=1e-4)
    nn.functional.cross_entropy(theirs.flatten(0, 1), tokens[:, 1:].flatten()).backward()
    lean.zero_grad()
    lean(tokens[:, :-1], tokens[:, 1:]).mean().backward()
    for name, parameter in plain.named_parameters():
        ours = lean.get_parameter(name).grad
        assert ours is not None
        assert parameter.grad is not None
        assert torch.allclose(ours, parameter.grad, atol=1e-5), name


def test_in_bfloat16_it_stays_close(lean: LeanRecurrent, tokens: Tensor) -> None:
    exact = lean(tokens[:, :-1], tokens[:, 1:]).mean()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = lean(tokens[:, :-1], tokens[:, 1:]).mean()
    assert float(rounded.detach()) == pytest.approx(float(exact.detach()), abs=5e-3)


def test_transformers_generates_from_the_state_what_it_would_from_all_bytes(plain: Any, tokens: Tensor) -> None:
    seen = tokens[:1, :20]
    with quiet(), torch.no_grad():
        made = plain.generate(seen, attention_mask=torch.ones_like(seen), max_new_tokens=12, do_sample=False)
        for _ in range(12):
            best = plain(seen, use_cache=False).logits[:, -1:].argmax(-1)
            seen = torch.cat((seen, best), dim=1)
    assert made.tolist() == seen.tolist()


def test_the_dial_counts_parameters_as_they_are_made() -> None:
    module = LeanRecurrent(make_config(SHAPE, 64))
    assert sum(parameter.numel() for parameter in module.parameters()) == SHAPE.parameters
    matrices = [p for name, p in module.named_parameters() if p.ndim == 2 and "embeddings" not in name]
    assert sum(matrix.numel() for matrix in matrices) == SHAPE.products
    assert is_lean_recurrent(module.config)


def test_every_byte_starts_at_eight_bits_and_weights_depend_on_the_seed() -> None:
    modules = [LeanRecurrent(make_config(SHAPE, 64)) for _ in range(3)]
    for module, seed in zip(modules, (1, 1, 2), strict=True):
        draw_recurrent_weights(module, seed)
    first, twin, other = (torch.cat([p.detach().flatten() for p in module.parameters()]) for module in modules)
    assert torch.equal(first, twin)
    assert not torch.equal(first, other)
    tokens = torch.arange(20).view(1, 20)
    assert torch.allclose(modules[0](tokens, tokens) / torch.tensor(2.0).log(), torch.tensor(8.0))


# Name, what is called, shapes of what is rounded to bfloat16, shapes of what is not.
Case = tuple[str, Callable[..., Tensor], list[tuple[int, ...]], list[tuple[int, ...]]]
CASES: list[Case] = [
    ("convolve", convolve, [(2, 37, 12)], [(12, 1, 4), (12,)]),
    (
        "scan",
        lambda x, step, log, skip: scan(x, step.exp() * 0.1, -log.exp() * 0.1, skip, 8),
        [(2, 37, 32)],
        [(2, 37, 2)] * 2 + [(2,)],
    ),
    ("gate and norm", lambda x, g, w: gate_and_norm(x, g, w, 1e-5), [(5, 24), (5, 24)], [(24,)]),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_kernels_and_operations_agree_forward_and_backward(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    _, function, rounded, exact = case
    generator = torch.Generator().manual_seed(2)
    halves = [torch.randn(shape, generator=generator).bfloat16() for shape in rounded]
    others = [torch.randn(shape, generator=generator) for shape in exact]
    fused = _run(function, [*halves, *others])
    monkeypatch.setattr(lean_functions, "is_fused", lambda _: False)
    plain = _run(function, [*(half.float() for half in halves), *others])
    for ours, theirs in zip(fused, plain, strict=True):
        assert torch.allclose(ours.float(), theirs, atol=0.02 * float(theirs.abs().max()))


def _run(function: Callable[..., Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """Return the result and the gradient of each input, for a gradient of the result that differs everywhere."""
    inputs = [one.clone().requires_grad_() for one in inputs]
    out = function(*inputs)
    out.backward(torch.linspace(-1, 1, out.numel()).view(out.shape).to(out.dtype))
    return [out.detach(), *(one.grad for one in inputs if one.grad is not None)]
