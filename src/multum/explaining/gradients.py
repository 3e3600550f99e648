"""Integrated gradients of a network: what each token or pixel adds on the way from nothing shown to all shown.

A path leads from an input whose tokens are all hidden (or whose pixels are black) straight to the input; gradients on
it, summed, are the bits that each token or pixel adds. They add up to the whole difference but for the steps of the
sum, which are doubled until they do.
Source: Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks" (2017); Captum computes it.
"""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.explaining.evidence import Attribution, Question
from multum.judging.tellers import NetworkTeller
from multum.neural.features import ImageReader, TextReader

# Steps on the path, from the first number on, doubled until scores add up to within this share (or bits, if fewer).
_STEPS, _MOST_STEPS, _GAP = 32, 1024, 0.01
# Places on the path that a network is asked about at once.
_AT_ONCE = 32


def trace_text(teller: NetworkTeller, text: str, question: Question) -> Attribution:
    """Return the bits that each token of `text` adds; those that mark its ends stay and add nothing."""
    reader = teller.classifier.reader
    assert isinstance(reader, TextReader), "it reads texts"
    asked = reader.tokenizer(
        text, truncation=True, max_length=reader.most_tokens, return_offsets_mapping=True, verbose=False
    )
    ids = torch.tensor([asked["input_ids"]])  # [1, tokens]
    ends = torch.tensor([[token in reader.tokenizer.all_special_ids for token in asked["input_ids"]]])
    embed = teller.module.get_input_embeddings()  # type: ignore[operator]
    device = next(teller.module.parameters()).device
    with torch.no_grad():
        there = embed(ids.to(device))  # [1, tokens, width]
        nothing = embed(torch.where(ends, ids, reader.hidden_token).to(device))
    mask = torch.ones_like(ids, device=device)

    def forward(values: Tensor) -> Tensor:
        return _weigh(teller.module(inputs_embeds=values, attention_mask=mask.expand(len(values), -1)), question)

    added, value, base = _integrate(forward, there, nothing)
    scores = added.sum(dim=2)[0].cpu().numpy().astype(np.float64)
    return Attribution(*_join_tokens(text, asked["offset_mapping"], scores), value, base)


def _join_tokens(
    text: str, spans: list[tuple[int, int]], scores: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the pieces of `text` that tokens stand for, each with what is before it, and their scores.

    Tokens that share a character are one piece.
    """
    pieces: list[str] = []
    found: list[float] = []
    at = 0
    for (_, end), score in zip(spans, scores.tolist(), strict=True):
        if end > at:
            pieces.append(text[at:end])
            found.append(score)
            at = end
        elif found:
            found[-1] += score
    return tuple(pieces), np.array(found, np.float64)


def trace_image(teller: NetworkTeller, image: NDArray[np.uint8], question: Question) -> Attribution:
    """Return the bits that each pixel of an image, [channels, height, width], adds to a black one."""
    reader = teller.classifier.reader
    assert isinstance(reader, ImageReader), "it reads images"
    device = next(teller.module.parameters()).device
    there, nothing = (
        reader.read(pixels[None]).gather([0])["pixel_values"].to(device) for pixels in (image, np.zeros_like(image))
    )

    def forward(values: Tensor) -> Tensor:
        return _weigh(teller.module(pixel_values=values), question)

    added, value, base = _integrate(forward, there, nothing)
    fine = added[0].sum(dim=0).cpu().numpy().astype(np.float64)  # [height, width], as it was enlarged
    height, width = image.shape[1:]
    times = fine.shape[0] // height
    scores = fine.reshape(height, times, width, times).sum(axis=(1, 3))
    return Attribution((), scores, value, base)


def _weigh(output: Any, question: Question) -> Tensor:
    """Return [n]: bits for a class rather than its rival, which logits differ by but for the base."""
    weighed: Tensor = (output.logits[:, question.chosen] - output.logits[:, question.rival]) / log(2)
    return weighed


def _integrate(forward: Callable[[Tensor], Tensor], there: Tensor, nothing: Tensor) -> tuple[Tensor, float, float]:
    """Return (what each number adds, value there, value at nothing)."""
    from captum.attr import IntegratedGradients

    with torch.no_grad():
        value, base = float(forward(there)), float(forward(nothing))
    tracer: Any = IntegratedGradients(forward, multiply_by_inputs=True)
    steps = _STEPS
    while True:
        added = tracer.attribute(there, baselines=nothing, n_steps=steps, internal_batch_size=_AT_ONCE).detach()
        gap = abs(value - base - float(added.sum()))
        if gap <= _GAP * max(1.0, abs(value - base)) or steps >= _MOST_STEPS:
            return added, value, base
        steps *= 2
