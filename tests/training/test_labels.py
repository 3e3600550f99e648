"""Classifiers are trained, saved, resumed and rated; each option changes what it should."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch

from multum.errors import FormatError, UsageError
from multum.evaluation.labels import LabelRateReport
from multum.evaluation.rates import code_bits
from multum.neural.classifiers import open_classifier, predict
from multum.training import checkpoints
from multum.training.labels.fitting import cross_validate_labels, fit_labels
from tests.reviews import write_reviews


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reviews(tmp_path_factory.mktemp("reviews") / "reviews.csv", 240)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an npz of scikit-learn's 8x8 digits, zeros to threes."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    images, labels = datasets.load_digits(return_X_y=True, n_class=4)
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(path, x=(images.reshape(-1, 8, 8) * 15).astype(np.uint8), y=labels)
    return path


@pytest.fixture(scope="module")
def trained(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a classifier of reviews that is right nearly always."""
    out = tmp_path_factory.mktemp("trained") / "run"
    fit(reviews, out, epochs=4, learning_rate=3e-3)
    return out


def fit(data: Path, out: Path, **options: Any) -> Any:
    return fit_labels(data, out, **{"device": "cpu", "precision": "float32"} | options)


def test_a_classifier_of_texts_learns_and_is_an_ordinary_directory(trained: Path, reviews: Path) -> None:
    import transformers

    facts = json.loads((trained / "multum.json").read_text())
    assert facts["task"] == "labels"
    assert facts["report"]["scores"]["accuracy"] > 0.9
    assert facts["law"]["parameters"] == facts["parameters"]
    assert not (trained / checkpoints.CHECKPOINT).exists()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(trained)
    assert model.config.id2label == {0: "bad", 1: "good"}
    tokenizer = transformers.AutoTokenizer.from_pretrained(trained)
    with torch.no_grad():
        told = model(**tokenizer(["the film was superb", "so dull and weak"], padding=True, return_tensors="pt")).logits
    assert told.argmax(1).tolist() == [1, 0]


def test_a_finished_classifier_is_rated_on_other_data(trained: Path, tmp_path: Path) -> None:
    other = write_reviews(tmp_path / "other.csv", 60, seed=5)
    report = code_bits(trained, other, device="cpu")
    eight = code_bits(trained, other, weight_bits=8)
    assert report.code_bits != eight.code_bits == pytest.approx(report.code_bits, rel=0.05)
    assert isinstance(report, LabelRateReport)
    assert report.tokens == report.scores.examples == 60
    assert report.code_bits == pytest.approx(60 * report.scores.bits_per_label)
    assert report.scores.accuracy > 0.9
    assert report.as_dict()["confusion"] == report.scores.confusion.tolist()
    assert "bits per label" in report.summary


def test_rates_refuse_what_a_classifier_cannot_read(trained: Path, digits: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.csv"
    strange.write_text("label,text\nugly,film\ngood,film\n")
    with pytest.raises(UsageError, match="labels that the program does not know: 'ugly'"):
        code_bits(trained, strange, device="cpu")
    with pytest.raises(UsageError, match="one labelled file or folder"):
        code_bits(trained, b"bytes", device="cpu")
    with pytest.raises(UsageError, match="per-byte, window and overlap are for programs over bytes"):
        code_bits(trained, strange, window=8, device="cpu")


def test_predictions_do_not_depend_on_what_else_is_in_the_batch(trained: Path) -> None:
    classifier = open_classifier(str(trained))
    features = classifier.reader.read(["fine", "the film was so dull and so very weak and poor", "great film"])
    together, alone = predict(classifier.module, features), predict(classifier.module, features, batch=1)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_classifier_of_images_learns_and_is_an_ordinary_directory(digits: Path, tmp_path: Path) -> None:
    import transformers

    report = fit(digits, tmp_path / "run", epochs=3)
    assert report.scores.accuracy > 0.8
    model = transformers.AutoModelForImageClassification.from_pretrained(tmp_path / "run")
    assert model.config.num_labels == 4
    assert code_bits(tmp_path / "run", digits, device="cpu").bpb is None


def test_a_fit_goes_on_from_its_encoder(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "three.csv"
    lines = write_reviews(tmp_path / "two.csv", 60).read_text().splitlines()
    path.write_text("\n".join([*lines, *(f"none,film and film {number}" for number in range(12))]) + "\n")
    report = fit(path, tmp_path / "run", init=str(trained), epochs=1)
    assert report.scores.classes == ("bad", "good", "none")
    assert open_classifier(str(tmp_path / "run")).classes == ("bad", "good", "none")


def test_a_run_that_was_stopped_ends_with_the_same_weights(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(reviews, tmp_path / "whole", epochs=1, batch=24, adversarial=0.1)

    class Stop(Exception):
        pass

    saved: list[int] = []
    keep = checkpoints.write_checkpoint

    def save_and_stop(folder: Path, tensors: Any, facts: Any) -> None:
        keep(folder, tensors, facts)
        saved.append(facts["state"]["step"])
        if saved[-1] == 4:
            raise Stop

    monkeypatch.setattr(checkpoints, "write_checkpoint", save_and_stop)
    monkeypatch.setattr("multum.training.labels.preparing.CHECKPOINT_S", 0.0)
    with pytest.raises(Stop):
        fit(reviews, tmp_path / "cut", epochs=1, batch=24, adversarial=0.1)
    resumed = fit(reviews, tmp_path / "cut", epochs=1, batch=24, adversarial=0.1, resume=True)
    assert saved[:5] == [1, 2, 3, 4, 5]
    assert resumed.scores.bits_per_label == pytest.approx(whole.scores.bits_per_label, abs=1e-6)


def test_a_run_of_other_options_is_not_resumed(reviews: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no checkpoint to resume"):
        fit(reviews, trained, resume=True)


def test_a_target_that_is_not_empty_is_kept(reviews: Path, trained: Path) -> None:
    before = (trained / "multum.json").read_bytes()
    with pytest.raises(UsageError, match="exists and is not empty; go on with --resume"):
        fit(reviews, trained)
    assert (trained / "multum.json").read_bytes() == before


def test_folds_are_scored_apart_and_taken_up(reviews: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 1, "device": "cpu", "precision": "float32"}
    report = cross_validate_labels(reviews, tmp_path / "run", 3, **options)
    values = [one.scores.accuracy for one in report.folds]
    assert sum(one.scores.examples for one in report.folds) == 240
    assert report.mean["accuracy"] == pytest.approx(np.mean(values))
    assert report.spread["accuracy"] == pytest.approx(np.std(values, ddof=1))
    shutil.rmtree(tmp_path / "run" / "fold-2")
    again = cross_validate_labels(reviews, tmp_path / "run", 3, resume=True, **options)
    assert again.folds[0].as_dict() == report.folds[0].as_dict()
    assert again.mean["bits_per_label"] == pytest.approx(report.mean["bits_per_label"], abs=1e-6)


def test_a_teacher_teaches_what_the_labels_do_not_say(trained: Path, reviews: Path, tmp_path: Path) -> None:
    """The pupil's labels are noise; with all weight on the teacher it learns the teacher's."""
    generator = np.random.default_rng(1)
    noisy = tmp_path / "noisy.csv"
    rows = reviews.read_text().splitlines()[1:]
    texts = [row.partition(",")[2] for row in rows]
    noisy.write_text("label,text\n" + "".join(f"{generator.choice(['bad', 'good'])},{text}\n" for text in texts))
    options = {"epochs": 4, "learning_rate": 3e-3, "held_out": str(reviews)}
    taught = fit(noisy, tmp_path / "taught", teacher=str(trained), teacher_weight=1.0, **options)
    assert taught.scores.accuracy > 0.9


def test_a_teacher_of_other_classes_is_refused(trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("label,text\n" + "".join(f"{number % 2},film {number}\n" for number in range(30)))
    with pytest.raises(UsageError, match=r"the teacher '.*' tells classes bad, good, the data has 0, 1"):
        fit(other, tmp_path / "run", teacher=str(trained))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": ("shift",)}, "augmentation 'shift' is for images"),
        ({"epochs": 1, "time_s": 5}, "one of them; got epochs and time_s"),
        ({"epochs": -1}, "epochs is -1"),
        ({"label_smoothing": 1.0}, "label smoothing is 1.0; allowed is 0 to less than 1"),
        ({"adversarial": -0.1}, "adversarial strength is -0.1"),
        ({"adversarial": 0.1, "adversarial_steps": 0}, "adversarial steps are 0"),
        ({"token_dropout": 1.5}, "token dropout is 1.5"),
        ({"held_out": 0.0}, "0.0 of the examples cannot be held out"),
        ({"init": "/nowhere/to/be/found"}, "there is no program '/nowhere/to/be/found'"),
        ({"label_column": "mood"}, "its columns are 'label', 'text'"),
        ({"device": "abacus"}, "there is no device 'abacus'"),
    ],
)
def test_bad_options_are_refused_and_leave_nothing(
    reviews: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        fit(reviews, tmp_path / "run", **options)
    assert list(tmp_path.iterdir()) == []


def test_image_options_are_refused_by_name(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no augmentation 'spin'; choose among shift, crop, flip"):
        fit(digits, tmp_path / "run", augment=("spin",))
    with pytest.raises(UsageError, match="token dropout is for texts"):
        fit(digits, tmp_path / "run", token_dropout=0.5)


def test_one_class_and_directories_that_are_no_programs_are_refused(reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("label,text\ngood,a\ngood,b\n")
    with pytest.raises(UsageError, match=r"every example of '.*' has the label 'good'; give two classes"):
        fit(tmp_path / "one.csv", tmp_path / "run")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match=r"is not a program: it has no config.json"):
        fit(reviews, tmp_path / "run", init=str(tmp_path / "empty"))
    assert not (tmp_path / "run").exists()
