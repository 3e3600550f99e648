"""Shrunken models as programs: rated, sampled, carried, in 8-bit integers."""

import io
from pathlib import Path

import pytest
import torch

import multum
from multum.errors import UsageError
from multum.evaluation.labels import LabelRateReport
from multum.shrinking.int8 import Int8Linear
from tests.neural.samples import save_byte_llama, save_text_llama
from tests.shrinking.families import make_perceptron, save_classifier


@pytest.fixture(scope="module")
def small(note: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    save_text_llama(folder / "net")
    multum.shrink(folder / "net", folder / "net.mtm", data=note, target_bits=8, calibration=256)
    return folder / "net.mtm"


def test_a_model_in_an_archive_is_a_program_whose_size_is_the_file(small: Path, note: Path, tmp_path: Path) -> None:
    report = multum.code_bits(small, note)
    multum.unpack(small, tmp_path / "back")
    assert report.program == str(small)
    assert report.program_bits == 8 * small.stat().st_size
    assert report.code_bits == multum.code_bits(tmp_path / "back", note).code_bits
    assert len(multum.sample(small, 20, seed=1)) == 20


def test_data_are_packed_with_a_model_in_an_archive(note: Path, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    multum.shrink(tmp_path / "net", tmp_path / "net.mtm", target_bits=8)
    report = multum.pack(note, tmp_path / "note.mtm", program=tmp_path / "net.mtm")
    assert report.program is not None
    assert report.program.name == str(tmp_path / "net.mtm")
    multum.unpack(tmp_path / "note.mtm", tmp_path / "note")
    assert (tmp_path / "note").read_bytes() == note.read_bytes()


def test_a_carried_model_has_the_bits_of_its_file(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    carried = []
    for bits in (8, 5):
        multum.shrink(tmp_path / "net", tmp_path / "net.mtm", target_bits=bits, force=True)
        carried.append(multum.pack(io.BytesIO(b""), io.BytesIO(), 1, program=tmp_path / "net.mtm").program_bytes)
    assert carried[1] < 0.85 * carried[0]


def test_a_classifier_in_an_archive_is_rated_on_labels(tmp_path: Path) -> None:
    save_classifier(tmp_path / "net")
    rows = [f"{('bad', 'good')[n % 2]},{('a dull film', 'so fine a film')[n % 2]} {n}" for n in range(80)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n", "utf-8")
    report = multum.shrink(tmp_path / "net", tmp_path / "x.mtm", data=tmp_path / "reviews.csv", target_bits=8)
    assert report.calibration == "72 examples"
    assert report.loss_after is not None
    assert (report.loss_after.unit, report.loss_after.count) == ("bits per label", 8)
    assert report.loss_after.accuracy is not None
    rate = multum.code_bits(tmp_path / "x.mtm", tmp_path / "reviews.csv")
    assert isinstance(rate, LabelRateReport)
    assert rate.program_bits == 8 * report.bytes_after
    with pytest.raises(UsageError, match="is a program for labels"):
        multum.sample(tmp_path / "x.mtm")


def test_linear_layers_in_8_bits_are_close_to_the_dense_ones(small: Path) -> None:
    dense, quick = multum.load_program(small), multum.load_program(small, int8=True)
    ids = torch.arange(12)[None]
    with torch.inference_mode():
        exact, near = dense(input_ids=ids).logits, quick(input_ids=ids).logits
    assert not torch.equal(exact, near)
    assert (exact - near).abs().max() < 0.2 * exact.abs().max()
    assert isinstance(quick.get_submodule("lm_head"), Int8Linear)
    assert not isinstance(dense.get_submodule("lm_head"), Int8Linear)
    chosen = multum.load_program(small, int8="auto")
    assert isinstance(chosen, torch.nn.Module)


def test_what_holds_no_model_is_refused_by_name(note: Path, tmp_path: Path) -> None:
    multum.pack(note, tmp_path / "note.mtm")
    with pytest.raises(UsageError, match="holds no weights of a model"):
        multum.load_program(tmp_path / "note.mtm")
    with pytest.raises(UsageError, match="holds no model"):
        multum.export(tmp_path / "note.mtm", tmp_path / "x")


def test_an_export_is_the_directory_that_the_archive_holds(small: Path, tmp_path: Path) -> None:
    report = multum.export(small, tmp_path / "out")
    multum.unpack(small, tmp_path / "back")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "back").iterdir()
    }
    assert report.tensors > 0
    with pytest.raises(UsageError, match="exists and was kept"):
        multum.export(small, tmp_path / "out")
    with pytest.raises(UsageError, match="'tflite' is no format"):
        multum.export(small, tmp_path / "x", "tflite")


def test_weights_without_a_config_are_no_directory(tmp_path: Path) -> None:
    multum.shrink(make_perceptron(), tmp_path / "net.mtm", target_bytes=2500)
    with pytest.raises(UsageError, match="export them with --to safetensors"):
        multum.export(tmp_path / "net.mtm", tmp_path / "x")
    assert multum.export(tmp_path / "net.mtm", tmp_path / "x", "safetensors").format == "safetensors"
