"""`report` writes the page and its figures whole or not at all, and computes what it was asked to."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import multum
from multum.cli.app import run
from multum.errors import MissingExtra, UsageError
from multum.reporting.readings import choose_programs, draw_samples, read_text
from tests.reporting.results import make_find, make_shrink, write_fit

pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")


@pytest.fixture
def found(tmp_path: Path) -> Path:
    path = tmp_path / "find.json"
    path.write_text(json.dumps(make_find()), "utf-8")
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"much in little, little in much\n" * 20)
    return path


def test_report_writes_a_page_and_says_what_is_on_it(found: Path, tmp_path: Path) -> None:
    report = multum.report(found, tmp_path / "page.html")
    assert (report.sections, report.figures, report.notes) == (("ledger", "origin"), (), ())
    page = (tmp_path / "page.html").read_text("utf-8")
    assert report.page_bytes == len(page.encode()) < 1_500_000
    assert "<h1>find.json</h1>" in page
    assert f"multum report {found} -o {tmp_path / 'page.html'}" in page


def test_a_page_about_what_is_in_memory_names_it_and_has_no_command(tmp_path: Path) -> None:
    multum.report([make_find(), make_shrink()], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<h1>search, shrunken model</h1>" in page
    assert "multum report " not in page


def test_the_command_on_the_page_has_what_was_asked_for(found: Path, text: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    multum.report([found], page, text=text, programs=["level:1"], sample_bytes=0, title="Two words")
    command = (
        f"multum report {found} -o {page} --program level:1 --text {text} --sample-bytes 0 --title &#39;Two words&#39;"
    )
    assert command in page.read_text("utf-8")


def test_a_name_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.json")
    path.write_text(json.dumps(make_shrink("\ud800.mtm")), "utf-8")
    multum.report(path, tmp_path / "page.html", figures=tmp_path / "figures")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<h1>\\udcff.json</h1>" in page
    assert "\\ud800.mtm" in page


def test_a_title_stands_as_it_is_given(found: Path, tmp_path: Path) -> None:
    multum.report(found, tmp_path / "page.html", title="Bits & bytes")
    assert "<h1>Bits &amp; bytes</h1>" in (tmp_path / "page.html").read_text("utf-8")


def test_figures_are_drawn_on_the_side(found: Path, tmp_path: Path) -> None:
    report = multum.report(found, tmp_path / "page.html", figures=tmp_path / "figures")
    svg, png = (tmp_path / "figures" / f"ledger-1{suffix}" for suffix in (".svg", ".png"))
    assert report.figures == (str(svg), str(png))
    assert "10,200" in svg.read_text("utf-8")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_what_exists_is_kept(found: Path, tmp_path: Path) -> None:
    page, figure = tmp_path / "page.html", tmp_path / "figures" / "ledger-1.svg"
    figure.parent.mkdir()
    figure.write_text("mine", "utf-8")
    with pytest.raises(UsageError, match=r"ledger-1.svg' exists and was kept"):
        multum.report(found, page, figures=figure.parent)
    assert not page.exists()
    page.write_text("mine", "utf-8")
    with pytest.raises(UsageError, match=r"page.html' exists and was kept; overwrite it with -f"):
        multum.report(found, page)
    assert page.read_text("utf-8") == "mine"
    multum.report(found, page, figures=figure.parent, force=True)
    assert page.read_text("utf-8") != figure.read_text("utf-8") != "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_bytes": -1}, "a sample of -1 bytes is not possible"),
        ({"text": "TEXT", "text_bytes": 0}, "0 bytes of a text cannot be shown"),
        ({"text": "EMPTY"}, "is empty; give a text"),
        ({"programs": ["level:10"], "text": "TEXT"}, "10"),
    ],
)
def test_impossible_options_are_refused(
    found: Path, text: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    names = {"TEXT": text, "EMPTY": tmp_path / "empty"}
    given: dict[str, Any] = {
        name: names.get(value, value) if isinstance(value, str) else value for name, value in options.items()
    }
    with pytest.raises(UsageError, match=message):
        multum.report(found, tmp_path / "page.html", **given)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("package", ["vl_convert", "jinja2"])
def test_a_missing_extra_is_named_before_any_work(
    found: Path, tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # what Python does to forbid an import
    with pytest.raises(MissingExtra, match=rf"{package}; pip install 'multum\[report\]'"):
        multum.report(found, tmp_path / "page.html")


def test_a_text_is_read_by_each_program_and_by_level_5(text: Path) -> None:
    heard: list[tuple[str, float]] = []
    readings = read_text(text, ["level:1"], 100, lambda *step: heard.append(step))
    assert [one.program for one in readings] == ["level:1", "level:5"]
    assert all(len(one.byte_bits) == len(one.data) == 100 for one in readings)
    assert heard == [("reading with level:1", 0.0), ("reading with level:5", 0.5)]


def test_programs_of_one_name_are_told_apart(text: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        multum.pack(text, tmp_path / name / "same.mtm", level=1)
    names = [str(tmp_path / name / "same.mtm") for name in ("a", "b")]
    assert [one.program for one in read_text(text, names, 100)] == [*names, "level:5"]


def test_the_best_fit_of_bytes_with_weights_is_the_program(tmp_path: Path) -> None:
    from multum.reporting.documents import read_documents
    from multum.reporting.sections import list_kinds

    for name, bpb in (("poor", 3.0), ("good", 2.0), ("unfinished", 1.0)):
        write_fit(tmp_path / name, bpb=bpb)
    write_fit(tmp_path / "classifier", task="labels", bpb=0.1)
    for name in ("poor", "good", "classifier"):
        (tmp_path / name / "model.safetensors").write_bytes(b"")
    documents = read_documents([tmp_path], list_kinds())
    assert choose_programs([], documents) == [str(tmp_path / "good")]
    assert choose_programs(["level:1", "level:1"], documents) == ["level:1"]


def test_a_level_has_no_sample_as_it_knows_nothing_yet() -> None:
    assert draw_samples(["level:5"], 10) == ([], [])


def test_a_sample_that_needs_an_extra_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_fit(tmp_path / "run")
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "config.json").write_text('{"model_type": "llama"}', "utf-8")
    monkeypatch.setitem(sys.modules, "torch", None)
    report = multum.report(folder, tmp_path / "page.html")
    assert "samples" not in report.sections
    assert "no sample of" in report.notes[0]
    assert "pip install 'multum[learn]'" in report.notes[0]


def test_the_verb_prints_the_path_and_talks_on_stderr(
    found: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert run(["report", str(found), "-o", str(page), "--text", str(text), "--text-bytes", "1K"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{page}\n"
    assert "ledger, surprise, origin; open it in any browser" in said.err
    assert run(["report", str(found), "-o", str(page)]) == 1
    assert "exists and was kept" in capsys.readouterr().err


def test_the_verb_tells_machines_what_it_wrote(found: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "--json", "-q", str(found), "-o", str(tmp_path / "page.html")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["target"] == str(tmp_path / "page.html")
    assert said["sections"] == ["ledger", "origin"]


def test_the_verb_refuses_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("no result", "utf-8")
    assert run(["report", str(tmp_path / "a.txt"), "-o", str(tmp_path / "page.html")]) == 1
    assert (
        "a.txt' is nothing that a report shows; give folders that `multum fit` or `ladder` made, LAW.json"
        in capsys.readouterr().err
    )
