"""A short ladder says which size and precision deserve the time for training, and the ledger says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multum
from multum.errors import UsageError
from multum.finding import fitting, foretelling
from multum.finding.foretelling import choose, foretell
from multum.ladders.reports import LadderReport, Point
from tests.finding.samples import waves

PRECISIONS = (4.0, 3.0, 2.0)


def say_rate(n: Any, d: Any, q: Any) -> Any:
    return 1.2 + 14 / n**0.3 + 180 / d**0.4 + 8 * np.exp(-q / 0.7)


def climb(**changed: Any) -> LadderReport:
    """Return a ladder whose points follow a law."""
    points = [
        Point("run", round(n), round(d), None, 6 * n * d, float(say_rate(n, d, q)), q, 1.0, 0, 6 * n * d / 1e10)
        for n in (1e4, 3e4, 1e5)
        for d in (3e5, 1e6, 3e6)
        for q in (32.0, *PRECISIONS)
    ]
    columns = {
        "N": [point.parameters for point in points],
        "D": [point.bytes for point in points],
        "Q": [point.post_training_bits for point in points],
        "bpb": [point.bpb for point in points],
    }
    law = multum.law(columns, form="precision", resamples=20)
    told: dict[str, Any] = {"law": law, "time_s": 20.0, "plan": None, "notes": (), "failed": (), "flops": 1e12}
    return LadderReport(target="ladder", points=tuple(points), **(told | changed))


@pytest.fixture(scope="module")
def climbed() -> LadderReport:
    return climb()


def find_best(raw_bytes: float, flops: float) -> tuple[float, float]:
    """Return the best size and bits by the law itself, by trying all."""
    tries = [(n, q) for n in np.geomspace(1e4, 1e6, 400) for q in PRECISIONS]
    return min(tries, key=lambda one: one[0] * one[1] + 0.5 * raw_bytes * say_rate(one[0], flops / 6 / one[0], one[1]))


@pytest.mark.parametrize("raw_bytes", [10**7, 10**8, 10**9])
def test_the_least_total_by_the_law_decides(climbed: LadderReport, raw_bytes: int) -> None:
    assert climbed.law is not None
    choice = choose(climbed, climbed.law, raw_bytes, 600.0, PRECISIONS, 2)
    weights, bits = find_best(raw_bytes, 1e10 * 2 * 600)
    assert choice.weights == pytest.approx(weights, rel=0.2)
    assert choice.bits == bits
    assert choice.account.total_bits == choice.account.program_bits + choice.account.code_bits
    assert not choice.account.measured


def test_little_time_has_no_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foretelling, "ladder", None)
    assert foretell(b"data", 0, PRECISIONS, "", 2) is None
    assert foretell(b"data", 500, PRECISIONS, "", 2) is None


@pytest.mark.parametrize("changed", [{"law": None}, {"law": "refused"}])
def test_a_law_that_is_not_to_be_trusted_decides_nothing(
    climbed: LadderReport, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if changed["law"] == "refused":
        columns = {"N": [1e4, 2e4, 3e4, 4e4], "D": [1e5, 1e5, 2e5, 2e5], "loss": [4.0, 3.9, 3.8, 3.7]}
        changed = {"law": multum.law(columns, form="kaplan-n", resamples=5)}
        assert changed["law"].refusals
    monkeypatch.setattr(foretelling, "ladder", lambda *_, **__: climb(**changed))
    assert foretell(b"data", 1e6, PRECISIONS, "", 2) is None


def test_a_ladder_that_cannot_be_made_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> LadderReport:
        raise UsageError("too little data")

    monkeypatch.setattr(foretelling, "ladder", refuse)
    assert foretell(b"data", 1e6, PRECISIONS, "", 2) is None


def test_the_ledger_has_what_the_law_expects_beside_what_was_trained(
    tmp_path: Path, climbed: LadderReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the extra multum[learn] is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fitting, "SIZES", ((5_000, 1_000),))
    monkeypatch.setattr(fitting, "_LEAST_S_A_WEIGHT", 1e-6)
    monkeypatch.setattr(foretelling, "_LEAST_S", 0.0)
    asked = {}

    def record(*_: object, **options: Any) -> LadderReport:
        asked.update(options)
        return LadderReport(**(vars(climbed) | {"time_s": 1.0}))

    monkeypatch.setattr(foretelling, "ladder", record)
    Path("data").write_bytes(waves(200))
    report = multum.find("data", time_s=8)
    (told,) = [one for one in report.candidates if "by a ladder's law" in one.name]
    (trained,) = [one for one in report.candidates if one.name.startswith("trained")]
    assert told.name.endswith("weights at 2 bits, alone")
    assert trained.name.endswith("weights at 2 bits")
    assert asked["time_s"] == pytest.approx(0.15 * 0.4 * 8)
