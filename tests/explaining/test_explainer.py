"""Programs are explained: evidence adds up, contexts earn bits, pages and figures are written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multum
from multum.errors import UsageError
from multum.explaining.evidence import Question, choose_question
from tests.cli.transcripts import play
from tests.reviews import BAD, GOOD
from tests.similarity.samples import draw_text


def explain(*arguments: Any, **options: Any) -> multum.ExplainReport:
    asked: dict[str, Any] = {"device": "cpu", "threads": 1} | options
    return multum.explain(*arguments, **asked)


def test_bits_of_words_are_all_the_evidence_of_code_length(tables: Path) -> None:
    report = explain("classify", tables / "test.csv", train=tables / "train.csv", examples=5, pick="best")
    assert report.method == "bits"
    told = multum.classify(tables / "train.csv", tables / "test.csv", threads=1).predictions
    for one in report.examples:
        found = one.attribution
        assert found.gap == pytest.approx(0, abs=1e-9)
        assert found.value == pytest.approx(np.log2(one.probability / (1 - one.probability)))
        assert one.probability == pytest.approx(told[one.number - 1].probability)
        assert found.pieces[int(found.scores.argmax())].strip() in (*GOOD, *BAD)


def test_integrated_gradients_of_tokens_add_up(tables: Path, network: Path) -> None:
    pytest.importorskip("captum", reason="the extra multum[explain] is not installed")
    report = explain(network, tables / "test.csv", examples=2, pick="first")
    assert [one.number for one in report.examples] == [1, 2]
    for one in report.examples:
        found = one.attribution
        assert abs(found.gap) <= 0.01 * max(1, abs(found.value - found.base))
        assert "".join(found.pieces) == (tables / "test.csv").read_text().splitlines()[one.number].partition(",")[2]


def test_integrated_gradients_of_pixels_add_up(images: Path) -> None:
    pytest.importorskip("captum", reason="the extra multum[explain] is not installed")
    report = explain(images / "network", images / "images.npz", examples=1)
    (one,) = report.examples
    assert one.attribution.scores.shape == (12, 12)
    assert abs(one.attribution.gap) <= 0.01 * max(1, abs(one.attribution.value - one.attribution.base))
    assert one.image is not None
    assert one.image.shape == (1, 12, 12)


def test_a_class_may_be_spoken_for(tables: Path) -> None:
    options: dict[str, Any] = {"train": tables / "train.csv", "examples": 3}
    for one in explain("classify", tables / "test.csv", chosen="good", **options).examples:
        assert (one.chosen, one.rival) == ("good", "bad")
    with pytest.raises(UsageError, match="knows no class 'ugly'; it knows 'bad', 'good'"):
        explain("classify", tables / "test.csv", chosen="ugly", **options)


def test_questions_ask_about_the_right_class_where_it_was_missed() -> None:
    told = np.log([0.5, 0.3, 0.2])
    assert choose_question(told, 0) == Question(0, 1)
    assert choose_question(told, 2) == Question(0, 2)
    assert choose_question(told, 0, chosen=2) == Question(2, 0)
    assert Question(0, 2).weigh(told[None]) == pytest.approx([np.log2(2.5)])


def test_parts_of_a_level_earn_bits_on_each_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "words").write_text(" ".join(draw_text("sea", seed) for seed in range(40)))
    (tmp_path / "repeats").write_bytes(np.random.default_rng(0).integers(0, 255, 700).astype(np.uint8).tobytes() * 4)
    report = explain("level:1", [tmp_path / "words", tmp_path / "repeats"], sample_bytes=2500)
    words, repeats = report.earnings
    assert (words.raw_bytes, repeats.raw_bytes) == (2500, 2500)
    assert repeats.parts[0].kind == "match"
    assert repeats.parts[0].earned > 0.2 * repeats.bits
    assert words.parts[0].kind in ("context", "primer")
    earned = [part.earned for part in words.parts]
    assert earned == sorted(earned, reverse=True)


def test_what_a_part_earned_is_measured_without_it(tmp_path: Path) -> None:
    from dataclasses import replace

    from multum.archive.coding import choose_recipe
    from multum.mixing import measure

    raw = " ".join(draw_text("sea", seed) for seed in range(30)).encode()
    (tmp_path / "words").write_bytes(raw)
    (found,) = explain("level:1", tmp_path / "words").earnings
    chosen = choose_recipe(raw, 1)
    assert chosen is not None
    assert found.bits == pytest.approx(measure(raw, chosen[1]).sum())
    (adjustment,) = [part for part in found.parts if part.kind == "adjustment"]
    without = replace(chosen[1], structure=replace(chosen[1].structure, refiners=()))
    assert adjustment.earned == pytest.approx(measure(raw, without).sum() - found.bits)


def test_the_recipe_of_an_archive_is_taken(tmp_path: Path) -> None:
    (tmp_path / "words").write_text(" ".join(draw_text("sea", seed) for seed in range(30)))
    multum.pack(tmp_path / "words", tmp_path / "words.mtm", level=1)
    (found,) = explain(tmp_path / "words.mtm", tmp_path / "words").earnings
    assert (found.recipe, len(found.parts) > 3) == ("text-1", True)


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        ("classify", {}, "'classify' knows nothing yet"),
        (
            "classify",
            {"train": "train.csv", "method": "gradients"},
            "cannot be explained by gradients; it can by bits, o",
        ),
        ("network", {"method": "bits"}, "cannot be explained by bits; it can by gradients, occlusion"),
        ("network", {"pick": "odd"}, "pick is 'odd'; give worst, best, first"),
        ("network", {"examples": 0}, "0 examples are none"),
        ("level:1", {"sample_bytes": 0}, "0 bytes are no sample"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    program: str, options: dict[str, Any], message: str, tables: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tables)
    with pytest.raises(UsageError, match=message):
        explain(program, "test.csv", **options)


def test_random_and_empty_data_have_no_contexts(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(1 << 15))
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match=r"noise' looks random"):
        explain("level:1", tmp_path / "noise")
    with pytest.raises(UsageError, match=r"empty' is empty"):
        explain("level:1", tmp_path / "empty")


def test_the_command_writes_a_page_and_figures(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")
    monkeypatch.chdir(tmp_path)
    line = f"multum explain classify {tables}/test.csv --train {tables}/train.csv --examples 1 --pick best -T 1"
    got = play(f"{line} -o why.html --figures figures", monkeypatch)
    assert got.code == 0, got.stderr
    assert "rather than" in got.stdout
    assert "wrote why.html" in got.stderr
    assert "What spoke for it" in Path("why.html").read_text("utf-8")
    assert sorted(path.name for path in Path("figures").iterdir()) == ["explanation-1-1.png", "explanation-1-1.svg"]
    assert len(json.loads(play(f"{line} --json", monkeypatch).stdout)["examples"]) == 1
    got = play(f"{line} -o why.html", monkeypatch)
    assert (got.code, "exists" in got.stderr) == (1, True)
