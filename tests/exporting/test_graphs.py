"""Networks as graphs that ONNX Runtime runs: loaded again, compared, in any shape of batch."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import multum
from multum.errors import MultumError, UsageError
from multum.exporting.probing import compare_outputs, make_probes
from multum.shrinking.models import open_model
from tests.neural.samples import save_byte_llama
from tests.shrinking.families import make_perceptron, save_classifier, save_family


def run_graph(folder: Path, **inputs: torch.Tensor) -> np.ndarray:
    """Return the graph's output, by ONNX Runtime alone."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})[0]
    return found


def save_reviews(path: Path, count: int = 80) -> None:
    rows = [f"{('bad', 'good')[n % 2]},{('a dull film', 'so fine a film')[n % 2]} {n}" for n in range(count)]
    path.write_text("\n".join(["label,text", *rows]) + "\n", "utf-8")


def spread_weights(folder: Path) -> None:
    """Make the weights of a network so large that its outputs are no noise beside what integers cost."""
    stored = load_file(folder / "model.safetensors")
    wide = {name: 8 * tensor if tensor.ndim == 2 else tensor for name, tensor in stored.items()}
    save_file(wide, folder / "model.safetensors", metadata={"format": "pt"})


def test_an_image_classifier_has_the_same_outputs_for_any_number_of_rows(tmp_path: Path) -> None:
    save_family("vit", tmp_path / "net")
    report = multum.export(tmp_path / "net", tmp_path / "out", "onnx", threads=1)
    assert report.comparison is not None
    assert report.comparison.difference < report.comparison.tolerance == 1e-4
    assert (report.tensors, report.threads, report.rounding) == (0, 1, "")
    assert report.size_bytes == (tmp_path / "out" / "model.onnx").stat().st_size
    assert report.running_after is not None
    assert report.running_after.weight_bytes > 0
    pixels = torch.rand(5, 1, 16, 16)
    with torch.inference_mode():
        exact = multum.load_program(tmp_path / "net")(pixel_values=pixels).logits
    assert np.allclose(run_graph(tmp_path / "out", pixel_values=pixels), exact, atol=1e-5)


@pytest.mark.slow
def test_a_classifier_of_texts_becomes_integers_and_is_measured(tmp_path: Path) -> None:
    save_classifier(tmp_path / "net")
    spread_weights(tmp_path / "net")
    save_reviews(tmp_path / "reviews.csv")
    for way in ("dynamic", "static"):
        report = multum.export(
            tmp_path / "net", tmp_path / way, "onnx", int8=way, data=tmp_path / "reviews.csv", calibration=200
        )
        assert report.rounding == f"int8 {way}"
        assert report.running_float is not None
        assert report.running_after is not None
        assert report.running_after.weight_bytes < 0.5 * report.running_float.weight_bytes
        assert report.comparison is not None
        assert 1e-4 < report.comparison.difference < 0.3
        assert report.loss_after is not None
        assert report.loss_after.accuracy is not None
        assert len(report.lines) == 3
    multum.shrink(tmp_path / "net", tmp_path / "net.mtm", target_bits=8)
    report = multum.export(tmp_path / "net.mtm", tmp_path / "graph", "onnx", evaluation=tmp_path / "reviews.csv")
    assert report.loss_before is not None
    assert report.loss_after is not None
    assert report.loss_after.value == pytest.approx(report.loss_before.value, abs=1e-4)
    assert json.loads((tmp_path / "graph" / "multum.json").read_text()) == {"task": "labels"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt2", "bert", "resnet"])
def test_networks_that_nothing_was_made_for_are_traced(name: str, tmp_path: Path) -> None:
    save_family(name, tmp_path / "net")
    if name == "resnet":
        facts = {"size": {"height": 24, "width": 24}, "image_mean": [0.5], "image_std": [0.5]}
        (tmp_path / "net" / "preprocessor_config.json").write_text(json.dumps(facts))
    report = multum.export(tmp_path / "net", tmp_path / "out", "onnx")
    assert report.comparison is not None
    assert report.comparison.difference < 1e-4


@pytest.mark.slow
def test_a_language_model_is_rated_as_a_graph(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    (tmp_path / "note.txt").write_bytes(b"a note, a note, another note\n" * 30)
    report = multum.export(tmp_path / "net", tmp_path / "out", "onnx", evaluation=tmp_path / "note.txt")
    assert report.loss_before is not None
    assert report.loss_after is not None
    assert report.loss_after.unit == "bits per byte"
    assert report.loss_after.value == pytest.approx(report.loss_before.value, abs=1e-4)


def test_outputs_that_differ_too_much_are_refused(tmp_path: Path) -> None:
    save_family("vit", tmp_path / "net")
    model = open_model(tmp_path / "net")
    other = multum.load_program(tmp_path / "net")
    with torch.no_grad():
        next(other.parameters()).mul_(2)
    with pytest.raises(MultumError, match="differ from the network's by"):
        compare_outputs(model.module, other, "logits", make_probes(model), 1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "tflite"}, "'tflite' is no format"),
        ({"to": "huggingface", "int8": "dynamic"}, "is for graphs; give --to onnx"),
        ({"to": "onnx", "int8": "both"}, "'both' is no way to 8-bit integers"),
        ({"to": "onnx", "quantize": "rtn:8"}, "is for packed integers"),
        ({"to": "safetensors", "data": "x"}, "leave --data and --eval out"),
        ({"to": "onnx", "calibration": 0}, "calibration on 0 tokens"),
    ],
)
def test_what_does_not_go_together_is_told(options: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        multum.export(tmp_path / "net", tmp_path / "out", **options)  # type: ignore[arg-type]


def test_a_network_whose_inputs_nobody_knows_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    save_family("resnet", tmp_path / "net")
    with pytest.raises(UsageError, match=r"nobody knows what .* reads"):
        multum.export(tmp_path / "net", tmp_path / "out", "onnx")
    multum.shrink(make_perceptron(), tmp_path / "net.mtm", target_bytes=2500)
    with pytest.raises(MultumError, match=r"config\.json"):
        multum.export(tmp_path / "net.mtm", tmp_path / "out", "onnx")
    assert not (tmp_path / "out").exists()
