"""What `plan` and `predict` say is shown on the page as they print it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multum
from multum.errors import FormatError
from multum.laws.law import Law
from tests.laws.samples import make_byte_runs, make_runs
from tests.reporting.test_sections import show


@pytest.fixture(scope="module")
def law() -> Law:
    """Return a law of planted runs of programs over bytes."""
    return multum.law(make_byte_runs(), form="chinchilla", resamples=20)


def print_json(report: Any) -> dict[str, Any]:
    """Return what a verb prints with --json."""
    fields: dict[str, Any] = json.loads(json.dumps(report.as_dict()))
    return fields


def test_a_plan_tells_what_a_budget_buys_and_what_being_off_costs(law: Law) -> None:
    planned = multum.plan(law, compute=1e14)
    section = show(print_json(planned))["plans"]
    (figure,), (table,) = section.figures, section.tables
    assert [row[1] for row in figure.table.rows] == ["as planned", "half the size", "double the size"]
    assert table.rows[0][1:3] == ("1e+14 FLOPs", f"{planned.N:.3g}")
    assert f"for a loss of {planned.loss:.4g} bits (80 % interval" in section.lead
    assert planned.half is not None
    assert f"half the size {planned.half / planned.loss - 1:+.2%}" in section.lead


def test_plans_stand_beside_each_other(law: Law) -> None:
    plans = [print_json(multum.plan(law, **budget)) for budget in ({"compute": 1e14}, {"memory_bytes": 4_000_000})]
    section = show(*plans)["plans"]
    assert len(section.tables[0].rows) == 2
    assert len(section.figures[0].table.rows) == 5  # twice the size of the second does not fit


def test_a_budget_of_bytes_says_from_where_on_programs_pay(law: Law) -> None:
    planned = multum.plan(law, archive_bytes=24e6, data=1e8, rival_bpb=2.2)
    assert planned.account is not None
    section = show(print_json(planned))["plans"]
    assert f"{planned.account.total_bytes:,.0f} bytes" in section.lead
    assert "Programs pay from" in section.lead


def test_predictions_are_laid_against_what_came(law: Law) -> None:
    runs = make_byte_runs(noise=0.01)
    table = {name: values[::7] for name, values in runs.items()} | {"parameters": np.geomspace(1e5, 1e7, 6)}
    section = show(print_json(multum.predict(law, table)))["predictions"]
    (figure,) = section.figures
    assert "the mean error is" in section.lead
    assert figure.table.head[5] == "off by"
    assert [bool(row[6]) for row in figure.table.rows] == [False, False, False, True, True, True]
    assert "on the dashed line they agree" in figure.told


def test_predictions_of_runs_to_come_have_no_error(law: Law) -> None:
    section = show(print_json(multum.predict(law, {"parameters": [2e5, 3e6], "bytes": [1e7, 1e9]})))["predictions"]
    assert section.lead == "The law (chinchilla) expects losses of 2 runs, 1 beyond the law's, with 80 % intervals."
    assert [row[4:6] for row in section.figures[0].table.rows] == [(None, ""), (None, "")]


def test_losses_without_a_unit_have_none_on_the_page() -> None:
    runs = make_runs()
    found = multum.law(runs, form="chinchilla", unit="none", resamples=20)
    section = show(print_json(multum.plan(found, compute=1e20)))["plans"]
    assert "none" not in section.lead


@pytest.mark.parametrize("damage", [{"N": 0}, {"loss": "low"}, {"account": {}}, {"half": -1}])
def test_a_damaged_plan_is_refused(law: Law, tmp_path: Path, damage: dict[str, Any]) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(print_json(multum.plan(law, compute=1e14)) | damage))
    with pytest.raises(FormatError, match=r"plan\.json' is damaged: .*; make it again"):
        show(path)


@pytest.mark.parametrize("rows", [[], [{"predicted": 1.0}], 3])
def test_damaged_predictions_are_refused(law: Law, rows: Any) -> None:
    printed = print_json(multum.predict(law, {"parameters": [2e5], "bytes": [1e7]})) | {"rows": rows}
    with pytest.raises(FormatError, match="is damaged"):
        show(printed)
