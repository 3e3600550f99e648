"""Classification by code length: files, folders and the estimator."""

import csv
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multum
from multum import UsageError
from tests.cli.transcripts import play
from tests.similarity.samples import draw_texts

TRAIN, KINDS = draw_texts(40)
TEST, RIGHT = draw_texts(20, first_seed=1000)


def write_table(path: Path, texts: list[str], labels: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return path


def write_folder(path: Path, texts: list[str], labels: list[str]) -> Path:
    for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{number:03}.txt").write_text(text, "utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder with train.csv, test.csv and lines.txt."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "train.csv", TRAIN, KINDS)
    write_table(tmp_path / "test.csv", TEST, RIGHT)
    (tmp_path / "lines.txt").write_text("\n".join(TEST), "utf-8")
    return tmp_path


def test_held_out_texts_are_told(home: Path) -> None:
    report = multum.classify("train.csv", "test.csv")
    assert report.scores is not None
    assert report.scores.accuracy == 1
    assert report.scores.bits_per_label < 0.3
    assert report.calibrated_on == 8
    one = report.predictions[0]
    assert (one.label, one.right, one.name) == (RIGHT[0], RIGHT[0], "1")
    assert min(one.bits, key=lambda label: one.bits[label]) == one.label


def test_folders_and_tables_say_the_same(home: Path) -> None:
    by_table = multum.classify("train.csv", "test.csv")
    write_folder(home / "train", TRAIN, KINDS)
    write_folder(home / "test", TEST, RIGHT)
    by_folder = multum.classify("train", "test")
    assert by_folder.scores is not None
    assert by_folder.scores.accuracy == 1
    assert by_folder.predictions[0].name == f"kitchen/{by_folder.predictions[0].name[-7:]}"
    assert by_folder.scores.bits_per_label == pytest.approx(by_table.scores.bits_per_label)  # type: ignore[union-attr]


@pytest.mark.parametrize("level", [None, 1, 5])
def test_threads_never_change_what_is_found(home: Path, level: int | None) -> None:
    one, three = (multum.classify("train.csv", "lines.txt", level=level, threads=threads) for threads in (1, 3))
    assert one.predictions == three.predictions
    assert [each.label for each in one.predictions] == RIGHT
    assert one.scores is None


def test_predictions_are_written_whole(home: Path) -> None:
    report = multum.classify("train.csv", "test.csv", "told.jsonl")
    lines = [json.loads(line) for line in Path("told.jsonl").read_text("utf-8").splitlines()]
    assert lines == [one.as_dict() for one in report.predictions]
    with pytest.raises(UsageError, match=r"told\.jsonl.*exists"):
        multum.classify("train.csv", "test.csv", "told.jsonl")
    multum.classify("train.csv", "test.csv", "told.jsonl", force=True)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("lines.txt", "test.csv", "has no labels"),
        ("one.csv", "test.csv", "give two classes"),
        ("train.csv", "other.csv", "no training texts of: 'moon'"),
        ("train.csv", "empty.txt", "'empty.txt' is empty"),
        ("train.csv", "hollow", "'hollow' holds no files"),
    ],
)
def test_what_cannot_be_classified_is_refused(home: Path, train: str, test: str, message: str) -> None:
    write_table(home / "one.csv", TRAIN, ["sea"] * len(TRAIN))
    write_table(home / "other.csv", TEST, ["moon", *RIGHT[1:]])
    (home / "empty.txt").write_bytes(b"\n\n")
    (home / "hollow").mkdir()
    with pytest.raises(UsageError, match=message):
        multum.classify(train, test)


def test_memory_is_stated_before_it_is_taken(home: Path) -> None:
    got = play("multum classify --train train.csv --test test.csv --memory-limit 1M", pytest.MonkeyPatch())
    assert got.code == 1
    assert "classifying needs" in got.stderr
    with pytest.raises(multum.LimitExceeded, match=r"comparing needs .* memory, the limit is 1 MiB"):
        multum.cluster("lines.txt", memory_limit=1 << 20)


def test_few_texts_get_a_guessed_calibration(home: Path) -> None:
    write_table(home / "few.csv", TRAIN[:6], KINDS[:6])
    got = play("multum classify --train few.csv --test test.csv", pytest.MonkeyPatch())
    assert got.code == 0
    assert "too few texts" in got.stderr
    assert multum.classify("few.csv", "test.csv").calibrated_on == 0


def test_the_command_shows_scores_or_what_each_text_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = play("multum classify --train train.csv --test test.csv", monkeypatch)
    assert got.code == 0
    assert "accuracy 1.0000" in got.stdout
    assert "right \\ told" in got.stdout
    got = play("multum classify --train train.csv --test lines.txt", monkeypatch)
    assert [line.split("\t")[0] for line in got.stdout.splitlines()] == RIGHT
    scored = json.loads(play("multum classify --json --train train.csv --test test.csv", monkeypatch).stdout)
    assert (scored["accuracy"], scored["texts"]) == (1, 20)
    told = play("multum classify --json --train train.csv --test lines.txt", monkeypatch).stdout.splitlines()
    assert [json.loads(line)["label"] for line in told] == RIGHT
    got = play("multum classify --train train.csv --test missing.csv", monkeypatch)
    assert (got.code, "missing.csv" in got.stderr) == (1, True)


def test_classifying_tells_how_far_it_is(home: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    multum.classify("train.csv", "test.csv", threads=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    done, total = seen[-1]
    assert total is not None
    assert total * 0.95 < done <= total


class TestEstimator:
    def test_it_classifies_texts(self) -> None:
        model = multum.CodeLengthClassifier().fit(TRAIN, KINDS)
        assert model.score(TEST, RIGHT) == 1
        told = model.predict_proba(TEST)
        np.testing.assert_allclose(told.sum(axis=1), 1)
        assert list(model.classes_) == ["kitchen", "sea"]

    def test_it_is_the_same_after_pickling_and_cloning(self) -> None:
        from sklearn.base import clone

        model = multum.CodeLengthClassifier(threads=1).fit(TRAIN, KINDS)
        again = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
        np.testing.assert_array_equal(again.code_bits(TEST), model.code_bits(TEST))
        assert clone(model).get_params() == model.get_params()

    def test_it_works_in_a_grid_search_of_cross_validation(self) -> None:
        from sklearn.model_selection import cross_val_score

        scores = cross_val_score(multum.CodeLengthClassifier(), np.array(TRAIN, object), KINDS, cv=2)
        assert scores.min() > 0.9

    @pytest.mark.parametrize(
        ("texts", "labels", "message"),
        [
            ("one text", ["a"], "one text was given"),
            ([1, 2], ["a", "b"], "input 0 is int; texts are str or bytes"),
            (["x", "y"], ["a", "a"], "give two classes"),
            (["x", "y"], ["a"], "inconsistent numbers of samples"),
        ],
    )
    def test_what_is_no_text_is_refused(self, texts: Any, labels: list[str], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            multum.CodeLengthClassifier().fit(texts, labels)

    @pytest.mark.parametrize(
        "check",
        [
            "check_estimator_cloneable",
            "check_estimator_repr",
            "check_estimator_tags_renamed",
            "check_get_params_invariance",
            "check_mixin_order",
            "check_no_attributes_set_in_init",
            "check_parameters_default_constructible",
            "check_set_params",
            "check_valid_tag_types",
        ],
    )
    def test_it_passes_the_checks_of_scikit_learn_that_apply(self, check: str) -> None:
        """`check_estimator` itself skips whatever reads texts: these are its checks that need no matrix."""
        from sklearn.utils import estimator_checks

        getattr(estimator_checks, check)("CodeLengthClassifier", multum.CodeLengthClassifier())
