"""Distances, trees and clusters."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import multum
from multum import UsageError
from multum.similarity.distances import compare, measure_all
from multum.similarity.trees import cut_tree, draw_tree, join_nearest, write_newick
from tests.cli.transcripts import play
from tests.similarity.samples import draw_text

SEA, SEA_AGAIN, KITCHEN, KITCHEN_AGAIN = (
    "\n".join(draw_text(kind, first + seed) for seed in range(40)).encode()
    for kind, first in (("sea", 0), ("sea", 500), ("kitchen", 0), ("kitchen", 500))
)
# Two pairs, and how far all are apart.
APART = np.array([[0, 0.2, 0.8, 0.9], [0.2, 0, 0.7, 0.8], [0.8, 0.7, 0, 0.3], [0.9, 0.8, 0.3, 0]])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with four files in texts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    named = {"sea1": SEA, "sea2": SEA_AGAIN, "kitchen1": KITCHEN, "kitchen2": KITCHEN_AGAIN}
    for name, raw in named.items():
        (tmp_path / "texts" / name).write_bytes(raw)
    return tmp_path


def test_what_is_alike_is_near() -> None:
    near, far = multum.distance(SEA, SEA_AGAIN).distance, multum.distance(SEA, KITCHEN).distance
    assert near < far <= 1
    assert multum.distance(SEA, SEA).distance < 0.1


def test_distances_do_not_depend_on_the_order() -> None:
    assert multum.distance(SEA, KITCHEN).distance == multum.distance(KITCHEN, SEA).distance


def test_what_lies_far_back_is_remembered() -> None:
    """Gzip's window of 32 KiB forgets the first copy; here it costs next to nothing."""
    noise = np.random.default_rng(0).bytes(60_000)
    assert multum.distance(noise, noise, level=2).distance < 0.05


def test_all_pairs_are_what_pairs_are() -> None:
    raws = [SEA, SEA_AGAIN, KITCHEN]
    one, two = (measure_all(raws, 2, threads) for threads in (1, 3))
    np.testing.assert_array_equal(compare(*one), compare(*two))
    assert np.diag(one[1]).tolist() == [0, 0, 0]


def test_nothing_is_like_an_empty_file() -> None:
    with pytest.raises(UsageError, match="number 2 of 2 is empty"):
        multum.distance(SEA, b"")


def test_newick_says_how_far_what_is_joined_is_apart() -> None:
    text = write_newick(join_nearest(APART, "average"), ["a", "b's (1)", "c", "d"])
    assert text.endswith(";")
    assert "'b''s (1)':0.100000" in text
    lengths = [float(length) for length in re.findall(r":([\d.]+)", text)]
    # a and b are joined at 0.1, c and d at 0.15, both at half of the mean of the four distances between them
    np.testing.assert_allclose(sorted(lengths), [0.1, 0.1, 0.15, 0.15, 0.25, 0.3])


@pytest.mark.parametrize(
    ("count", "groups"), [(1, [1, 1, 1, 1]), (2, [1, 1, 2, 2]), (3, [1, 1, 2, 3]), (4, [1, 2, 3, 4])]
)
def test_trees_are_cut_into_groups(count: int, groups: list[int]) -> None:
    assert cut_tree(join_nearest(APART, "average"), count) == groups


def test_groups_are_those_of_another_hand() -> None:
    from scipy.cluster.hierarchy import cut_tree as cut

    points = np.random.default_rng(1).random((20, 3))
    tree = join_nearest(np.linalg.norm(points[:, None] - points, axis=2), "complete")
    for count in (2, 5, 11):
        ours, theirs = cut_tree(tree, count), cut(tree, count).ravel().tolist()
        assert len(set(zip(ours, theirs, strict=True))) == len(set(ours)) == count


def test_a_picture_is_drawn_of_odd_names_too(tmp_path: Path) -> None:
    target = tmp_path / "tree.png"
    with target.open("wb") as file:
        draw_tree(join_nearest(APART, "average"), ["$a", "b_$c$", "d%", "e"], file)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_files_of_a_kind_are_joined_first(home: Path) -> None:
    files = sorted(Path("texts").iterdir())
    report = multum.cluster(files, "tree.nwk", png="tree.png", groups=2)
    assert report.names == ["kitchen1", "kitchen2", "sea1", "sea2"]
    assert report.groups == [1, 1, 2, 2]
    assert Path("tree.nwk").read_text("utf-8") == report.newick + "\n"
    assert Path("tree.png").read_bytes().startswith(b"\x89PNG")
    assert multum.cluster("texts", groups=2, threads=1).newick == report.newick
    with pytest.raises(UsageError, match=r"tree\.png.*exists"):
        multum.cluster("texts", png="tree.png")


def test_rows_of_tables_and_lines_are_items(home: Path) -> None:
    (home / "a.csv").write_text(f"text,label\n{draw_text('sea', 1)},x\n{draw_text('kitchen', 1)},y\n", "utf-8")
    (home / "a.txt").write_text("one\ntwo\nthree\n", "utf-8")
    assert multum.cluster("a.csv").names == ["1 x", "2 y"]
    assert multum.cluster("a.txt").names == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "ward"}, "method 'ward' is unknown; methods are average"),
        ({"groups": 5}, "there are 4 items for 5 groups"),
    ],
)
def test_what_cannot_be_joined_is_refused(home: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        multum.cluster("texts", **options)  # type: ignore[arg-type]


def test_a_missing_library_is_named_before_the_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multum.similarity.trees.find_spec", lambda name: None if name == "matplotlib" else name)
    with pytest.raises(multum.MissingExtra, match=r"clusters need matplotlib; pip install 'multum\[discover\]'"):
        multum.cluster("texts")


def test_the_commands_show_distances_trees_and_groups(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = play("multum distance texts/sea1 texts/sea2", monkeypatch)
    assert float(got.stdout) == pytest.approx(multum.distance(SEA, SEA_AGAIN).distance, abs=1e-4)
    facts = json.loads(play("multum distance --json texts/sea1 texts/sea2", monkeypatch).stdout)
    assert facts["a_bits_after_b"] < facts["a_bits"]
    got = play("multum cluster texts --groups 2", monkeypatch)
    assert got.stdout.splitlines() == ["1\tkitchen1", "1\tkitchen2", "2\tsea1", "2\tsea2"]
    assert play("multum cluster texts", monkeypatch).stdout.strip().endswith(";")
    facts = json.loads(play("multum cluster texts --json", monkeypatch).stdout)
    assert len(facts["distances"]) == 4
    got = play("multum cluster texts/sea1 texts/missing", monkeypatch)
    assert (got.code, "texts/missing" in got.stderr) == (1, True)
