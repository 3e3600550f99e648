"""What is made of ladders' points, with points that follow a law."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra multum[laws] is not installed")

from bench import dedup, ladder
from bench.figures import draw_arms
from multum.ladders.reports import LadderReport, Point

TEXT = bytes(range(32, 127)) * 2000


def say_rate(n: Any, d: Any, q: Any = 32.0) -> Any:
    return 1.2 + 14 / n**0.3 + 180 / d**0.4 + 8 * np.exp(-q / 0.7)


SIZES = (1e4, 3e4, 6e4, 1.2e5)


def make_points(
    worth: float = 1.0, bits: tuple[float, ...] = (), noise: float = 0.001, sizes: tuple[float, ...] = SIZES
) -> tuple[Point, ...]:
    """Return the points of a ladder; worth: what a byte counts."""
    generator = np.random.default_rng(0)
    pairs = [(n, c) for c in (1e11, 4e11, 2e12, 8e12) for n in sizes]
    return tuple(
        Point(
            run=f"n{n:.0f}-c{c:g}",
            parameters=round(n),
            bytes=round(c / 6 / n),
            unique_bytes=None,
            flops=c,
            bpb=float(say_rate(n, c / 6 / n * worth, q) * np.exp(generator.normal(0, noise))),
            post_training_bits=q if bits else None,
            share=1.0,
            seed=0,
            time_s=1.0,
        )
        for n, c in pairs
        for q in (32.0, *bits)
    )


def report(worth: float) -> LadderReport:
    return LadderReport("runs", make_points(worth), (), 1e13, 60.0, None, None, ())


def test_the_largest_run_is_foretold_by_a_law_that_has_not_seen_it() -> None:
    found = ladder.foretell(make_points(bits=(8, 6, 4, 3), sizes=(1e4, 3e4, 6e4, 1.2e5, 1_009_024)))
    assert found["seen"]["runs"] == 16
    assert [row["bits"] for row in found["largest"][:5]] == [32, 8, 6, 4, 3]
    assert max(abs(row["error"]) for row in found["largest"]) < 0.05
    assert max(found["fitted_error"].values()) < 0.01


def test_half_of_the_text_is_spoiled_and_none_of_its_length() -> None:
    arms = {name: np.frombuffer(data, np.uint8).reshape(-1, 4096) for name, data in dedup.spoil(TEXT).items()}
    clean, duplicated, noisy = (arms[name] for name in dedup.ARMS)
    assert len(clean) == len(duplicated) == len(noisy)
    assert 0.4 < (duplicated == clean).all(axis=1).mean() <= 0.6
    assert 0.4 < (noisy == clean).all(axis=1).mean() <= 0.6
    assert (noisy != clean).mean() == pytest.approx(0.1, abs=0.02)


def test_what_a_spoiled_byte_is_worth_is_found_within_its_interval() -> None:
    found = dedup.compare(report(1.0), report(0.5), "duplicated")
    low, high = found["worth_interval"]
    assert low <= 0.5 <= high
    assert found["worth"] == pytest.approx(0.5, rel=0.15)
    assert found["excess"] > 0
    assert found["law_difference"]["difference"] > 0


def test_a_figure_of_the_arms_is_the_same_each_time(tmp_path: Path) -> None:
    reports = dict(zip(dedup.ARMS, map(report, (1.0, 0.5, 0.7)), strict=True))
    arms = {name: (one.points, dedup.fit_arm(one)) for name, one in reports.items()}
    for name in ("first.svg", "second.svg"):
        draw_arms(arms, tmp_path / name)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
