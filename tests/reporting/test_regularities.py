"""What verbs find of regularities is shown on the page as they print it."""

import json
from pathlib import Path
from typing import Any

import pytest

import multum
from multum.errors import FormatError
from multum.reporting.content import Section
from tests.mining.test_templates import draw_log
from tests.reporting.test_sections import show
from tests.similarity.samples import draw_text, draw_texts


def print_json(report: Any) -> dict[str, Any]:
    """Return what a verb prints with --json."""
    fields: dict[str, Any] = json.loads(json.dumps(report.as_dict()))
    return fields


def write_table(path: Path, texts: list[str], labels: list[str]) -> Path:
    """Write texts with labels as JSON lines."""
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(rows))
    return path


def show_one(name: str, *results: dict[str, Any]) -> Section:
    """Return the section `name` of a page about `results`, the only one but those of every page."""
    sections = show(*results)
    assert set(sections) - {"origin"} == {name}
    return sections[name]


def test_laws_of_sequences_stand_in_a_table() -> None:
    law = multum.discover_sequence([1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233])
    none = multum.discover_sequence([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7])
    section = show_one("theorems", print_json(law), print_json(none))
    (table,) = section.tables
    assert [row[1] for row in table.rows] == [law.law, "none"]
    assert "no law of 14 terms is believed" in section.lead


def test_laws_of_a_table_are_bars(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "\n".join(["price,count,total", *(f"{n % 7 + 2},{n % 5},{(n % 7 + 2) * (n % 5)}" for n in range(60))])
    )
    report = multum.discover_laws(path)
    section = show_one("theorems", print_json(report))
    assert report.theorems
    assert [row[0] for row in section.figures[0].table.rows] == [one.text for one in report.theorems]
    assert f"{len(report.theorems)} laws hold in all of 60 rows" in section.lead


def test_patterns_are_bars_with_an_account() -> None:
    report = multum.patterns("\n".join(draw_log(60)).encode(), kind="log")
    section = show_one("patterns", print_json(report))
    assert [row[0] for row in section.figures[0].table.rows] == [one.text for one in report.patterns]
    assert section.tables[0].rows[0][1:3] == (60, 4)
    assert not section.warnings
    stopped = show_one("patterns", print_json(report) | {"complete": False})
    assert "stopped by its budget" in stopped.warnings[0]


def test_data_without_patterns_have_no_figure() -> None:
    section = show_one("patterns", print_json(multum.patterns(b"a b\nc d\n")))
    assert not section.figures
    assert "0 sets of items" in section.lead


def test_classes_have_scores_and_what_they_are_taken_for(tmp_path: Path) -> None:
    train = write_table(tmp_path / "train.jsonl", *draw_texts(40))
    test = write_table(tmp_path / "test.jsonl", *draw_texts(20, first_seed=500))
    section = show_one("classes", print_json(multum.classify(train, test, threads=1)))
    assert [row[0] for row in section.figures[0].table.rows] == ["kitchen", "sea"]
    assert section.tables[0].rows == (("kitchen", 10, 0), ("sea", 0, 10))
    assert "accuracy 1.0000" in section.lead


def test_distances_are_listed_and_clusters_mapped(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="the extra multum[discover] is not installed")
    files = []
    for number, kind in enumerate(("sea", "kitchen", "sea")):
        files.append(tmp_path / f"{number}{kind}.txt")
        files[-1].write_text("\n".join(draw_text(kind, seed) for seed in range(20 * number, 20 * number + 20)))
    pair = multum.distance(files[0], files[1], level=1)
    several = multum.cluster(files, level=1, groups=2, threads=1)
    section = show_one("nearness", print_json(pair), print_json(several))
    assert section.tables[0].rows[0][2] == round(pair.distance, 4)
    nearest = section.figures[0].table.rows[0]
    assert {str(nearest[0])[3:], str(nearest[1])[3:]} == {"0sea.txt", "2sea.txt"}
    assert "3 items in 2 groups" in section.lead
    assert several.newick in section.notes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"distances": [["far"]]}, "'far'"), ({"tree": [[0, 0, 1, 2]]}, "the tree does not join all items")],
)
def test_damaged_clusters_are_refused(change: dict[str, Any], message: str) -> None:
    good = {"names": ["a", "b"], "distances": [[0, 1], [1, 0]], "tree": [[0, 1, 1.0, 2]], "groups": None, "newick": ""}
    show_one("nearness", good)
    with pytest.raises(FormatError, match=message):
        show(good | change)
