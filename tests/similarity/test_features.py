"""Features of items, in Python, as a command, and as a transformer."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import multum
from multum.cli.app import run
from tests.similarity.samples import draw_texts

TEXTS, KINDS = draw_texts(40)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of texts and their kinds."""
    path = tmp_path / "texts.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(TEXTS, KINDS, strict=True)])
    return path


def test_programs_of_classes_tell_them_apart(table: Path, tmp_path: Path) -> None:
    others, kinds = draw_texts(20, first_seed=500)
    (tmp_path / "new.txt").write_text("\n".join(others))
    report = multum.features(f"classes:{table}", tmp_path / "new.txt", tmp_path / "X.npy", threads=1)
    assert report.columns == ["bits:kitchen", "bits:sea"]
    assert [report.columns[place][5:] for place in report.values.argmin(axis=1)] == kinds
    np.testing.assert_array_equal(np.load(tmp_path / "X.npy"), report.values)
    assert report.labels is None


def test_columns_of_several_programs_stand_side_by_side(table: Path, tmp_path: Path) -> None:
    report = multum.features(["level:1", "level:2"], table, labels=tmp_path / "y.npy", threads=1)
    assert report.values.shape == (40, 2)
    assert report.columns == ["level:1:bits", "level:2:bits"]
    assert (report.values > 0).all()
    assert np.load(tmp_path / "y.npy").tolist() == KINDS == report.labels


def test_networks_give_states_and_bits(table: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra multum[learn] is not installed")
    from tests.neural.samples import save_byte_llama

    save_byte_llama(tmp_path / "run")
    report = multum.features(str(tmp_path / "run"), table, kinds=["last", "bits"], device="cpu", threads=1)
    assert report.values.shape == (40, 17)
    assert report.columns[-1] == "bits"
    bits = multum.code_bits(str(tmp_path / "run"), TEXTS[3].encode(), device="cpu").code_bits
    assert report.values[3, -1] == pytest.approx(bits, rel=1e-5)


def test_the_command_writes_numbers(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "X.npy"
    arguments = ["features", "level:2", str(table), "-o", str(target)]
    assert run([*arguments, "--json", "-T", "1"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["columns"] == 1
    assert "40 items, 1 columns" in err
    assert run(arguments) == 1
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("programs", "options", "message"),
    [
        ([], {}, "name a program"),
        ("level:2", {"kinds": ["median"]}, "kinds of mean, last, max, bits"),
        ("level:x", {}, "'level:x' names no level"),
        ("level:12", {}, "out of range"),
        ("no/such/program", {}, "no program 'no/such/program'"),
    ],
)
def test_what_cannot_be_done_is_refused(
    table: Path, programs: str | list[str], options: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(multum.UsageError, match=message):
        multum.features(programs, table, **options)  # type: ignore[arg-type]


def test_labels_that_are_not_there_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("a\nb\n")
    with pytest.raises(multum.UsageError, match="has no labels to write"):
        multum.features("level:1", tmp_path / "lines.txt", labels=tmp_path / "y.npy")
    with pytest.raises(multum.UsageError, match="has no labels; give a table"):
        multum.features(f"classes:{tmp_path}/lines.txt", tmp_path / "lines.txt")


class TestTransformer:
    """The transformer of scikit-learn."""

    def test_bits_of_classes_lead_any_estimator(self) -> None:
        pytest.importorskip("sklearn", reason="the extra multum[discover] is not installed")
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = make_pipeline(multum.ProgramFeatures(threads=1), StandardScaler(), LogisticRegression())
        others, kinds = draw_texts(20, first_seed=500)
        assert model.fit(TEXTS, KINDS).score(others, kinds) == 1

    def test_texts_are_told_by_programs_that_have_not_read_them(self) -> None:
        transformer = multum.ProgramFeatures(threads=1)
        held_out, read = transformer.fit_transform(TEXTS, KINDS), transformer.transform(TEXTS)
        own = [sorted(set(KINDS)).index(kind) for kind in KINDS]
        rows = np.arange(len(TEXTS))
        assert (read[rows, own] < 0.6 * held_out[rows, own]).mean() > 0.9

    def test_a_named_program_needs_no_labels(self) -> None:
        assert multum.ProgramFeatures("level:2", threads=1).fit_transform(TEXTS[:4]).shape == (4, 1)
        with pytest.raises(multum.UsageError, match="need labels"):
            multum.ProgramFeatures().fit(TEXTS)
        with pytest.raises(multum.UsageError, match="two classes with two texts"):
            multum.ProgramFeatures().fit(TEXTS[:3], ["a", "a", "b"])
