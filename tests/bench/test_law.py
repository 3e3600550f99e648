"""What the benchmark of laws plants, sums up and shows."""

import numpy as np
import pytest

from bench import law
from multum.laws.points import read_points
from tests.laws.samples import CHINCHILLA, make_runs


def test_objective_of_planted_parameters_is_that_of_the_noise() -> None:
    points = read_points([make_runs(noise=0.0)])
    assert law.measure_objective(points, CHINCHILLA) == pytest.approx(0, abs=1e-20)


def test_ladder_has_a_run_for_each_size_and_ratio() -> None:
    points = law.plant_ladder(np.random.default_rng(0), np.array([1e8, 1e9]), np.array([10.0, 20.0, 40.0]))
    assert len(points) == 6
    assert sorted(set((points.columns["D"] / points.columns["N"]).round().tolist())) == [10, 20, 40]


def test_tables_show_what_was_found() -> None:
    row = {"parameters": CHINCHILLA, "objective": 0.00101827, "fit_cpu_s": 0.04, "all_cpu_s": 0.7, "auto_cpu_s": 1.4}
    split = {"name": "all", "reach": 155.2, "error": 0.0083, "worst_error": 0.0083, "coverage": 0.8, "sets": 1}
    repeat = {"points": 182, "fit_cpu_s": 0.5, "all_cpu_s": 8.0, "objective": 0.0066, "published_objective": 0.0158}
    machine = {"processor": "P", "cores": 2, "numpy": "2"}
    found = {"fit": [row | {"name": "multum law"}], "extrapolate": [split], "repeat": repeat, "machine": machine}
    shown = law.show_tables(found | {"date": "2026-01-01", "commit": "abc"})
    assert "| multum law | 400.00 | 1500.0 | 1.7000 | 0.3400 | 0.3700 | 0.00101827 | 0.04 |" in shown
    assert "| all | 155 x | 0.83% |  | 80% |" in shown
    assert "commit abc" in shown
