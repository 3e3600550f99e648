"""A model made to fit labelled data and a size: trained where it must be, shrunken, and gone on with."""

import json
from pathlib import Path

import pytest

import multum
from multum.choosing import spaces
from multum.cli.app import run
from multum.errors import UsageError
from multum.shrinking.recipes import KINDS
from tests.shrinking.families import save_classifier


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    save_classifier(Path("net"))
    rows = [f"{('bad', 'good')[n % 2]},{('a dull film', 'so fine a film')[n % 2]} {n}" for n in range(60)]
    Path("reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n", "utf-8")
    others = [row.replace("bad,", "cold,").replace("good,", "warm,") for row in rows]
    Path("others.csv").write_text("\n".join(["label,text", *others]) + "\n", "utf-8")
    kinds = {name: kind.__class__(**vars(kind) | {"tries": ()}) for name, kind in KINDS.items()}
    monkeypatch.setattr(spaces, "KINDS", kinds)  # coding alone, which takes no time
    capsys.readouterr()  # transformers talks when it saves
    return tmp_path


def test_a_model_of_other_classes_is_trained_first_and_stays(net: Path) -> None:
    first = multum.adapt("net", "others.csv", "a.mtm", target_bytes=40_000, trials=1, budget_s=4, threads=1)
    assert first.fitted == "a.mtm.adapt/fitted"
    assert first.scores is not None
    assert set(first.scores.classes) == {"cold", "warm"}
    assert first.search.bytes_before > Path("a.mtm").stat().st_size == first.search.chosen.size_bytes
    assert first.search.accuracy_before == first.scores.accuracy  # both were measured on the same examples
    again = multum.adapt("net", "others.csv", "a.mtm", target_bytes=40_000, trials=1, budget_s=4, threads=1, force=True)
    assert again.scores is not None
    assert again.scores.as_dict() == first.scores.as_dict()
    assert again.search.points == first.search.points


def test_a_classifier_of_the_classes_is_taken_as_it_is(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["adapt", "net", "reviews.csv", "-o", "a.mtm", "--target-bytes", "40000", "--trials", "1", "-T", "1"]
    assert run([*line, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["fitted"], said["scores"]) == ("net", None)
    assert said["chosen"]["recipe"] == "code"
    assert not Path("a.mtm.adapt/fitted").exists()
    assert run(line) == 1
    assert "exists and was kept" in capsys.readouterr().err


def test_other_tasks_are_refused_by_name(net: Path) -> None:
    with pytest.raises(UsageError, match="models are adapted to labels, not to 'bytes'"):
        multum.adapt("net", "reviews.csv", "a.mtm", task="bytes", target_bytes=1000)
