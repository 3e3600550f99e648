"""Batches, augmentations and objectives of the labels task, each against what it says."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch
from torch import Tensor, nn

from multum.data.labelled import read_labelled
from multum.training.labels.augmentation import crop_images, flip_images, hide_tokens, shift_images
from multum.training.labels.batches import STRETCH, Batches
from multum.training.labels.objectives import adversarial, attack, cross_entropy, distilled, plain
from multum.training.labels.options import LabelOptions
from multum.training.labels.preparing import hold_out, prepare


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5))
def test_an_epoch_has_each_row_at_most_once(count: int, size: int, seed: int) -> None:
    batches = Batches(np.arange(count) % 17, min(size, count), seed)
    epoch = np.concatenate([batches.rows(number) for number in range(batches.an_epoch)])
    assert len(set(epoch.tolist())) == len(epoch) > count - size


def test_a_batch_is_a_function_of_seed_and_number() -> None:
    lengths = np.arange(100)
    forward, backward = (Batches(lengths, 8, 3) for _ in range(2))
    rows = [forward.rows(number).tolist() for number in range(30)]
    assert [backward.rows(number).tolist() for number in reversed(range(30))] == rows[::-1]
    assert Batches(lengths, 8, 4).rows(0).tolist() != rows[0]
    assert rows[: forward.an_epoch] != rows[forward.an_epoch : 2 * forward.an_epoch]


def test_batches_hold_like_lengths_in_no_order() -> None:
    lengths = np.random.default_rng(0).integers(1, 500, STRETCH * 16)
    batches = Batches(lengths, 16, 0)
    rows = [batches.rows(number) for number in range(batches.an_epoch)]
    padded = sum(lengths[one].max() * len(one) for one in rows)
    assert padded < 1.1 * lengths.sum()
    longest = [int(lengths[one].max()) for one in rows]
    assert longest != sorted(longest)


def draw(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("augment", [shift_images, crop_images, flip_images])
def test_images_are_changed_by_the_generator_alone(augment: Any) -> None:
    pixels = torch.rand(6, 1, 12, 12)
    inputs = {"pixel_values": pixels.clone()}
    one, same, other = (augment(inputs, draw(seed))["pixel_values"] for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(inputs["pixel_values"], pixels)


def test_a_shift_moves_the_whole_image() -> None:
    pixels = torch.zeros(64, 1, 12, 12)
    pixels[:, :, 5, 5] = 1
    moved = shift_images({"pixel_values": pixels}, draw())["pixel_values"]
    places = moved.flatten(1).argmax(1)
    assert moved.sum() == 64
    assert {(int(place) // 12, int(place) % 12) for place in places} == {(r, c) for r in (4, 5, 6) for c in (4, 5, 6)}


def test_hidden_tokens_are_inside_the_text_and_no_more_than_the_share() -> None:
    ids = torch.arange(10, 50).repeat(200, 1)
    mask = torch.ones_like(ids)
    mask[:, 30:] = 0
    hidden = hide_tokens(0.5, hidden=3)({"input_ids": ids, "attention_mask": mask}, draw())["input_ids"] == 3
    assert not hidden[:, 0].any()
    assert not hidden[:, 30:].any()
    assert 0.2 < hidden[:, 1:30].float().mean() < 0.3
    assert hidden[:, 1:30].float().mean(1).std() > 0.1  # how many is drawn for each text


class Bag(nn.Module):
    """A classifier of four numbers or of tokens, linear, so that its worst move is known."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 4)
        self.head = nn.Linear(4, 2)

    def get_input_embeddings(self) -> nn.Module:
        return self.embed

    def forward(
        self,
        pixel_values: Tensor | None = None,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        attention_mask: Tensor | None = None,  # noqa: ARG002 - given with tokens
    ) -> SimpleNamespace:
        if pixel_values is None:
            inputs_embeds = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
            pixel_values = inputs_embeds.mean(1)
        return SimpleNamespace(logits=self.head(pixel_values))


LABELS = torch.tensor([0, 1, 1])


def test_cross_entropy_is_the_code_length_of_the_labels() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.5], [0.75, 0.25], [0.0625, 0.9375]]))
    nats = cross_entropy()(logits, {"labels": LABELS})
    assert nats.item() == pytest.approx(-math.log(0.5 * 0.25 * 0.9375))
    smooth = cross_entropy(0.2)(logits, {"labels": LABELS})
    even = -torch.log_softmax(logits, 1).mean(1).sum()
    assert float(smooth) == pytest.approx(0.8 * nats.item() + 0.2 * float(even))


def test_a_pupil_like_its_teacher_pays_nothing_for_it() -> None:
    logits = torch.randn(3, 2)
    loss = distilled(cross_entropy(), 1.0, 3.0)
    assert float(loss(logits, {"labels": LABELS, "teacher": logits})) == pytest.approx(0, abs=1e-6)
    assert float(loss(logits, {"labels": LABELS, "teacher": -logits})) > 0.01
    alone = distilled(cross_entropy(), 0.0, 3.0)(logits, {"labels": LABELS, "teacher": -logits})
    assert float(alone) == pytest.approx(float(cross_entropy()(logits, {"labels": LABELS})))


@pytest.mark.parametrize("steps", [1, 5])
def test_an_attack_on_a_linear_network_reaches_the_corner_of_the_box(steps: int) -> None:
    torch.manual_seed(0)
    module, pixels = Bag(), torch.randn(3, 4)
    objective = plain(cross_entropy())
    moved = attack(objective, module, {"pixel_values": pixels}, {"labels": LABELS}, 0.3, steps)["pixel_values"]
    box = 0.3 * pixels.square().mean().sqrt()
    towards = (module.head.weight[1] - module.head.weight[0]).sign()  # what class 1 likes more
    worst = pixels + box * torch.where(LABELS[:, None] == 0, towards, -towards)
    torch.testing.assert_close(moved, worst)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_adversarial_training_on_tokens_reaches_the_embeddings() -> None:
    torch.manual_seed(0)
    module = Bag()
    inputs = {"input_ids": torch.tensor([[1, 2], [3, 4], [5, 6]]), "attention_mask": torch.ones(3, 2)}
    clean = plain(cross_entropy())
    harder = adversarial(clean, 0.5)(module, inputs, {"labels": LABELS})
    assert harder.item() > clean(module, inputs, {"labels": LABELS}).item()
    harder.backward()
    assert module.embed.weight.grad is not None
    assert module.embed.weight.grad[1:7].abs().sum(1).min() > 0


def test_processes_and_micro_batches_share_the_same_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"text number {number}\t{number % 2}\n" for number in range(60)))
    halves = [
        prepare(*hold_out(read_labelled(path), asked), asked)[0]
        for asked in (LabelOptions(batch=4, accumulation=2), LabelOptions(batch=4, accumulation=1))
    ]
    for step in range(8):
        for part in range(2):
            inputs, targets = halves[0].batch(step, part, 0, 1)
            there, wanted = halves[1].batch(step, 0, part, 2)
            assert torch.equal(inputs["input_ids"], there["input_ids"])
            assert torch.equal(targets["labels"], wanted["labels"])
