"""Shrinking: the file is what was asked for, loads back to the values in memory, and is the same each time."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import multum
from multum.errors import FormatError, LimitExceeded, UsageError
from multum.shrinking.models import open_model
from tests.neural.samples import build_word_pieces, save_byte_llama, save_text_llama
from tests.shrinking.families import make_perceptron, save_family

ROOMY = {"hidden_size": 32, "intermediate_size": 64}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("gpt2", torch.float16),
        ("resnet", torch.float32),
        pytest.param("vit", torch.bfloat16, marks=pytest.mark.slow),
        pytest.param("bert", torch.float32, marks=pytest.mark.slow),
        pytest.param("mamba2", torch.bfloat16, marks=pytest.mark.slow),
    ],
)
def test_networks_of_any_family_load_back_as_they_are_in_the_file(
    name: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    save_family(name, tmp_path / "net", dtype)
    report = multum.shrink(tmp_path / "net", tmp_path / "net.mtm", target_bits=7)
    assert report.bytes_after == (tmp_path / "net.mtm").stat().st_size
    assert report.bytes_after < report.bytes_before / 2
    multum.unpack(tmp_path / "net.mtm", tmp_path / "back")
    before, after = (
        load_file(tmp_path / "net" / "model.safetensors"),
        load_file(tmp_path / "back" / "model.safetensors"),
    )
    assert {key: (t.dtype, t.shape) for key, t in before.items()} == {
        key: (t.dtype, t.shape) for key, t in after.items()
    }
    left = {one.name for one in report.passes[0].left}
    assert [key for key in before if torch.equal(before[key], after[key])], "norms and biases stay"
    assert len(left) < len(before)
    loaded, plain = multum.load_program(tmp_path / "net.mtm"), multum.load_program(tmp_path / "back")
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.state_dict().values(), plain.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("calibrated", [True, False])
def test_the_file_is_as_long_as_was_asked_for(calibrated: bool, note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    data = note if calibrated else None
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", target_bytes=9000, data=data, calibration=256)
    assert 8800 <= (tmp_path / "x.mtm").stat().st_size == report.bytes_after <= 9000
    assert report.calibration.startswith("none") is not calibrated


def test_another_size_goes_on_from_what_calibration_found(
    note: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_byte_llama(tmp_path / "net")
    asked: dict[str, Any] = {"data": note, "calibration": 256, "target_bytes": 9000}
    multum.shrink(tmp_path / "net", tmp_path / "plain.mtm", **asked)
    kept = tmp_path / "kept"
    multum.shrink(tmp_path / "net", tmp_path / "first.mtm", **asked | {"target_bytes": 8000}, calibrated=kept)
    monkeypatch.setattr("multum.quantization.quantizer.measure_sensitivities", None)
    multum.shrink(tmp_path / "net", tmp_path / "second.mtm", **asked, calibrated=kept)
    assert (tmp_path / "second.mtm").read_bytes() == (tmp_path / "plain.mtm").read_bytes()


def test_threads_never_change_the_file(note: Path, tmp_path: Path) -> None:
    save_text_llama(tmp_path / "net")
    files = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        target = tmp_path / f"{threads}.mtm"
        multum.shrink(tmp_path / "net", target, data=note, target_bits=8, threads=threads, calibration=256)
        files.append(target.read_bytes())
    assert files[0] == files[1]


@pytest.fixture
def likely(tmp_path: Path) -> Path:
    """Return data that the network beside it, "net", has made: any change of it makes them less likely."""
    save_byte_llama(tmp_path / "net")
    (tmp_path / "likely").write_bytes(multum.sample(tmp_path / "net", 3000, seed=0))
    return tmp_path / "likely"


@pytest.mark.slow
def test_a_loss_that_may_rise_by_so_much_is_searched_for_and_kept(likely: Path, tmp_path: Path) -> None:
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", evaluation=likely, max_loss_increase=0.3)
    assert report.loss_increase is not None
    assert 0.1 < report.loss_increase <= 0.3


def test_the_gate_leaves_no_file_when_the_loss_rises_by_more_than_allowed(likely: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the loss rises by .* bits per byte, allowed is 0.1; no file was written"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm", evaluation=likely, target_bits=4, max_loss_increase=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["likely", "net"]


def test_any_network_can_be_shrunken_and_its_values_come_back_into_one_of_its_kind(tmp_path: Path) -> None:
    module, empty = make_perceptron(), make_perceptron()
    kept = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    nn.init.zeros_(empty.get_parameter("0.weight"))
    report = multum.shrink(module, tmp_path / "net.mtm", target_bytes=2500)
    assert all(torch.equal(kept[name], tensor) for name, tensor in module.state_dict().items()), "a copy is shrunken"
    assert multum.load_program(tmp_path / "net.mtm", into=empty) is empty
    assert empty[2].weight is empty[0].weight
    error = (empty.get_parameter("0.weight") - module.get_parameter("0.weight")).abs().max()
    assert 0 < error < 0.1
    assert report.loss_before is None
    assert report.calibration == "none: data-free"


def test_a_network_in_memory_is_measured_on_labelled_batches(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = make_perceptron()
    inputs = torch.randn(2, 32, 24)
    batches = [{"input": one, "labels": module(one).argmax(1)} for one in inputs]
    report = multum.shrink(module, tmp_path / "net.mtm", target_bytes=1500, evaluation=batches)
    assert report.loss_before is not None
    assert report.loss_after is not None
    assert (report.loss_before.accuracy, report.loss_before.count) == (1, 64)
    assert report.loss_after.value != report.loss_before.value
    assert report.running_after is not None
    assert report.running_after.input == "a batch of 32"
    with pytest.raises(UsageError, match="batches to measure on need labels"):
        multum.shrink(module, tmp_path / "x.mtm", evaluation=[{"input": inputs[0]}])


def test_a_network_is_calibrated_on_the_batches_that_it_is_called_with(tmp_path: Path) -> None:
    torch.manual_seed(0)
    # inputs of which only the first four are ever there
    batches = [{"input": torch.randn(32, 24) * (torch.arange(24) < 4)} for _ in range(4)]
    report = multum.shrink(make_perceptron(), tmp_path / "net.mtm", target_bytes=1500, data=batches)
    assert report.calibration == "4 batches"
    back = multum.load_program(tmp_path / "net.mtm", into=make_perceptron())
    error = (back.get_parameter("3.weight") - make_perceptron().get_parameter("3.weight")).abs()
    assert error.max() > 0
    with pytest.raises(UsageError, match="there is nothing to measure the loss on"):
        multum.shrink(make_perceptron(), tmp_path / "x.mtm", data=batches, max_loss_increase=0.1)


def test_values_do_not_go_into_another_network(tmp_path: Path) -> None:
    multum.shrink(make_perceptron(), tmp_path / "net.mtm", target_bytes=2500)
    with pytest.raises(FormatError, match=r"holds another network: it has '2.bias', which does not fit"):
        multum.load_program(tmp_path / "net.mtm", into=nn.Sequential(nn.Linear(24, 24), nn.ReLU()))
    with pytest.raises(FormatError, match=r"holds another network: it lacks '4.weight'"):
        multum.load_program(tmp_path / "net.mtm", into=make_perceptron().append(nn.Linear(3, 3)))
    with pytest.raises(UsageError, match="holds weights without a config; give the network that takes them"):
        multum.load_program(tmp_path / "net.mtm")


def test_a_safetensors_file_alone_is_coded_without_data(tmp_path: Path, note: Path) -> None:
    save_family("resnet", tmp_path / "net")
    file = tmp_path / "net" / "model.safetensors"
    report = multum.shrink(file, tmp_path / "x.mtm", target_bits=8)
    assert 0.2 < report.share < 0.5
    multum.export(tmp_path / "x.mtm", tmp_path / "x.safetensors", "safetensors")
    before, after = load_file(file), load_file(tmp_path / "x.safetensors")
    assert {key: t.shape for key, t in before.items()} == {key: t.shape for key, t in after.items()}
    with pytest.raises(UsageError, match="neither a language model nor a classifier"):
        multum.shrink(file, tmp_path / "y.mtm", data=note)


def test_an_archive_that_holds_a_model_can_be_made_smaller_still(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", **ROOMY)
    first = multum.shrink(tmp_path / "net", tmp_path / "a.mtm", target_bits=6)
    second = multum.shrink(tmp_path / "a.mtm", tmp_path / "b.mtm", target_bits=4)
    assert second.source == str(tmp_path / "a.mtm")
    assert second.bytes_after < first.bytes_after


def test_multum_json_tells_what_was_done_and_never_when(note: Path, tmp_path: Path) -> None:
    save_text_llama(tmp_path / "net")
    (tmp_path / "net" / "multum.json").write_text(json.dumps({"asked": 1}), "utf-8")
    (tmp_path / "net" / "code.py").write_text("raise SystemExit", "utf-8")
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", data=note, target_bits=8, calibration=256)
    multum.unpack(tmp_path / "x.mtm", tmp_path / "back")
    names = {path.name for path in (tmp_path / "back").iterdir()}
    assert {"config.json", "model.safetensors", "multum.json", "tokenizer.json"} <= names
    assert "code.py" not in names
    facts = json.loads((tmp_path / "back" / "multum.json").read_text("utf-8"))
    assert facts["asked"] == 1
    told = facts["shrunken"]
    assert report.loss_after is not None
    assert told["loss_after"] == pytest.approx(report.loss_after.value, abs=1e-4)
    assert [one["name"] for one in told["passes"]] == ["code"]
    assert "seconds" not in json.dumps(told)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_bytes": 10, "target_bits": 3}, "a target is bytes or bits a weight, one of them"),
        ({"target_bytes": 0}, "a target of 0 bytes is not allowed"),
        ({"target_bits": 33}, "a target of 33 bits a weight is not allowed"),
        ({"max_loss_increase": 0.1}, "a loss is measured on data: give calibration data with --data"),
        ({"max_loss_increase": float("nan"), "data": "x"}, "a loss increase of nan is not allowed"),
        ({"calibration": 0}, "calibration on 0 tokens is not possible"),
        ({"target_bytes": 300}, "a target of 300 bytes cannot be reached"),
    ],
)
def test_targets_that_make_no_sense_are_refused(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    with pytest.raises(UsageError, match=words):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm", **options)
    assert not (tmp_path / "x.mtm").exists()


def test_bad_models_are_refused_by_name(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    weights = tmp_path / "net" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(FormatError, match=r"cannot be loaded|is no safetensors file"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm")
    with pytest.raises(FormatError, match="is no safetensors file, or is damaged"):
        multum.shrink(weights, tmp_path / "x.mtm")
    weights.rename(tmp_path / "net" / "pytorch_model.bin")
    with pytest.raises(FormatError, match="holds pickled weights"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm")
    with pytest.raises(UsageError, match="is a pickle, which could run code"):
        multum.shrink(tmp_path / "net" / "pytorch_model.bin", tmp_path / "x.mtm")
    (tmp_path / "net" / "config.json").write_text(
        json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}), "utf-8"
    )
    (tmp_path / "net" / "pytorch_model.bin").rename(weights)
    with pytest.raises(FormatError, match=r"needs code of its own .*which is never run"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm")
    with pytest.raises(UsageError, match=r"does not end in .mtm"):
        multum.shrink(tmp_path / "net", tmp_path / "x.zip")
    with pytest.raises(UsageError, match="there is no program"):
        multum.shrink(tmp_path / "nothing.gguf", tmp_path / "x.mtm")


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    module = make_perceptron()
    with torch.no_grad():
        module.get_parameter("3.weight")[1, 1] = torch.nan
    with pytest.raises(FormatError, match=r"tensor '3\.weight' has values that are not finite"):
        multum.shrink(module, tmp_path / "x.mtm")


def test_a_tokenizer_that_does_not_belong_to_the_model_is_refused(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    build_word_pieces().save_pretrained(tmp_path / "net")
    with pytest.raises(FormatError, match="does not say which bytes a token stands for"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm", data=note)


def test_empty_calibration_data_are_refused(tmp_path: Path, note: Path) -> None:
    save_byte_llama(tmp_path / "net")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(UsageError, match="the calibration data are empty"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm", data=tmp_path / "empty", evaluation=note)


def test_memory_is_stated_before_it_is_taken(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    with pytest.raises(LimitExceeded, match=r"shrinking needs .* allow it with --memory-limit"):
        multum.shrink(tmp_path / "net", tmp_path / "x.mtm", memory_limit=1 << 20)


def test_tensors_that_loading_changes_are_matched_by_their_values(tmp_path: Path) -> None:
    save_family("vit", tmp_path / "net")
    model = open_model(tmp_path / "net")
    assert any(name != inside for name, inside in model.names.items()), "this transformers calls parts otherwise"
    assert all(
        torch.equal(model.module.get_parameter(name), model.stored[inside]) for name, inside in model.names.items()
    )
