"""`find` makes the smallest archive it can, the same everywhere; it can be stopped, and refuses nonsense."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

import multum
from multum.archive.recipes import read_recipe
from multum.finding import running
from multum.finding.candidates import Measured
from multum.finding.running import Moment
from multum.finding.states import state_path
from tests.finding.samples import table, waves

TRIALS = 30


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("waves").write_bytes(waves(200))
    Path("table").write_bytes(table(300))


@pytest.mark.parametrize("name", ["waves", "table"])
def test_the_archive_is_smaller_than_that_of_level_9_and_unpacks(name: str) -> None:
    report = multum.find(name, trials=TRIALS, threads=2)
    level = multum.pack(name, "level.mtm", 9)
    assert report.archive_bytes == Path(f"{name}.mtm").stat().st_size < level.archive_bytes * 0.96
    multum.unpack(f"{name}.mtm", "back")
    assert Path("back").read_bytes() == Path(name).read_bytes()
    assert report.winner.startswith("recipe found")


def test_the_ledger_has_every_candidate_once_measured_or_estimated() -> None:
    report = multum.find("waves", trials=TRIALS)
    told = report.as_dict()
    names = [one["name"] for one in told["candidates"]]
    assert len(set(names)) == len(names) > 6
    measured = {one["name"]: one for one in told["candidates"] if one["measured"]}
    assert {"level 9", told["winner"]} <= set(measured)
    assert (
        measured[told["winner"]]["total_bits"]
        == 8 * told["archive_bytes"]
        == min(one["total_bits"] for one in measured.values())
    )
    for one in told["candidates"]:
        assert set(one) == {"name", "program_bits", "code_bits", "total_bits", "measured"}
        assert one["program_bits"] + one["code_bits"] <= one["total_bits"] + 1
    json.dumps(told)


def test_a_total_stands_in_one_column() -> None:
    report = multum.find("waves", trials=10)
    head, *rows = str(report).splitlines()
    column = head.index("estimated total") + len("estimated total")
    for line, account in zip(rows, report.candidates, strict=True):
        assert (len(line) > column) == account.measured


def test_counted_trials_find_the_same_whatever_the_threads() -> None:
    multum.find("waves", "a.mtm", trials=TRIALS, threads=1, save_recipe="a.json")
    multum.find("waves", "b.mtm", trials=TRIALS, threads=3, save_recipe="b.json")
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been() -> None:
    def stop(moment: Moment) -> None:
        if moment.trials > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        multum.find("waves", "a.mtm", trials=36, seed=3, threads=1, progress=stop)
    assert json.loads(Path(state_path("a.mtm")).read_text())["trials"] > 20
    multum.unpack("a.mtm", "back")  # the target is whole at any time
    resumed = multum.find("waves", "a.mtm", trials=36, threads=1, resume=True)
    straight = multum.find("waves", "b.mtm", trials=36, seed=3, threads=1)
    assert resumed.candidates == straight.candidates
    assert Path("a.mtm").read_bytes() == Path("b.mtm").read_bytes()
    assert not os.path.exists(state_path("a.mtm"))


def test_a_search_for_other_data_is_not_resumed() -> None:
    with pytest.raises(multum.UsageError, match="no search to resume"):
        multum.find("waves", "a.mtm", trials=10, resume=True)
    with pytest.raises(KeyboardInterrupt):
        multum.find("waves", "a.mtm", trials=40, progress=_stop)
    with pytest.raises(multum.UsageError, match="search on other data"):
        multum.find("table", "a.mtm", trials=10, resume=True)
    Path(state_path("a.mtm")).write_text("{}")
    with pytest.raises(multum.FormatError, match="is no state of a search"):
        multum.find("waves", "a.mtm", trials=10, resume=True)


def _stop(_: Moment) -> None:
    raise KeyboardInterrupt


def test_the_recipe_codes_more_data_of_the_kind() -> None:
    half = Path("half")
    half.write_bytes(waves(200)[: 100 * 48])
    multum.find(half, trials=TRIALS, save_recipe="r.json")
    rest = waves(300)[200 * 48 :]
    sizes = {}
    for name, options in {"level": {"level": 9}, "recipe": {"recipe": "r.json"}}.items():
        target = io.BytesIO()
        sizes[name] = multum.pack(io.BytesIO(rest), target, **options).archive_bytes  # type: ignore[arg-type]
        assert multum.unpack_bytes(target.getvalue()) == rest
    assert sizes["recipe"] < sizes["level"]


def test_a_budget_too_short_gives_level_9_and_says_so() -> None:
    report = multum.find("waves", time_s=0.001)
    assert report.winner == "level 9"
    assert report.note is not None
    assert "too short for more than level 9" in report.note
    assert Path("waves.mtm").read_bytes() == _pack("waves")


def _pack(name: str) -> bytes:
    multum.pack(name, "packed.mtm", 9)
    return Path("packed.mtm").read_bytes()


@pytest.mark.parametrize("data", [b"", b"little"])
def test_too_little_data_gives_level_9(data: bytes) -> None:
    Path("data").write_bytes(data)
    report = multum.find("data", trials=10)
    assert (report.winner, report.trials) == ("level 9", 0)
    assert "too few" in (report.note or "")
    multum.unpack("data.mtm", "back")
    assert Path("back").read_bytes() == data


def test_time_ends_a_search() -> None:
    report = multum.find("waves", time_s=3)
    assert report.trials > 5
    assert report.time_s < 30  # a loaded machine is slow, not endless


def test_folders_and_streams_are_data_too() -> None:
    os.mkdir("folder")
    Path("folder/a").write_bytes(waves(60))
    multum.find("folder", trials=10)
    multum.unpack("folder.mtm", "out")
    assert Path("out/a").read_bytes() == waves(60)
    with open("waves", "rb") as stream:
        multum.find(stream, "s.mtm", trials=10)
    multum.unpack("s.mtm", "back")
    assert Path("back").read_bytes() == waves(200)


def test_recipes_that_are_given_are_tried() -> None:
    multum.find("waves", trials=TRIALS, save_recipe="r.json")
    report = multum.find("waves", "again.mtm", trials=10, candidates=["r.json", "waves.mtm"])
    names = {account.name for account in report.candidates}
    assert {"r.json", "waves.mtm"} <= names
    assert report.archive_bytes <= Path("waves.mtm").stat().st_size + 8


def test_noise_is_stored_by_either() -> None:
    Path("noise").write_bytes(os.urandom(5000))
    report = multum.find("noise", trials=10)
    assert report.winner == "level 9"
    with pytest.raises(multum.UsageError, match="holds stored data only"):
        read_recipe("noise.mtm")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"time_s": 1, "trials": 2}, "a budget is time or trials"),
        ({"trials": 0}, "trials 0"),
        ({"time_s": -1.0}, "time_s -1"),
        ({"target": "waves"}, "exists and was kept"),
        ({"save_recipe": "table"}, "exists and was kept"),
        ({"candidates": ["table"]}, "is no recipe file"),
        ({"threads": -1}, "threads is -1"),
        ({"memory_limit": 1}, "finding needs"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(options: dict[str, object], said: str) -> None:
    before = sorted(os.listdir())
    with pytest.raises(multum.MultumError, match=said):
        multum.find("waves", **options)  # type: ignore[arg-type]
    assert sorted(os.listdir()) == before


def test_a_stream_needs_a_target() -> None:
    with pytest.raises(multum.UsageError, match="the target must be named"):
        multum.find(io.BytesIO(b"data"))


def test_the_candidate_that_loses_leaves_the_target_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe whose estimate was too good is measured, and level 9 stays."""
    measure = running.Run._take

    def spoil(self: running.Run, measured: Measured) -> None:
        account = measured.account
        if account.name != "level 9":
            measured = replace(measured, account=replace(account, total_bits=account.total_bits * 9))
        measure(self, measured)

    monkeypatch.setattr(running.Run, "_take", spoil)
    report = multum.find("waves", trials=10)
    assert report.winner == "level 9"
    assert Path("waves.mtm").read_bytes() == _pack("waves")
