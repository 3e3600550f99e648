"""The folder of a ladder, and what its runs read."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from multum.errors import FormatError, UsageError
from multum.ladders.folders import open_folder
from multum.ladders.subsets import count_bytes, divide_data, write_data, write_shares

DATA = np.random.default_rng(0).integers(0, 256, 200_000).astype(np.uint8).tobytes()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    return path


def test_the_end_of_the_data_is_held_out_of_all_runs(data: Path, tmp_path: Path) -> None:
    write_data(tmp_path / "data", *divide_data(data, None))
    training, held_out = ((tmp_path / "data" / name).read_bytes() for name in ("training", "held-out"))
    assert training + held_out == DATA
    assert len(held_out) == 10_000


def test_a_file_may_be_held_out_instead(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    training, held_out = divide_data(data, tmp_path / "other")
    assert len(training) == len(DATA)
    assert held_out.read(0, 9).tobytes() == b"other"


def test_a_share_is_made_of_pieces_spread_over_the_data(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_data(folder, *divide_data(data, None))
    write_shares(folder, [1.0, 0.25])
    share = (folder / "training-0.25").read_bytes()
    assert count_bytes(folder, 0.25) == pytest.approx(190_000 / 4, rel=0.1)
    places = [DATA.find(share[start : start + 4096]) for start in range(0, len(share), 4096)]
    assert min(places) >= 0
    assert places == sorted(places)
    assert max(places) > 150_000


@pytest.mark.parametrize(("size", "message"), [(10, "there are 10 bytes"), (8000, "needs 8,192 at least")])
def test_too_little_data_is_refused(tmp_path: Path, size: int, message: str) -> None:
    (tmp_path / "small").write_bytes(bytes(size))
    with pytest.raises(UsageError, match=message):
        divide_data(tmp_path / "small", None)


def test_a_share_that_no_run_could_read_is_refused(data: Path, tmp_path: Path) -> None:
    write_data(tmp_path / "data", *divide_data(data, None))
    with pytest.raises(UsageError, match=r"a share of 0\.01 of 190,000 bytes is less than the 4,096"):
        write_shares(tmp_path / "data", [0.01])


def test_an_empty_held_out_file_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match="has 0 bytes; give 2 or more"):
        divide_data(data, tmp_path / "empty")


def test_points_are_appended_and_read_back(tmp_path: Path) -> None:
    with open_folder(tmp_path / "runs", force=False) as folder:
        assert folder.read_points() == []
        folder.append_points([{"run": "a"}, {"run": "a"}])
        folder.append_points([{"run": "b"}])
        assert [point["run"] for point in folder.read_points()] == ["a", "a", "b"]


def test_another_ladder_in_the_folder_is_refused_with_what_differs(tmp_path: Path) -> None:
    with open_folder(tmp_path / "runs", force=False) as folder:
        folder.write_description({"asked": {"seed": 0, "budget_s": 60}})
        assert folder.read_description({"seed": 0, "budget_s": 60}) is not None
        with pytest.raises(UsageError, match="holds another ladder: its budget s is 60, now it is 90"):
            folder.read_description({"seed": 0, "budget_s": 90})


@pytest.mark.parametrize(
    ("text", "message"), [("{", "no description"), ('{"multum_ladder": 9, "asked": {}}', "version 9")]
)
def test_a_damaged_description_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with open_folder(tmp_path / "runs", force=False) as folder:
        (folder.path / "ladder.json").write_text(text)
        with pytest.raises(FormatError, match=message):
            folder.read_description({})


def test_what_is_no_ladder_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("keep me")
    with pytest.raises(UsageError, match="exists and holds no ladder"), open_folder(tmp_path / "letters", force=True):
        pass
    with (
        pytest.raises(UsageError, match="is a file; name a folder"),
        open_folder(tmp_path / "letters" / "dear.txt", False),
    ):
        pass
    assert (tmp_path / "letters" / "dear.txt").read_text() == "keep me"


def test_beginning_anew_removes_what_a_ladder_wrote_and_nothing_else(tmp_path: Path) -> None:
    with open_folder(tmp_path / "runs", force=False) as folder:
        folder.write_description({"asked": {}})
        folder.append_points([{"run": "a"}])
        (folder.path / "notes.txt").write_text("keep me")
    with open_folder(tmp_path / "runs", force=True) as folder:
        assert folder.read_description({}) is None
        assert folder.read_points() == []
        assert (folder.path / "notes.txt").read_text() == "keep me"


def test_two_ladders_never_work_in_one_folder(tmp_path: Path) -> None:
    command = (
        "import sys; from pathlib import Path; from multum.ladders.folders import open_folder\n"
        "with open_folder(Path(sys.argv[1]), False): pass"
    )
    with open_folder(tmp_path / "runs", force=False):
        said = subprocess.run([sys.executable, "-c", command, tmp_path / "runs"], capture_output=True, text=True)
    assert "another ladder is at work in" in said.stderr
