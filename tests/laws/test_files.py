"""A law file is read back as it was written; one that was tampered with, or is of another version, is refused."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from multum.errors import FormatError, UsageError
from multum.laws.files import open_law
from multum.laws.fitting import law
from multum.laws.law import Law
from tests.laws.samples import make_runs


@pytest.fixture(scope="module")
def fitted() -> Law:
    """Return a law of planted runs."""
    return law(make_runs(), form="chinchilla", resamples=20)


def test_law_is_read_back_as_it_was_written(fitted: Law, tmp_path: Path) -> None:
    fitted.write(tmp_path / "law.json")
    back = open_law(tmp_path / "law.json")
    assert back == fitted
    assert open_law(fitted) is fitted


def test_json_has_no_infinities_and_open_ends_come_back(fitted: Law, tmp_path: Path) -> None:
    from dataclasses import replace

    opened = replace(fitted, intervals=fitted.intervals | {"A": (0.0, math.inf)})
    opened.write(tmp_path / "law.json")
    assert "Infinity" not in (tmp_path / "law.json").read_text()
    assert open_law(tmp_path / "law.json").intervals["A"] == (0.0, math.inf)


def test_existing_file_is_kept(fitted: Law, tmp_path: Path) -> None:
    target = tmp_path / "law.json"
    target.write_text("mine")
    with pytest.raises(UsageError, match="exists and was kept"):
        fitted.write(target)
    with pytest.raises(UsageError, match="exists and was kept"):
        law(make_runs(), target)
    assert target.read_text() == "mine"
    fitted.write(target, force=True)
    assert open_law(target) == fitted


def test_machines_find_what_was_promised(fitted: Law) -> None:
    told = fitted.as_dict()
    assert {"form", "parameters", "standard_errors", "objective", "holdout_error", "warnings"} <= set(told)
    assert set(told["parameters"]) == set(told["standard_errors"]) == {"A", "B", "E", "alpha", "beta"}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"multum_law": 1}, "is a law of version 1, and this is Multum for version 2; fit it again"),
        ({"multum_law": None}, "is a law of version None"),
        ({"formula": "__import__('os').system('true') + N"}, "damaged law: .* is no part of a formula"),
        ({"formula": "E + A / N**alpha"}, "damaged law: its formula has the parameters E, A, alpha, not"),
        ({"parameters": {"E": "x"}}, "damaged law: 'E' is 'x', not a number"),
        ({"parameters": []}, "damaged law"),
        ({"expected": {"E": 1.0}}, "damaged law: its formula has the parameters E, A, alpha, B, beta, not E"),
        ({"draws": [[1, 2]]}, "damaged law: its draws are not of 5 parameters each"),
        ({"draws": []}, "damaged law: its draws"),
        ({"draws": 3}, "damaged law"),
        ({"ranges": {"N": [1, -2]}}, "damaged law: 'N' is -2.0, not above zero"),
        ({"ranges": {"N": [1]}}, "damaged law"),
        ({"ranges": {"N": [1, 2], "D": [1, 2]}}, "damaged law: it has no range of compute"),
        ({"noise": True}, "damaged law: 'noise' is True"),
        ({"holdout": {"x": 1}}, "damaged law"),
        ({"intervals": None}, "damaged law"),
    ],
)
def test_tampered_law_is_refused(fitted: Law, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    target = tmp_path / "law.json"
    fitted.write(target)
    target.write_text(json.dumps(json.loads(target.read_text()) | change))
    with pytest.raises(FormatError, match=message):
        open_law(target)


@pytest.mark.parametrize("field", ["parameters", "expected"])
def test_parameter_that_must_be_positive_is_checked(fitted: Law, tmp_path: Path, field: str) -> None:
    target = tmp_path / "law.json"
    fitted.write(target)
    fields = json.loads(target.read_text())
    fields[field]["A"] = -1
    target.write_text(json.dumps(fields))
    with pytest.raises(FormatError, match="damaged law: A must be above zero"):
        open_law(target)


@pytest.mark.parametrize("field", ["form", "parameters", "expected", "draws", "ranges", "drift", "refusals"])
def test_law_without_a_field_is_refused(fitted: Law, tmp_path: Path, field: str) -> None:
    target = tmp_path / "law.json"
    fitted.write(target)
    fields = json.loads(target.read_text())
    del fields[field]
    target.write_text(json.dumps(fields))
    with pytest.raises(FormatError, match=f"damaged law: '{field}' is missing"):
        open_law(target)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b"3", b"[" * 100_000])
def test_what_is_no_law_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "law.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"is no law: .*`multum law POINTS -o LAW\.json` writes one"):
        open_law(tmp_path / "law.json")


def test_every_truncation_is_refused(fitted: Law, tmp_path: Path) -> None:
    target = tmp_path / "law.json"
    fitted.write(target)
    whole = target.read_bytes()
    for length in range(0, len(whole) - 1, len(whole) // 50):
        target.write_bytes(whole[:length])
        with pytest.raises(FormatError, match="is no law"):
            open_law(target)
