"""Programs are judged on data, alone and against others; what cannot be judged is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multum
from multum.errors import UsageError
from multum.judging.reports import ByteVerdict, LabelVerdict
from tests.cli.transcripts import play
from tests.similarity.samples import draw_text


def judge(*arguments: Any, **options: Any) -> multum.EvaluateReport:
    asked: dict[str, Any] = {"device": "cpu", "threads": 1} | options
    return multum.evaluate(*arguments, **asked)


def test_a_classifier_by_code_length_is_judged_on_each_file_and_on_all(tables: Path) -> None:
    data = [tables / "test.csv", tables / "other.csv"]
    report = judge("classify", data, train=tables / "train.csv")
    first, second = report.verdicts
    assert isinstance(report.pooled, LabelVerdict)
    scores = report.pooled.performance.scores
    assert (scores.examples, scores.classes) == (70, ("bad", "good"))
    assert scores.accuracy > 0.9
    parts = [one.performance.scores.bits_per_label for one in (first, second) if isinstance(one, LabelVerdict)]
    assert scores.bits_per_label == pytest.approx((40 * parts[0] + 30 * parts[1]) / 70)
    told = multum.classify(tables / "train.csv", tables / "test.csv", threads=1).scores
    assert told is not None
    assert told.bits_per_label == pytest.approx(parts[0])


def test_folds_judge_every_text_once_by_what_has_not_read_it(tables: Path) -> None:
    report = judge("classify", tables / "train.csv", folds=3)
    assert [one.data for one in report.verdicts] == ["fold 1 of 3", "fold 2 of 3", "fold 3 of 3"]
    assert isinstance(report.whole, LabelVerdict)
    assert report.whole.performance.scores.examples == 120
    assert report.whole.performance.scores.accuracy > 0.8


def test_a_network_without_training_loses_against_code_length(tables: Path, network: Path) -> None:
    report = judge(network, tables / "test.csv", against="classify", train=tables / "train.csv", robust=True)
    rate = multum.code_bits(network, tables / "test.csv", device="cpu")
    assert isinstance(report.whole, LabelVerdict)
    assert report.whole.performance.scores.bits_per_label == pytest.approx(rate.code_bits / 40)
    assert report.against is not None
    assert report.against.bits.interval.low > 0.3
    assert report.against.bits.chance < 0.01
    assert [one.damage for one in report.robust] == ["typos"] * 4 + ["truncation"] * 3


def test_an_archive_of_a_network_is_judged_as_the_network(tables: Path, network: Path, tmp_path: Path) -> None:
    shutil.copytree(network, tmp_path / "network")
    (tmp_path / "network" / "multum.json").write_text('{"task": "labels"}')
    multum.pack(tmp_path / "network", tmp_path / "network.mtm", level=1)
    report = judge(tmp_path / "network.mtm", tables / "test.csv")
    assert report.task == "labels"
    assert report.program_bits == 8 * (tmp_path / "network.mtm").stat().st_size
    assert report.whole.as_dict()["confusion"] == judge(network, tables / "test.csv").whole.as_dict()["confusion"]


def test_a_network_in_halves_is_judged_as_it_was_measured(tables: Path, network: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.mtm"
    made = multum.shrink(network, small, recipe="lowrank=0.6:svd", evaluation=tables / "test.csv", threads=1)
    verdict = judge(small, tables / "test.csv").whole
    assert isinstance(verdict, LabelVerdict)
    assert made.loss_after is not None
    assert verdict.performance.scores.bits_per_label == pytest.approx(made.loss_after.value)
    assert multum.code_bits(small, tables / "test.csv", device="cpu").code_bits == pytest.approx(
        40 * made.loss_after.value
    )


def test_folds_may_meet_a_network_that_is_fitted(tables: Path, network: Path) -> None:
    report = judge("classify", tables / "train.csv", folds=2, against=network)
    assert report.against is not None
    assert report.against.bits.interval.high < 0


def test_damage_costs_a_classifier_bits_and_answers(tables: Path) -> None:
    report = judge("classify", tables / "test.csv", train=tables / "train.csv", robust=True)
    typos = [one for one in report.robust if one.damage == "typos"]
    assert [one.share for one in typos] == [0.02, 0.05, 0.1, 0.2]
    assert typos[-1].rise > typos[-1].rise_interval.low > 0
    assert isinstance(report.whole, LabelVerdict)
    assert typos[-1].accuracy is not None
    assert typos[-1].accuracy < report.whole.performance.scores.accuracy


def test_a_level_is_judged_by_bits_per_byte(tmp_path: Path) -> None:
    texts = {name: " ".join(draw_text(name, seed) for seed in range(12)) for name in ("sea", "kitchen")}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in texts]
    report = judge("level:1", paths, against="level:3", robust=True)
    assert isinstance(report.pooled, ByteVerdict)
    rates = [multum.code_bits("level:1", path) for path in paths]
    assert [one.as_dict()["code_bits"] for one in report.verdicts] == [rate.code_bits for rate in rates]
    assert report.pooled.code_bits == sum(rate.code_bits for rate in rates)
    low, high = report.pooled.intervals["bpb"]
    assert low < report.pooled.bpb < high
    assert report.pooled.perplexity == pytest.approx(2**report.pooled.bpb)
    assert report.against is not None
    assert report.against.unit == "byte"
    noise = [one.rise for one in report.robust if one.damage == "noise"]
    assert noise == sorted(noise)
    assert noise[-1] > 1


def test_copies_of_training_are_found_among_generated_lines(tmp_path: Path) -> None:
    known = [draw_text("sea", seed) for seed in range(40)]
    fresh = [draw_text("sea", seed) for seed in range(100, 140)]
    drawn = [*(draw_text("sea", seed) for seed in range(200, 210)), known[7], known[8].replace("a", "e", 1)]
    for name, lines in {"known": known, "fresh": fresh, "drawn": drawn}.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    report = judge("level:1", tmp_path / "fresh.txt", memorised=tmp_path / "drawn.txt", train=tmp_path / "known.txt")
    found = report.memorised
    assert found is not None
    assert (found.generated, found.fresh, found.training) == (12, 40, 40)
    assert {(one.name, one.nearest) for one in found.nearest[:2]} == {("line 11", "line 8"), ("line 12", "line 9")}
    assert 2 <= found.copied <= 3
    assert found.nearest[1].share < 0.2 < found.threshold


def test_copies_of_images_are_found(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    known, fresh = generator.integers(0, 255, (2, 20, 6, 6)).astype(np.uint8)
    drawn = np.concatenate([generator.integers(0, 255, (3, 6, 6)).astype(np.uint8), known[4:5]])
    for name, images in {"known": known, "fresh": fresh, "drawn": drawn}.items():
        np.savez(tmp_path / f"{name}.npz", x=images, y=np.arange(len(images)) % 2)
    report = judge("level:1", tmp_path / "fresh.npz", memorised=tmp_path / "drawn.npz", train=tmp_path / "known.npz")
    assert report.memorised is not None
    assert (report.memorised.nearest[0].name, report.memorised.nearest[0].nearest) == ("image 4", "image 5")
    assert report.memorised.copied == 1


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        ("classify", {}, "'classify' knows nothing yet; give labelled texts with --train"),
        ("classify:x", {"train": "train.csv"}, "'classify:x' has no level x; give classify, or :1 to :9"),
        ("classify", {"folds": 1}, "folds is 1; give 2 or more"),
        ("classify", {"folds": 3, "robust": True}, "leave train and robust out"),
        ("level:1", {"folds": 3}, "'level:1' is a program for bytes; folds are for classifiers"),
        ("level:1", {"memorised": "test.csv"}, "the items that were learnt from are needed: give train"),
        ("level:1", {"seed": -1}, "seed is -1"),
        ("network", {"folds": 3}, "'network' is fitted already"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    program: str, options: dict[str, Any], message: str, tables: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tables)
    with pytest.raises(UsageError, match=message):
        judge(program, "test.csv", **options)


def test_no_data_and_empty_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to judge on"):
        judge("level:1", [])
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match=r"empty' is empty; a rate needs a byte at least"):
        judge("level:1", tmp_path / "empty")


def test_the_command_prints_tables_and_json_and_draws(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")
    monkeypatch.chdir(tmp_path)
    line = f"multum eval classify {tables}/test.csv --train {tables}/train.csv"
    got = play(f"{line} --figures figures", monkeypatch)
    assert got.code == 0, got.stderr
    assert "right \\ told" in got.stdout
    assert "judged in" in got.stderr
    names = {f"evaluation-1-{name}" for name in ("rates", "confusion", "calibration")}
    assert {path.stem for path in Path("figures").iterdir()} == names
    told = json.loads(play(f"{line} --json", monkeypatch).stdout)
    assert (
        told["verdicts"][0]["confusion"]
        == judge("classify", tables / "test.csv", train=tables / "train.csv").as_dict()["verdicts"][0]["confusion"]
    )
    got = play(f"multum eval classify {tables}/test.csv", monkeypatch)
    assert (got.code, "knows nothing yet" in got.stderr) == (1, True)
