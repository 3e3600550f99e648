"""Sections show what was given, and only that; damaged results are refused with their place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multum.errors import FormatError
from multum.reporting.content import Drawn, Material, Reading, Section
from multum.reporting.documents import read_documents
from multum.reporting.reporter import make_sections
from multum.reporting.sections import list_kinds
from tests.reporting.results import (
    make_demo,
    make_find,
    make_formula,
    make_rate,
    make_runs,
    make_search,
    make_shrink,
    write_fit,
    write_law,
    write_lines,
)

Change = Callable[[dict[str, Any]], Any]


def show(*sources: Any, **more: Any) -> dict[str, Section]:
    """Return the sections of a page by name."""
    material = Material(tuple(read_documents(sources, list_kinds())), **more)
    return {section.name: section for section in make_sections(material)}


def test_sections_appear_only_where_there_is_something_for_them() -> None:
    assert list(show(make_find())) == ["ledger", "origin"]
    assert list(show(make_shrink())) == ["frontier", "origin"]
    assert list(show(make_demo(), make_rate())) == ["comparison", "rates", "origin"]


def test_the_ledger_tells_bytes_by_part_and_how_they_are_known() -> None:
    section = show(make_find())["ledger"]
    (figure,) = section.figures
    assert figure.table.rows[0] == ("found", 100, 10_000, 100, 10_200, "measured")
    assert figure.table.rows[1] == ("level 9", 36, 11_250, 0, 11_286, "estimated")
    assert "40,800 bytes became 10,200, 25.0% of it" in section.lead


def test_learning_orders_fits_by_their_rate(tmp_path: Path) -> None:
    write_fit(tmp_path / "runs" / "poor", bpb=3.0)
    write_fit(tmp_path / "runs" / "good", bpb=2.0)
    section = show(tmp_path / "runs")["learning"]
    assert section.lead.startswith("good is the best of 2 fits: 2.0000 bits a held-out byte")
    assert [row[0] for row in section.tables[0].rows] == ["good", "poor"]
    assert [figure.name for figure in section.figures] == ["learning-byte-units", "learning-byte-time"]
    assert section.figures[0].table.rows[0] == ("good", 1, 1000, 0.1, 6.0)


def test_fits_of_bytes_and_of_labels_have_figures_of_their_own(tmp_path: Path) -> None:
    write_fit(tmp_path / "a")
    write_fit(tmp_path / "b", task="labels")
    names = [figure.name for figure in show(tmp_path)["learning"].figures]
    assert names == [f"learning-{unit}-{by}" for unit in ("byte", "label") for by in ("units", "time")]


def test_more_fits_than_colours_are_told_apart_by_their_size(tmp_path: Path) -> None:
    for number in range(9):
        write_fit(tmp_path / f"fit{number}", parameters=1000 * 2**number)
    chart = show(tmp_path)["learning"].figures[0].spec["layer"][0]
    assert chart["encoding"]["color"]["legend"]["values"] == [1000, 6300, 40_000, 260_000]


def test_the_frontier_has_files_by_bytes_and_the_loss_before() -> None:
    section = show(make_shrink("b.mtm", 40_000, 2.1), make_shrink("a.mtm", 20_000, 2.5))["frontier"]
    (figure,) = section.figures
    assert [row[0] for row in figure.table.rows] == ["a.mtm", "b.mtm"]
    assert figure.spec["layer"][0]["data"]["values"] == [{"loss": 2.0}]
    assert section.lead == "run in 20,000 bytes, 6.2% of what it had, 2.00 bits a weight, for +0.5000 bits per byte."


def test_recipes_that_differ_in_more_than_amounts_have_lines_of_their_own() -> None:
    recipes = [("code",), ("prune=surgeon:0.5", "code"), ("prune=surgeon:0.7", "code")]
    made = [make_shrink(f"{number}.mtm", 10_000 * number, 2.1, passes) for number, passes in enumerate(recipes, 1)]
    points = show(*made)["frontier"].figures[0].spec["layer"][2]
    told = [row["series"] for row in points["data"]["values"]]
    assert told == ["code", "prune=surgeon | code", "prune=surgeon | code"]
    assert "color" in points["encoding"]


def test_formulas_are_told_with_their_bits_and_whether_they_are_exact() -> None:
    section = show(make_formula(), make_formula(exact=False))["formulas"]
    assert "y = x0**2, exact on all 1,234 rows: 30 bits instead of 1,000." in section.lead
    assert "y = x0**2, not exact, off by 0.25 on the mean: 530 bits instead of 1,000." in section.lead
    assert section.figures[0].table.rows == (("x0", 10.0, 800.0, "1"), ("x0**2", 30.0, 0.0, "0.25"))


def test_program_and_code_of_readers_are_one_account() -> None:
    readings = (Reading("big", "a", b"text", [1.0] * 4, 1000), Reading("level:5", "a", b"text", [8.0] * 4, 0))
    figure = show(make_find(), readings=readings)["surprise"].figures[1]
    assert [row[:5] for row in figure.table.rows] == [("level:5", 0, 4, 0, 4), ("big", 1000, 0, 0, 1000)]


def test_a_model_that_nobody_measured_has_a_table_and_no_figure() -> None:
    section = show(make_shrink(loss=None))["frontier"]
    assert not section.figures
    assert section.tables[0].rows[0][6:] == (None, None, "", None)


def test_a_law_shows_its_runs_the_optimum_and_what_lies_beyond(tmp_path: Path) -> None:
    write_law(tmp_path)
    sections = show(tmp_path)
    assert list(sections) == ["law", "doubts", "budgets", "origin"]
    (curve,), (misses,) = sections["law"].figures, sections["doubts"].figures
    assert curve.table.rows[-1][-1] == "yes", "the last budget is a hundred times the largest run's"
    assert curve.table.rows[1][-1] == ""
    assert len(misses.table.rows) == len(make_runs())
    valleys, line = sections["budgets"].figures
    assert [row[0] for row in valleys.table.rows] == ["1e+12 FLOPs", "1e+13 FLOPs", "1e+14 FLOPs"]
    assert [row[-1] for row in valleys.table.rows] == [5, 5, 5]
    assert len(line.table.rows) == 33


def test_isoflop_curves_are_lowest_at_the_optimum_that_is_marked(tmp_path: Path) -> None:
    write_law(tmp_path)
    spec = show(tmp_path)["budgets"].figures[0].spec
    curve, best = spec["layer"][0]["data"]["values"], spec["layer"][-1]["data"]["values"]
    for mark in best:
        mine = [row for row in curve if row["series"] == mark["series"]]
        assert min(row["loss"] for row in mine) >= mark["loss"] - 1e-9
        assert mine[0]["loss"] > mark["loss"] < mine[-1]["loss"]


def test_a_law_without_runs_has_curves_at_budgets_of_its_own(tmp_path: Path) -> None:
    sections = show(write_law(tmp_path))
    assert not sections["doubts"].figures
    assert "the law was off by 0.40% on those 3, up to 10 times the compute; 100% lay" in sections["doubts"].lead
    assert [row[-1] for row in sections["budgets"].figures[0].table.rows] == [0] * 5


def test_a_law_in_one_column_is_drawn_along_it(tmp_path: Path) -> None:
    write_law(tmp_path, form="kaplan-n")
    sections = show(tmp_path)
    assert "budgets" not in sections
    assert [figure.title for figure in sections["law"].figures] == ["Along parameters"]


def test_bits_of_weights_are_shown_where_the_law_tells_what_they_are_worth(tmp_path: Path) -> None:
    write_law(tmp_path, form="precision", precise=True)
    sections = show(tmp_path)
    assert list(sections) == ["law", "doubts", "budgets", "precision", "origin"]
    assert {row[2] for row in sections["precision"].figures[0].table.rows} == {3.0, 4.0, 8.0, 32.0}
    # Valleys are of the runs as they were trained.
    assert [row[-1] for row in sections["budgets"].figures[0].table.rows] == [5, 5, 5]


def test_an_open_interval_is_null_on_the_page_and_open_in_the_table(tmp_path: Path) -> None:
    path = write_law(tmp_path)
    fields = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(fields | {"noise": 1e6, "intervals": fields["intervals"] | {"A": [1.0, None]}}), "utf-8")
    section = show(path)["law"]
    assert section.tables[0].rows[1][3] == "1 to open"
    band = section.figures[0].spec["layer"][0]["data"]["values"]
    assert {row["high"] for row in band} == {None}
    json.dumps(section.figures[0].spec, allow_nan=False)


def test_a_law_that_is_not_to_be_extrapolated_is_not(tmp_path: Path) -> None:
    path = write_law(tmp_path)
    fields = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(fields | {"refusals": ["too few points"]}), "utf-8")
    section = show(path)["law"]
    assert section.warnings == ("not to be extrapolated: too few points",)
    assert {row[-1] for row in section.figures[0].table.rows} == {""}
    assert section.figures[0].told.endswith("with 80 % intervals.")


def test_a_damaged_law_is_refused(tmp_path: Path) -> None:
    path = write_law(tmp_path)
    fields = json.loads(path.read_text("utf-8"))
    del fields["ranges"]["compute"]
    path.write_text(json.dumps(fields), "utf-8")
    with pytest.raises(FormatError, match=r"LAW.json' is a damaged law: it has no range of compute"):
        show(path)


def test_two_laws_are_told_apart_by_their_names(tmp_path: Path) -> None:
    first = write_law(tmp_path)
    second = first.rename(tmp_path / "other.json")
    write_law(tmp_path)
    titles = [figure.title for figure in show(tmp_path / "LAW.json", second)["law"].figures]
    assert titles == ["LAW.json: What compute buys", "other.json: What compute buys"]


def test_runs_in_another_unit_are_not_laid_under_the_law(tmp_path: Path) -> None:
    law = write_law(tmp_path)
    other = write_lines(tmp_path / "nats.jsonl", [{"N": 1e5, "D": 1e6 * k, "loss": 2.0 / k} for k in (1, 2, 3)])
    (note,) = [note for note in show(law, other)["law"].notes if "not shown" in note]
    assert note == "the runs are not shown with the law: they are in nats, the law in bits"


def test_runs_without_a_law_are_shown_with_what_was_dropped(tmp_path: Path) -> None:
    rows = [*make_runs(), {"run": "gone wrong", "parameters": 1e5, "bytes": 1e6, "flops": 6e11, "bpb": -1}]
    section = show(write_lines(tmp_path / "runs.jsonl", rows))["runs"]
    assert len(section.figures[0].table.rows) == len(make_runs())
    assert any("not above zero" in note for note in section.notes)


def test_a_printed_law_is_a_table(tmp_path: Path) -> None:
    from multum.laws.files import open_law

    told = open_law(write_law(tmp_path)).as_dict()
    (table,) = show(told)["law"].tables
    assert [row[0] for row in table.rows] == ["E", "A", "alpha", "B", "beta"]


def test_surprise_adds_the_bytes_of_a_character_up_and_shows_what_is_no_text() -> None:
    data = "né\x01".encode() + b"\xff\n"
    reading = Reading("level:5", "a.txt", data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0)
    section = show(make_find(), readings=(reading,))["surprise"]
    (panel,) = section.panels
    assert panel.data == {"characters": ["n", "é", "␁", "\\xff", "\n"], "bits": [1.0, 5.0, 4.0, 5.0, 6.0], "start": 0}
    assert section.figures[0].table.rows == (("level:5", 6, 3.5),)


def test_long_texts_are_shown_from_the_start_of_a_character_on() -> None:
    data = "€".encode() * 3000
    reading = Reading("level:5", "a.txt", data, [1.0] * len(data), 0)
    (panel,) = show(make_find(), readings=(reading,))["surprise"].panels
    assert panel.data is not None
    assert set(panel.data["characters"]) == {"€"}
    assert set(panel.data["bits"]) == {3.0}


def test_the_words_that_took_most_bits_come_first() -> None:
    data = b"easy hard easy"
    bits = [0.1] * 5 + [2.0] * 4 + [0.1] * 5
    table = show(make_find(), readings=(Reading("p", "a.txt", data, bits, 10),))["surprise"].tables[0]
    assert table.rows == (("hard", 1, 8.0), ("easy", 2, 0.4))


def test_samples_are_shown_as_text_whatever_their_bytes() -> None:
    section = show(make_find(), samples=(Drawn("run", b"a\xff<b>", 0),))["samples"]
    assert section.panels[0].text == "a\\xff<b>"


def test_the_origin_has_the_commands_of_runs_and_of_the_page(tmp_path: Path) -> None:
    fit = write_fit(tmp_path / "run")
    section = show(fit, command="multum report run -o r.html")["origin"]
    assert section.commands == ("multum fit notes.txt -o run", "multum report run -o r.html")
    assert section.tables[0].rows == ((str(fit), "fit"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found["candidates"][0].pop("code_bits"), "'code_bits' is missing"),
        (lambda found: found.update(candidates=7), "not iterable"),
        (lambda found: found.update(raw_bytes="many"), "'many' is where a number was expected"),
        (lambda found: found.update(archive_bytes=float("nan")), "nan is where a number was expected"),
        (lambda found: found.update(raw_bytes=10**400), "10+ is where a number was expected"),
        (lambda found: found["candidates"].append(None), "not subscriptable"),
    ],
)
def test_a_damaged_result_is_refused_with_its_place(tmp_path: Path, change: Change, message: str) -> None:
    found = make_find()
    change(found)
    path = tmp_path / "find.json"
    path.write_text(json.dumps(found), "utf-8")
    with pytest.raises(FormatError, match=rf"find.json' is damaged: .*{message}.*; make it again"):
        show(path)


@pytest.mark.parametrize("damage", [{"law": 7}, {"report": {}}, {"report": {"run": None}}])
def test_a_damaged_fit_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    folder = write_fit(tmp_path / "run")
    fields = json.loads((folder / "multum.json").read_text("utf-8"))
    (folder / "multum.json").write_text(json.dumps(fields | damage), "utf-8")
    with pytest.raises(FormatError, match="run' is damaged"):
        show(folder)


def test_a_search_shows_what_nothing_beats_and_what_was_chosen() -> None:
    section = show(make_search())["choice"]
    (figure,) = section.figures
    assert [row[-1] for row in figure.table.rows] == ["nothing beats it", "chosen", "beaten"]
    assert figure.table.rows[1][:5] == ("code", 4.0, 40_000, 2.1, 0.9)
    assert "of 3 files, 1 more became no file, code was chosen: 40,000 bytes of 320,000" in section.lead
    with pytest.raises(FormatError, match="what was chosen is not among what was tried"):
        show(make_search() | {"chosen": {"number": 9}})
