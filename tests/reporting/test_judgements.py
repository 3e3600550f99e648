"""What programs are worth and why they say what they say is shown, and only that."""

from typing import Any

import pytest

from multum.errors import FormatError
from multum.reporting.content import Material, Section
from multum.reporting.documents import read_documents
from multum.reporting.reporter import draw_results, make_sections
from multum.reporting.sections import list_kinds
from tests.reporting.judgements import make_evaluation, make_explanation, make_rating


def show(result: dict[str, Any]) -> Section:
    sections = make_sections(Material(tuple(read_documents([result], list_kinds()))))
    return next(section for section in sections if section.name in ("evaluation", "explanation"))


def test_an_evaluation_shows_its_figures_and_says_what_was_tested() -> None:
    section = show(make_evaluation())
    names = ["rates", "confusion", "calibration", "damage"]
    assert [figure.name for figure in section.figures] == [f"evaluation-1-{name}" for name in names]
    assert section.lead == "run: 0.5000 bits per label, 0.4000 to 0.7000 in 95 of 100 cases, accuracy 0.8000."
    rates, confusion, calibration, damage = (figure.table for figure in section.figures)
    assert [row[0] for row in rates.rows] == ["a.csv", "b.csv", "all together"]
    assert confusion.rows == (("no", 4, 1), ("yes", 1, 4))
    assert calibration.rows == (("0.8 to 0.9", 10, 0.85, 0.8),)
    assert damage.rows[1] == ("typos", 0.1, 0.4, 0.3, 0.5)
    against, answers, copies = section.notes
    assert against == "Against classify: -0.1000 (-0.2000 to -0.0500, p = 0.01) bits per label."
    assert "alone right on 5, the other on 1" in answers
    assert "leaves 0.400 of a generated item's bits and 0.500 of a fresh one's; 1 of 4 are nearer" in copies
    assert [table.caption for table in section.tables] == ["run", "By class", "Nearest to training"]


def test_a_program_of_data_has_a_rate_and_no_confusion() -> None:
    section = show(make_rating())
    assert [figure.name for figure in section.figures] == ["evaluation-1-rates"]
    assert "2.0000 bits per byte" in section.lead
    assert section.tables == ()


def test_evidence_is_laid_out_in_lines_and_told_in_a_sentence() -> None:
    text, image, earnings = show(make_explanation()).figures
    assert text.title == "Example 3: told yes with 75.0%, which is wrong: it is no"
    assert "+2.00 bits for yes rather than no: +0.50 before anything is seen, the colours add up to +1.50" in text.told
    so, superb = text.spec["layer"][0]["data"]["values"]
    assert (so["right"], superb["left"], superb["right"]) == (2, 3, 9)
    assert image.table.rows == ((1, 2, 1.0), (1, 1, 0.5))
    assert earnings.table.rows == (
        ("last byte", "context", 50.0, "+25.00%"),
        ("last byte", "adjustment", -1.0, "-0.50%"),
    )
    assert [row["part"] for row in earnings.spec["layer"][0]["data"]["values"]] == ["last byte", "adjustment last byte"]


def test_long_texts_go_on_in_the_next_line() -> None:
    told = make_explanation()
    told["examples"][0] |= {"pieces": [" harbour"] * 20, "scores": [0.1] * 20}
    values = show(told).figures[0].spec["layer"][0]["data"]["values"]
    assert [row["line"] for row in values].count(0) == 8
    assert max(row["right"] for row in values) <= 64


@pytest.mark.parametrize(
    ("make", "field", "message"),
    [
        (make_evaluation, "verdicts", "is damaged"),
        (make_explanation, "examples", "is damaged"),
    ],
)
def test_damaged_judgements_are_refused(make: Any, field: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        show(make() | {field: [{"scores": "many"}], "pooled": None})


def test_figures_of_a_result_are_drawn_alone(tmp_path: Any) -> None:
    pytest.importorskip("vl_convert", reason="the extra multum[report] is not installed")
    drawn = draw_results(make_explanation(), tmp_path / "figures", False, None)
    assert len(drawn) == 6
