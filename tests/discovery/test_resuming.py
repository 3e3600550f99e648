"""A search that ran out of time goes on where it was; its file is checked before it is believed."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.formulas.finder import discover_formula, make_problem
from multum.discovery.formulas.running import Moment, Outcome, Run
from multum.discovery.formulas.states import load_state, save_state, state_path, write_program
from multum.discovery.tables import read_table
from multum.errors import FormatError, UsageError
from tests.discovery.samples import plant

TABLE = plant(lambda a, b: a * b + b * b, {"a": (1, 5), "b": (1, 5)}, 60)


def _save(target: Path) -> tuple[Any, Outcome]:
    """Return a problem and the outcome of its first stage, which lies beside the target."""
    problem, _ = make_problem(read_table(TABLE), "y", ["a", "b"], None, 0)
    outcome = Outcome()
    saved: list[Outcome] = []

    def save(found: Outcome) -> None:
        saved.append(found)
        save_state(str(target), "digest", found)

    Run(problem, frozenset(range(9)), time_s=5, seed=0, threads=1, outcome=outcome, save=save).run()
    assert saved
    return problem, outcome


def test_a_state_is_read_back_as_it_was(tmp_path: Path) -> None:
    problem, _ = _save(tmp_path / "y.json")
    told = json.loads(Path(state_path(str(tmp_path / "y.json"))).read_text())
    back = load_state(str(tmp_path / "y.json"), "digest", problem)
    assert back.done == ["powers"]
    programs = [json.loads(json.dumps(write_program(entry.program))) for entry in back.frontier]
    assert programs == told["programs"]
    with pytest.raises(UsageError, match="is of a search on other data"):
        load_state(str(tmp_path / "y.json"), "other", problem)


def test_there_must_be_a_search_to_resume(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no search to resume"):
        discover_formula(TABLE, tmp_path / "y.json", target="y", resume=True)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"programs": [{"codes": [0], "constants": []}]},
        {"programs": [{"codes": [99], "constants": []}]},
        {"programs": [{"codes": [21], "constants": []}]},
        {"programs": 3},
        {"done": None},
    ],
)
def test_a_tampered_state_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    target = tmp_path / "y.json"
    problem, _ = _save(target)
    path = Path(state_path(str(target)))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FormatError, match="is no state of a search"):
        load_state(str(target), "digest", problem)


def test_the_report_is_written_whole_and_the_state_removed(tmp_path: Path) -> None:
    target = tmp_path / "y.json"
    report = discover_formula(TABLE, target, target="y")
    told = json.loads(target.read_text())
    assert (told["formula"], told["exact"]) == (report.formula, True)
    assert {"program_bits", "residual_bits", "raw_bits", "frontier", "checked_rows"} <= set(told)
    assert [path.name for path in tmp_path.iterdir()] == ["y.json"]
    with pytest.raises(UsageError, match="exists and was kept"):
        discover_formula(TABLE, target, target="y")
    assert discover_formula(TABLE, target, target="y", force=True).exact


def test_progress_tells_the_best_so_far() -> None:
    told: list[Moment] = []
    discover_formula(TABLE, target="y", progress=told.append)
    assert [moment.stage for moment in told] == ["powers"]
    assert all(moment.best is not None and moment.left_s > 0 for moment in told)
