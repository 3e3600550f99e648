"""What a classifier is trained to make small, put together from pieces.

A loss is a function (logits, targets) -> sum of nats over the batch; an objective (module, inputs, targets) -> the
same. `cross_entropy` is the code length of the labels; `distilled` wraps a loss; `plain` and `adversarial` make an
objective of one.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from multum.errors import UsageError

Inputs = dict[str, Tensor]
# labels: int64[batch]; with a teacher also its logits: float[batch, classes].
Targets = dict[str, Tensor]
Loss = Callable[[Tensor, Targets], Tensor]
Objective = Callable[[nn.Module, Inputs, Targets], Tensor]


def cross_entropy(smoothing: float = 0.0) -> Loss:
    """Return the code length of the labels; smoothing: share of each label that is spread evenly over all classes.

    Source: Szegedy et al. 2015, section 7.
    """
    if not 0 <= smoothing < 1:
        raise UsageError(f"label smoothing is {smoothing}; allowed is 0 to less than 1")

    def measure(logits: Tensor, targets: Targets) -> Tensor:
        return functional.cross_entropy(logits, targets["labels"], label_smoothing=smoothing, reduction="sum")

    return measure


def distilled(inner: Loss, weight: float, temperature: float) -> Loss:
    """Return (1 - weight) · inner + weight · T² · KL(teacher ‖ student), the second at temperature T.

    T² keeps the gradients of the second term as large as they are at T = 1. A weight of 1 needs no labels.
    Source: Hinton, Vinyals and Dean 2015.
    """
    if not 0 <= weight <= 1:
        raise UsageError(f"the teacher's weight is {weight}; allowed is 0 to 1")
    if not temperature > 0:
        raise UsageError(f"the teacher's temperature is {temperature}; allowed is more than 0")

    def measure(logits: Tensor, targets: Targets) -> Tensor:
        distance = functional.kl_div(
            torch.log_softmax(logits / temperature, dim=1),
            torch.log_softmax(targets["teacher"] / temperature, dim=1),
            reduction="sum",
            log_target=True,
        )
        taught = weight * temperature**2 * distance
        return taught if weight == 1 else (1 - weight) * inner(logits, targets) + taught

    return measure


def plain(loss: Loss) -> Objective:
    """Return `loss` of the logits for the inputs as they are."""

    def measure(module: nn.Module, inputs: Inputs, targets: Targets) -> Tensor:
        return loss(module(**inputs).logits.float(), targets)  # logits: [batch, classes]

    return measure


def adversarial(inner: Objective, strength: float, steps: int = 1) -> Objective:
    """Return the mean of `inner` on the inputs and on inputs moved, within a box, to where it is largest.

    The box reaches `strength` root-mean-squares of the inputs: of pixels, or of the embeddings of a text's tokens.
    steps: 1 is FGSM; more are PGD, each 2.5 / steps of the box, projected back into it.
    Source: Goodfellow, Shlens and Szegedy 2014; Madry et al. 2017; for texts Miyato, Dai and Goodfellow 2016.
    """
    if not strength > 0:
        raise UsageError(f"adversarial strength is {strength}; allowed is more than 0")
    if steps < 1:
        raise UsageError(f"adversarial steps are {steps}; allowed is 1 or more")

    def measure(module: nn.Module, inputs: Inputs, targets: Targets) -> Tensor:
        moved = attack(inner, _bare(module), inputs, targets, strength, steps)
        return (inner(module, inputs, targets) + inner(module, moved, targets)) / 2

    return measure


def attack(
    inner: Objective, module: nn.Module, inputs: Inputs, targets: Targets, strength: float, steps: int
) -> Inputs:
    """Return inputs moved to where `inner` is large; see `adversarial`. Gradients of weights are left alone."""
    name, fixed, values = _continuous(module, inputs)
    box = float(strength * values.detach().square().mean().sqrt())
    stride = box if steps == 1 else 2.5 * box / steps
    offset = torch.zeros_like(values)
    for _ in range(steps):
        offset = offset.detach().requires_grad_(True)
        nats = inner(module, fixed | {name: values.detach() + offset}, targets)
        (slope,) = torch.autograd.grad(nats, offset)
        offset = (offset.detach() + stride * slope.sign()).clamp(-box, box)
    return fixed | {name: values + offset}


def _continuous(module: nn.Module, inputs: Inputs) -> tuple[str, Inputs, Tensor]:
    """Return (name, other inputs, values) of what can be moved: pixels, or embeddings in place of tokens."""
    if "pixel_values" in inputs:
        return "pixel_values", {}, inputs["pixel_values"]
    rest = {name: tensor for name, tensor in inputs.items() if name != "input_ids"}
    embed = module.get_input_embeddings()  # type: ignore[operator]
    return "inputs_embeds", rest, embed(inputs["input_ids"])  # [batch, tokens, width]


def _bare(module: nn.Module) -> nn.Module:
    """Return the network without the wrapper that shares gradients among processes; an attack has none to share."""
    inner = getattr(module, "module", module)
    assert isinstance(inner, nn.Module)
    return inner
