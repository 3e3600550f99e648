"""Students of programs: how they begin, that they learn, and what is written of them."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import multum
from multum.errors import UsageError
from multum.training.trainer import Moment
from tests.neural.samples import save_byte_llama
from tests.shrinking.families import save_classifier, save_family
from tests.training.retraining.tasks import write_digits

QUICK: dict[str, Any] = {"threads": 1, "precision": "float32", "device": "cpu"}


@pytest.fixture(scope="module")
def byte_teacher(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return (a program over bytes, a text that it knows)."""
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "a.txt").write_text("".join(f"line {number % 7} of seven\n" for number in range(600)), "utf-8")
    multum.fit(folder / "a.txt", folder / "run", parameters=60_000, tokens=30_000, window=64, **QUICK)
    return folder / "run", folder / "a.txt"


def test_every_other_layer_learns_what_all_of_them_know(byte_teacher: tuple[Path, Path], tmp_path: Path) -> None:
    teacher, data = byte_teacher
    report = multum.distil(teacher, data, tmp_path / "half", epochs=2, window=64, **QUICK)
    layers = json.loads((teacher / "config.json").read_text("utf-8"))["num_hidden_layers"]
    assert report.began == f"{round(layers / 2)} of {layers} layers"
    assert report.student.parameters < report.teacher.parameters
    assert report.bits < 1.5 * report.teacher.scores["bits_per_byte"] + 0.3
    rate = multum.code_bits(str(tmp_path / "half"), data.read_bytes()[-600:])
    assert rate.bpb == pytest.approx(report.bits, rel=0.3)
    told = json.loads((tmp_path / "half" / "multum.json").read_text("utf-8"))
    assert told["task"] == "bytes"
    assert told["law"]["bytes"] == report.run.units
    assert told["distilled"] == {"teacher": str(teacher), "began": report.began}
    assert "bits per byte" in str(report)


def test_a_new_program_may_be_the_student(byte_teacher: tuple[Path, Path], tmp_path: Path) -> None:
    teacher, data = byte_teacher
    report = multum.distil(teacher, data, tmp_path / "new", parameters=12_000, epochs=1, window=64, **QUICK)
    assert report.began.startswith("new, 16 wide")
    assert report.bits < 7
    again = multum.distil(
        teacher, data, tmp_path / "again", student=str(tmp_path / "new"), epochs=1, window=64, **QUICK
    )
    assert again.began == f"from {tmp_path / 'new'}"
    assert again.bits < report.bits


def test_classifiers_of_images_and_their_layers(tmp_path: Path) -> None:
    data = write_digits(tmp_path / "digits.npz")
    multum.fit_labels(data, tmp_path / "run", epochs=1, threads=1, precision="float32")
    report = multum.distil(tmp_path / "run", data, tmp_path / "small", layers=3, epochs=1, hidden=0.5, **QUICK)
    assert report.began == "3 of 6 layers"
    assert report.held_out == 24
    assert report.student.scores["accuracy"] > 0.7
    rate: Any = multum.code_bits(str(tmp_path / "small"), str(data))
    assert rate.scores.accuracy > 0.7
    assert json.loads((tmp_path / "small" / "multum.json").read_text("utf-8"))["law"]["bits_per_label"] == report.bits


def test_a_student_that_was_cut_goes_on(byte_teacher: tuple[Path, Path], tmp_path: Path) -> None:
    teacher, data = byte_teacher
    asked: dict[str, Any] = {"epochs": 1, "window": 64, "layers": 1} | QUICK
    whole = multum.distil(teacher, data, tmp_path / "whole", **asked)

    def stop(moment: Moment) -> None:
        if moment.step == 8:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="everything is saved"):
        multum.distil(teacher, data, tmp_path / "cut", progress=stop, **asked)
    with pytest.raises(UsageError, match="is of another run"):
        multum.distil(teacher, data, tmp_path / "cut", resume=True, **asked | {"seed": 1})
    cut = multum.distil(teacher, data, tmp_path / "cut", resume=True, **asked)
    assert cut.bits == whole.bits


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"layers": 9}, "the teacher has 2 layers, of which 9 cannot stay; give 1 to 2"),
        ({"layers": 1, "parameters": 10_000}, "a student has one beginning: layers and parameters exclude each other"),
        ({"epochs": 1, "time_s": 1}, "a budget is epochs or time, one of them"),
        ({"window": 999}, "a window of 999 is not allowed; the teacher reads 64 at once"),
        ({"held_out": 0.5}, "of a text the last part is held out, or a file of its own"),
        ({"augment": ("shift",)}, "columns and augmentations are for classifiers"),
        ({"batch": 0}, "batch is 0; allowed is 1 or more"),
        ({"threads": -1}, "-1 threads; give 1 or more"),
        ({"hidden": -1.0}, "the cost of hidden states: -1 is not allowed"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(options: dict[str, Any], match: str, tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    (tmp_path / "a.txt").write_bytes(b"some text, again and again. " * 300)
    with pytest.raises(UsageError, match=match):
        multum.distil(tmp_path / "net", tmp_path / "a.txt", tmp_path / "out", **QUICK | options)
    assert not (tmp_path / "out").exists()


def test_teachers_and_students_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save_family("bert", tmp_path / "bert")
    with pytest.raises(UsageError, match="is neither a language model nor a classifier"):
        multum.distil(tmp_path / "bert", tmp_path / "a.txt", tmp_path / "out")
    save_classifier(tmp_path / "labels")
    (tmp_path / "a.tsv").write_text("text\tlabel\n" + "a good one\tgood\nquite bad\tbad\n" * 30, "utf-8")
    with pytest.raises(UsageError, match="a size makes new programs over bytes"):
        multum.distil(tmp_path / "labels", tmp_path / "a.tsv", tmp_path / "out", parameters=10_000)
    with pytest.raises(UsageError, match="a classifier learns from one labelled file or folder"):
        multum.distil(tmp_path / "labels", [tmp_path / "a.tsv"], tmp_path / "out")
