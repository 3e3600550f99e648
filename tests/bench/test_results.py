"""The benchmark's bookkeeping: what is kept beside what, how it is summed, and what the tables say."""

from pathlib import Path
from typing import Any

import pytest

from bench import corpus, tables
from bench.codecs import CODECS, DEFAULT, select_codecs
from bench.measure import Cost, Measurement
from bench.results import add_run, keep_rows, read_results, start_row, summarise, write_results


def make_measurement(packed_bytes: int = 50, cpu_s: float = 2.0, verified: bool = True) -> Measurement:
    return Measurement(100, packed_bytes, Cost(cpu_s, cpu_s, 1_000), Cost(cpu_s / 2, cpu_s, 2_000), verified)


def make_row(tmp_path: Path, codec: str, name: str, packed_bytes: int, cpu_s: float = 2.0) -> dict[str, Any]:
    (tmp_path / name).write_bytes(b"x" * 100)
    file = corpus.CorpusFile(name, tmp_path / name)
    return start_row(codec, "1.0", file, make_measurement(packed_bytes, cpu_s), date="2026-01-01", commit="abc")


def make_results(tmp_path: Path) -> dict[str, Any]:
    sizes = [("zpaq -m5", "enwik4m", 50), ("zpaq -m5", "b", 20), ("multum -5", "enwik4m", 45), ("multum -5", "b", 21)]
    rows = [make_row(tmp_path, *size) for size in sizes]
    machine = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "python": "3", "numba": "0", "numpy": "2"}
    versions = {"zpaq -m5": "1.0", "multum -5": "1.0"}
    results = {"machine": machine, "corpus_hash": "h", "versions": versions, "rows": rows}
    return results | {"summary": summarise(rows, {})}


def test_row_keeps_best_and_median_of_runs(tmp_path: Path) -> None:
    row = make_row(tmp_path, "x", "a", 50, cpu_s=3.0)
    for cpu_s in (1.0, 2.0):
        add_run(row, make_measurement(cpu_s=cpu_s))
    assert (row["pack_cpu_s"], row["pack_cpu_median_s"], row["unpack_cpu_s"]) == (1.0, 2.0, 0.5)
    assert row["verified"]


@pytest.mark.parametrize("bad", [make_measurement(verified=False), make_measurement(packed_bytes=51)])
def test_row_that_fails_or_varies_once_is_not_verified(tmp_path: Path, bad: Measurement) -> None:
    assert not add_run(make_row(tmp_path, "x", "a", 50), bad)["verified"]


def test_summary_compares_on_the_same_files(tmp_path: Path) -> None:
    ours = make_results(tmp_path)["summary"][1]
    assert ours["bytes_to_reference"] == pytest.approx(66 / 70, abs=1e-4)
    assert (ours["worst_file"], ours["worst_file_to_reference"]) == ("b", 1.05)
    assert (ours["pack_cpu_to_reference"], ours["unpack_to_pack_cpu"]) == (1.0, 0.5)


def test_startup_is_taken_off_once_a_file(tmp_path: Path) -> None:
    ours = summarise(make_results(tmp_path)["rows"], {"multum -5": 1.0, "zpaq -m5": 0.0})[1]
    assert ours["pack_cpu_to_reference_without_startup"] == 0.5


def test_codec_that_lacks_a_file_is_marked_incomplete(tmp_path: Path) -> None:
    rows = make_results(tmp_path)["rows"][:3]
    assert [line["complete"] for line in summarise(rows, {})] == [True, False]


@pytest.mark.parametrize(
    ("change", "kept", "reason"),
    [
        ({}, 4, None),
        ({"machine": {}}, 0, "another machine"),
        ({"corpus_hash": "other"}, 0, "another corpus"),
        ({"versions": {"zpaq -m5": "2.0"}}, 2, "another version of zpaq -m5"),
    ],
)
def test_merging_keeps_only_what_can_be_compared(
    tmp_path: Path, change: dict[str, Any], kept: int, reason: str | None
) -> None:
    old = make_results(tmp_path)
    rows, reasons = keep_rows(old, old | change)
    assert len(rows) == kept
    assert [said.startswith(reason or "") for said in reasons] == [True] * (reason is not None)


def test_results_survive_a_round_trip_through_their_file(tmp_path: Path) -> None:
    results = make_results(tmp_path)
    write_results(tmp_path / "new" / "results.json", results)
    assert read_results(tmp_path / "new" / "results.json") == results
    assert read_results(tmp_path / "none.json") == {}


def test_page_and_short_table_show_the_measured_bytes(tmp_path: Path) -> None:
    results = make_results(tmp_path)
    page = tables.make_page(results)
    assert "| b | 100 | **20** | 21 |" in page
    for name, texts in tables.READMES.items():
        assert "| **multum -5** | **45** | **66** |" in tables.make_short_table(results, *texts), name


def test_short_table_is_left_out_when_its_file_was_not_measured(tmp_path: Path) -> None:
    results = make_results(tmp_path)
    results["rows"] = [row for row in results["rows"] if row["file"] != tables.SHORT_FILE]
    assert tables.make_short_table(results, *tables.READMES["README.md"]) == ""


def test_table_replaces_only_what_stands_between_the_markers(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    assert tables.replace_marked(readme, "new") == f"before\n{tables.BEGIN}\nnew\n{tables.END}\nafter\n"
    readme.write_text("no markers")
    with pytest.raises(ValueError, match="needs one"):
        tables.replace_marked(readme, "new")


def test_missing_corpus_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTUM_CORPUS", str(tmp_path))
    with pytest.raises(corpus.CorpusMissing, match=r"set MULTUM_CORPUS to a folder"):
        corpus.find_corpus()


def test_corpus_lists_files_by_glob_and_extracts_outside_totals(tmp_path: Path) -> None:
    for name in ("text/enwik4m", "log/a.log"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"data")
    names = [(file.name, file.in_totals) for file in corpus.list_files(tmp_path)]
    assert names == [("enwik4m", True), ("a.log", True), ("enwik4m:1e6", False)]
    assert [file.name for file in corpus.list_files(tmp_path, ["log/*"])] == ["a.log"]


def test_codecs_have_unique_names_and_default_to_three_levels() -> None:
    assert len({codec.name for codec in CODECS}) == len(CODECS)
    assert [name for name in DEFAULT if name.startswith("multum")] == ["multum -1", "multum -5", "multum -9"]
    assert len(select_codecs(["multum*"])) == 9
    with pytest.raises(SystemExit, match="no codec is called 'lha'"):
        select_codecs(["lha"])
