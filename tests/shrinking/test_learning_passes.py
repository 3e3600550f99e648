"""Passes that train: what a file of each holds, and that it is the network that was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch
from safetensors.torch import load_file
from torch import nn

import multum
from multum.errors import UsageError
from multum.neural.clips import list_clips
from multum.shrinking.recipes import read_recipe
from tests.neural.samples import save_byte_llama
from tests.reduction.networks import draw_batches
from tests.shrinking.families import make_perceptron, save_classifier, save_family
from tests.training.retraining.tasks import write_digits

ROOMY = {"hidden_size": 32, "intermediate_size": 64}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return (a classifier of images, examples of what it tells)."""
    folder = tmp_path_factory.mktemp("digits")
    data = write_digits(folder / "digits.npz")
    multum.fit_labels(data, folder / "run", epochs=0.5, threads=1, precision="float32")
    return folder / "run", data


def shrink(classifier: tuple[Path, Path], target: Path, recipe: str, **options: Any) -> multum.ShrinkReport:
    return multum.shrink(classifier[0], target, data=classifier[1], recipe=recipe, threads=1, **options)


def test_gradual_zeros_then_integers_then_codes(classifier: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "x.mtm"
    report = shrink(classifier, path, "gradual=0.8:1 | qat=3:0.5 | code")
    assert [line.name for line in report.passes] == ["gradual=0.8:1", "qat=3:0.5", "code"]
    assert "weights are 0, after 12 steps" in report.passes[0].told
    assert "weights are integers of 3 bits, after 6 steps" in report.passes[1].told
    assert report.passes[1].loss_after == report.passes[2].loss_after
    assert path.stat().st_size == report.bytes_after < 0.06 * report.bytes_before
    rate: Any = multum.code_bits(str(path), str(classifier[1]))
    module: Any = multum.load_program(path)
    weights = [part.weight for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert sum(int((one == 0).sum()) for one in weights) > 0.79 * sum(one.numel() for one in weights)
    assert all(len(one.flatten(1)[0].unique()) <= 8 for one in weights)
    assert rate.scores.accuracy > 0.5


def test_half_of_the_layers_make_a_directory_that_transformers_loads(
    classifier: tuple[Path, Path], tmp_path: Path
) -> None:
    from transformers import AutoModelForImageClassification

    report = shrink(classifier, tmp_path / "x.mtm", "distil=0.5:0.5")
    assert report.passes[0].told.startswith("3 of 6 layers stay, after 6 steps")
    assert report.weights > 2 * report.passes[0].bytes_after / 4
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    assert json.loads((tmp_path / "back" / "config.json").read_text("utf-8"))["depths"] == [1, 1, 1]
    family: Any = AutoModelForImageClassification
    module, found = family.from_pretrained(tmp_path / "back", output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    ours: Any = multum.load_program(tmp_path / "x.mtm")
    pixels = torch.randn(2, 1, 24, 24)
    assert torch.equal(module.eval()(pixels).logits, ours(pixels).logits)


def test_activations_of_few_bits_come_back_with_the_file(classifier: tuple[Path, Path], tmp_path: Path) -> None:
    report = shrink(classifier, tmp_path / "x.mtm", "qat=4:a4:0.5 | code")
    assert "14 layers read 4 bits" in report.passes[0].told
    module = multum.load_program(tmp_path / "x.mtm")
    assert len(list_clips(module)) == 14
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    again = multum.load_program(tmp_path / "back")
    pixels = torch.randn(4, 1, 24, 24)
    with torch.no_grad():
        assert torch.equal(module(pixels).logits, again(pixels).logits)
    held_out: Any = multum.code_bits(str(tmp_path / "back"), str(classifier[1]))
    assert report.loss_after is not None
    assert held_out.scores.examples == 240


def test_what_a_pass_learned_is_kept_where_calibration_is(classifier: tuple[Path, Path], tmp_path: Path) -> None:
    first = shrink(classifier, tmp_path / "a.mtm", "gradual=0.5:0.5 | code", calibrated=tmp_path / "kept")
    seen: list[str] = []
    again = shrink(
        classifier,
        tmp_path / "b.mtm",
        "gradual=0.5:0.5 | code",
        calibrated=tmp_path / "kept",
        progress=lambda what, _: seen.append(what),
    )
    assert "learning" not in seen
    assert (tmp_path / "a.mtm").read_bytes() == (tmp_path / "b.mtm").read_bytes()
    assert first.loss_after == again.loss_after


def test_two_passes_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    inputs = torch.randn(6, 16, 8)
    options: dict[str, Any] = {
        "recipe": "distil=1:1 | distil=1:1",
        "data": [{"input": one, "labels": one[:, :3].argmax(1)} for one in inputs],
        "calibrated": tmp_path / "kept",
    }
    multum.shrink(network, tmp_path / "a.mtm", **options)
    seen: list[str] = []
    multum.shrink(network, tmp_path / "b.mtm", progress=lambda what, _: seen.append(what), **options)
    assert "learning" not in seen
    assert (tmp_path / "a.mtm").read_bytes() == (tmp_path / "b.mtm").read_bytes()
    assert {"distil-1-1", "distil-1-1-2"} <= {path.name for path in (tmp_path / "kept").iterdir()}


def test_language_models_learn_from_text_and_from_what_they_imagine(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", num_hidden_layers=4, **ROOMY)
    options: dict[str, Any] = {"calibration": 512, "threads": 1}
    recipe = "distil=0.5:0.5 | gradual=0.5:0.5 | qat=4:0.5 | code"
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", data=note, recipe=recipe, **options)
    assert report.passes[0].told.startswith("2 of 4 layers stay")
    assert "of 18,432 weights are 0" in report.passes[1].told
    assert report.passes[0].loss_after is not None
    multum.shrink(tmp_path / "net", tmp_path / "y.mtm", recipe="qat=4:0.2 | code", **options)
    for name in ("x", "y"):
        assert multum.code_bits(str(tmp_path / f"{name}.mtm"), b"What is it worth now?").bpb is not None


def test_types_of_the_file_stay_and_integers_survive_in_them(note: Path, tmp_path: Path) -> None:
    save_family("gpt2", tmp_path / "net", torch.bfloat16)
    (tmp_path / "net" / "tokenizer_config.json").unlink(missing_ok=True)
    multum.shrink(tmp_path / "net", tmp_path / "x.mtm", data=note, recipe="qat=4:0.2 | code", calibration=512)
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    tensors = load_file(tmp_path / "back" / "model.safetensors")
    assert {one.dtype for one in tensors.values()} == {torch.bfloat16}
    matrix = next(one for name, one in tensors.items() if name.endswith("mlp.c_fc.weight"))
    assert max(len(column.unique()) for column in matrix.float().T) <= 16


def test_text_classifiers_learn_again(tmp_path: Path) -> None:
    save_classifier(tmp_path / "net")
    rows = [
        f"{'good' if number % 2 else 'bad'} thing {number}\t{'good' if number % 2 else 'bad'}" for number in range(60)
    ]
    (tmp_path / "a.tsv").write_text("\n".join(["text\tlabel", *rows]) + "\n", "utf-8")
    report = multum.shrink(
        tmp_path / "net", tmp_path / "x.mtm", data=tmp_path / "a.tsv", recipe="qat=4:a8:2 | code", threads=1
    )
    assert report.loss_after is not None
    assert report.loss_after.accuracy is not None


def test_networks_in_python_learn_from_batches(tmp_path: Path) -> None:
    batches = draw_batches("perceptron")
    report = multum.shrink(make_perceptron(), tmp_path / "x.mtm", data=batches, recipe="gradual=0.5:4 | qat=4 | code")
    module: Any = multum.load_program(tmp_path / "x.mtm", into=make_perceptron())
    assert module[0].weight is module[2].weight
    assert float(module[0].weight.eq(0).float().mean()) > 0.45
    assert "of 648 weights are 0" in report.passes[0].told


@pytest.mark.parametrize(
    ("recipe", "match"),
    [
        ("gradual", r"gradual takes SHARE\[:EPOCHS\], such as 0.9:5"),
        ("gradual=0.9:0", "the number of epochs: 0 is not allowed"),
        ("distil=2", "a share of the layers: 2 is not allowed; give more than 0, and 1 for all layers"),
        ("qat=4:x8", r"qat takes BITS\[:aBITS\]\[:EPOCHS\]"),
        ("qat=4 | gradual=0.5", "gradual=0.5:3 cannot follow qat=4:3, whose integers it would change"),
        ("qat=4 | code", "qat=4:3 learns from data: give text or labelled examples"),
        ("distil=0.5", "layers are taken from models of transformers in a folder; distil=1 keeps all of them"),
    ],
)
def test_recipes_that_cannot_be_learned_are_refused(recipe: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=match):
        multum.shrink(make_perceptron(), tmp_path / "x.mtm", recipe=recipe)
    assert not list(tmp_path.iterdir())


def test_recipes_come_back_as_they_are_understood() -> None:
    said = read_recipe(" distil=0.5|gradual = 0.9:5 | qat=4:a8 |code")
    assert str(said) == "distil=0.5:3 | gradual=0.9:5 | qat=4:a8:3 | code"
    assert said.learns
    assert said.quantizes
