"""Learning again in memory: what comes out has the zeros and integers that are told, and knows what it knew."""

import copy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch
from torch import nn

import multum
from multum.errors import UsageError
from multum.neural.clips import list_clips
from multum.training.checkpoints import CHECKPOINT
from multum.training.retraining.activations import measure_reaches
from multum.training.retraining.choices import Retraining, read_distil, read_gradual, read_qat
from multum.training.retraining.constraints import choose_weights
from multum.training.retraining.lessons import GivenLessons, TextLessons
from multum.training.retraining.pupils import ask, pair_layers
from multum.training.retraining.running import make_task, retrain
from multum.training.trainer import Moment
from tests.neural.samples import build_llama
from tests.reduction.networks import draw_batches as draw_for
from tests.shrinking.families import FAMILIES
from tests.training.retraining.tasks import Net, draw_batches, make_taught, measure_accuracy


@pytest.fixture(scope="module")
def taught() -> Net:
    """Return a net that knows the answer."""
    return make_taught()


def test_a_network_learns_to_do_without_most_of_its_weights(taught: Net) -> None:
    module = copy.deepcopy(taught)
    done = multum.retrain(module, draw_batches(), share=0.8, epochs=12)
    assert done.weights == 8 * 24 + 24 * 24 + 24 * 2
    assert done.zeros == pytest.approx(0.8 * done.weights, rel=0.03)
    assert sum(int((part.weight == 0).sum()) for part in (module.first, module.second, module.last)) == done.zeros
    assert measure_accuracy(module) > measure_accuracy(taught) - 0.03


def test_weights_are_the_integers_that_are_told(taught: Net) -> None:
    module = copy.deepcopy(taught)
    with torch.no_grad():
        module.second.weight[:12] = 0
    done = multum.retrain(module, draw_batches(), bits=3, epochs=6)
    assert set(done.grids) == {"first.weight", "second.weight", "last.weight"}
    for name, grid in done.grids.items():
        values = torch.from_numpy(grid.values().view("float32"))
        torch.testing.assert_close(values, module.get_parameter(name).detach(), atol=1e-6, rtol=1e-6)
        assert grid.codes.min() >= -4
        assert grid.codes.max() <= 3
    assert not module.second.weight[:12].any()
    assert measure_accuracy(module) > measure_accuracy(taught) - 0.03


def test_inner_layers_read_few_bits_where_it_is_asked_for(taught: Net) -> None:
    module = copy.deepcopy(taught)
    done = multum.retrain(module, draw_batches(), activations=2, epochs=6)
    assert list(done.reaches) == ["second"]
    assert not done.reaches["second"].signed
    read: list[torch.Tensor] = []
    module.second.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    assert measure_accuracy(module) > measure_accuracy(taught) - 0.06
    assert len(read[0].unique()) == 4
    assert list(list_clips(module)) == ["second"]


def test_a_student_learns_from_its_teacher_alone(taught: Net) -> None:
    torch.manual_seed(1)
    module = Net()
    assert measure_accuracy(module) < 0.7
    multum.retrain(module, draw_batches(labelled=False), teacher=taught, epochs=15, learning_rate=1e-2)
    assert measure_accuracy(module) > 0.9


def test_the_same_seed_gives_the_same_weights(taught: Net) -> None:
    found = []
    for _ in range(2):
        module = copy.deepcopy(taught)
        multum.retrain(module, draw_batches(), share=0.5, epochs=2, seed=3)
        found.append(module.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


class Stop(Exception):
    """Raised by a watcher."""


def test_a_run_that_was_cut_goes_on_to_the_same_weights(
    taught: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multum.training.retraining.running._CHECKPOINT_S", 0.0)
    asked: dict[str, Any] = {"share": 0.7, "bits": 3, "epochs": 3}
    whole, cut = copy.deepcopy(taught), copy.deepcopy(taught)
    multum.retrain(whole, draw_batches(), folder=tmp_path / "whole", **asked)

    def stop(moment: Moment) -> None:
        if moment.step == 20:
            raise Stop

    with pytest.raises(Stop):
        multum.retrain(cut, draw_batches(), folder=tmp_path / "cut", progress=stop, **asked)
    assert torch.equal(cut.first.weight, taught.first.weight)
    steps: list[int] = []
    multum.retrain(
        cut, draw_batches(), folder=tmp_path / "cut", progress=lambda moment: steps.append(moment.step), **asked
    )
    assert steps[0] == 20
    assert all(torch.equal(cut.state_dict()[name], tensor) for name, tensor in whole.state_dict().items())


def test_what_was_learned_before_is_had_at_once_and_other_wishes_begin_anew(taught: Net, tmp_path: Path) -> None:
    first, second, third = (copy.deepcopy(taught) for _ in range(3))
    multum.retrain(first, draw_batches(), folder=tmp_path, share=0.5, epochs=2)
    steps: list[Moment] = []
    multum.retrain(second, draw_batches(), folder=tmp_path, share=0.5, epochs=2, progress=steps.append)
    assert not steps
    assert torch.equal(first.second.weight, second.second.weight)
    multum.retrain(third, draw_batches(), folder=tmp_path, share=0.6, epochs=2, progress=steps.append)
    assert steps
    (tmp_path / CHECKPOINT).write_bytes(b"damaged")
    multum.retrain(third, draw_batches(), folder=tmp_path, epochs=0.2)


@pytest.mark.parametrize("kind", [*FAMILIES, "llama"])
def test_every_family_learns_again_or_is_refused_by_name(kind: str) -> None:
    module = build_llama(hidden_size=32, intermediate_size=64) if kind == "llama" else FAMILIES[kind]()
    batches = draw_for(kind)
    if kind == "bert":
        with pytest.raises(UsageError, match="a BertModel tells no logits of classes"):
            multum.retrain(module, batches, bits=4)
        return
    before = copy.deepcopy(module.state_dict())
    done = multum.retrain(module, batches, share=0.5, bits=4, epochs=1)
    assert 0.49 < done.zeros / done.weights < 0.62
    assert done.grids
    changed = [name for name, tensor in module.state_dict().items() if not torch.equal(before[name], tensor)]
    assert any("norm" in name or "bias" in name or "ln" in name for name in changed)


def test_layers_of_another_width_are_mapped_to_their_teachers() -> None:
    wide, narrow = build_llama(hidden_size=32, num_hidden_layers=4), build_llama(hidden_size=16, num_hidden_layers=2)
    batch = draw_for("llama")[0]
    pupil, layers = pair_layers(narrow, wide, batch, 0)
    assert layers == (2, 4)
    assert [one.weight.shape for one in list[Any](pupil.maps)] == [(32, 16)] * 2
    told, taught = pupil(**batch), ask(wide, batch, layers)
    assert [one.shape for one in told.hidden] == [one.shape for one in taught.hidden]
    same, _ = pair_layers(copy.deepcopy(wide), wide, batch, 0)
    assert all(isinstance(one, nn.Identity) for one in same.maps)


def test_hidden_states_like_the_teachers_cost_nothing() -> None:
    wide = build_llama()
    asked = Retraining(hidden=2.0)
    lessons = GivenLessons(draw_for("llama"), 0)
    student: Any = copy.deepcopy(wide)
    task = make_task(student, wide, lessons, asked)
    with torch.no_grad():
        nats, units = task.loss(task.build(), lessons.take(0))
        assert units == 4 * 32
        assert float(nats) == pytest.approx(0, abs=1e-3)
        student.model.layers[0].mlp.up_proj.weight.mul_(2)
        costlier, _ = task.loss(task.build(), lessons.take(0))
        plain = make_task(student, wide, lessons, Retraining())
        assert float(costlier) > float(plain.loss(plain.build(), lessons.take(0))[0]) + 1


def test_reaches_are_of_inner_layers_and_beyond_the_odd_input(taught: Net) -> None:
    batches = draw_batches()
    batches[0]["input"][0, 0] = 1e6
    found = measure_reaches(taught, choose_weights(taught), batches[1:])
    assert list(found) == ["second"]
    with torch.no_grad():
        largest = max(float(taught.first(batch["input"]).relu().max()) for batch in batches[1:])
    assert 0.5 * largest < found["second"].most <= largest


def test_windows_of_text_begin_with_the_start_and_come_once_an_epoch() -> None:
    import numpy as np

    lessons = TextLessons(np.arange(1001, dtype=np.int64), window=52, rows=4, seed=0, start=7)
    epoch = [lessons.take(number)["input_ids"] for number in range(lessons.an_epoch)]
    assert lessons.units == 4 * 51
    assert all(batch.shape == (4, 52) for batch in epoch)
    assert all((batch[:, 0] == 7).all() for batch in epoch)
    starts = torch.cat([batch[:, 1] for batch in epoch]).tolist()
    assert len(set(starts)) == len(starts)
    assert torch.equal(lessons.take(3)["input_ids"], lessons.take(3)["input_ids"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"share": 1.0}, "a share of zeros: 1 is not allowed; give more than 0 and less than 1"),
        ({"bits": 9}, "weights in bits: 9 is not allowed; give 2 to 8"),
        ({"activations": 1}, "activations in bits: 1 is not allowed; give 2 to 8"),
        ({"epochs": 0}, "the number of epochs: 0 is not allowed; give more than 0"),
        ({"temperature": 0}, "the temperature: 0 is not allowed"),
        ({"teacher_weight": 2}, "the teacher's weight: 2 is not allowed; give 0 to 1"),
        ({"hidden": float("nan")}, "the cost of hidden states: nan is not allowed"),
        ({"learning_rate": -1}, "the learning rate: -1 is not allowed"),
        ({"hidden": 1.0}, "does not show its hidden states|unexpected keyword"),
        ({"teacher_weight": 0.5}, "there are no labels to learn from"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(taught: Net, options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        multum.retrain(copy.deepcopy(taught), draw_batches(labelled=False), **options)


def test_a_network_without_matrices_is_refused() -> None:
    module = nn.Sequential(nn.BatchNorm1d(8))
    with pytest.raises(UsageError, match="no linear layer or convolution that could have zeros, or integers"):
        retrain(module, draw_batches(), Retraining(bits=4))


def test_words_of_recipes_come_back_as_they_are_understood() -> None:
    assert str(read_gradual(["0.9", "5"])) == "0.9:5"
    assert str(read_distil(["0.5"])) == "0.5:3"
    assert str(read_qat(["4", "a8", "0.5"])) == "4:a8:0.5"
    assert read_qat(["4"]).retraining.activations is None


@pytest.mark.parametrize("words", [["x"], ["4.5"], ["4", "ax"], ["4", "1", "2"], ["4", "a8", "1", "2"]])
def test_words_that_are_no_numbers_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match=r"qat takes BITS\[:aBITS\]\[:EPOCHS\]"):
        read_qat(words)
