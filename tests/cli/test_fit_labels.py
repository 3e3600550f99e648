"""`multum fit --task labels` and `multum bits` on what it made."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

from tests.cli.transcripts import play


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the present one, but for a table."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{('good', 'bad')[n % 2]},{('fine', 'poor')[n % 2]} film {n % 9}" for n in range(80)]
    (tmp_path / "a.csv").write_text("label,text\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_a_fit_prints_its_scores_and_can_be_rated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = play("multum fit --task labels a.csv -o run --epochs 2 --learning-rate 0.003 --device cpu -T 1", monkeypatch)
    assert got.code == 0, got.stderr
    assert "bits per label, accuracy" in got.stdout
    assert "right \\ told" in got.stdout
    assert "columns: text 'text', label 'label'" in got.stderr
    rated = json.loads(play("multum bits --json --device cpu run a.csv", monkeypatch).stdout)
    assert rated["classes"] == ["bad", "good"]
    assert rated["code_bits"] == pytest.approx(80 * rated["bits_per_label"])


def test_folds_print_mean_and_spread(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = play("multum fit --task labels a.csv -o run --epochs 1 --folds 2 --device cpu -T 1", monkeypatch)
    assert [line.partition(":")[0] for line in got.stdout.splitlines()] == [
        "run/fold-1",
        "run/fold-2",
        "mean of 2",
        "spread",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.csv -o run --label-column mood", "its columns are 'label', 'text'"),
        ("a.csv -o run --budget 5s --epochs 1", "one of them; got epochs and time_s"),
        ("a.csv -o run --held-out b.csv", "No such file or directory"),
        ("a.csv a.csv -o run", "takes one file or folder"),
        ("a.csv -o a.csv", "is a file; name a folder"),
        ("a.csv -o run --params 1M", "--params is for --task bytes"),
        ("a.csv -o run --teacher nowhere/x/y", "there is no program 'nowhere/x/y'"),
    ],
)
def test_bad_lines_end_with_1_and_leave_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    got = play(f"multum fit --task labels {line}", monkeypatch)
    assert got.code == 1
    assert message in got.stderr
    assert [path.name for path in home.iterdir()] == ["a.csv"]


def test_help_of_the_task_is_one_screen_with_examples(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    got = play("multum fit --task labels --help", monkeypatch)
    lines = got.stdout.splitlines()
    assert "--label-column" in got.stdout
    assert "--architecture" not in got.stdout
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 88
    assert any("Examples:" in line for line in lines[-12:])
