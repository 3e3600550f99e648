"""How near does `multum law` come to what is known, how far does it extrapolate, and at what cost?

Run as `python -m bench.law [--peer PYTHON]`. On published points:
  fit          the 240 points of the replication of Chinchilla: parameters, objective, CPU seconds; beside the package
               `chinchilla`, where --peer is a Python that has it (pip install chinchilla)
  extrapolate  the part of small compute fitted, the rest predicted: mean error and coverage of the 80 % intervals, for
               all points, for random subsets of them, and for ladders that follow a planted law
  repeat       the data-constrained form on runs with repeated data
Writes bench/results/law.json and the tables in docs/law.md.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.laws.fitting import fit_law
from multum.laws.forms import make_form
from multum.laws.jets import Array
from multum.laws.objective import Objective, to_theta
from multum.laws.points import Points, drop_highest, read_points
from multum.laws.solving import DELTA, fit_form

RESULTS = ROOT / "bench" / "results" / "law.json"
PAGE = ROOT / "docs" / "law.md"
SCALING = ROOT.parent / "shared" / "data" / "scaling"
SUBSETS = 20
Row = dict[str, Any]

PUBLISHED = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
REPEATED = {
    "E": float(np.exp(0.6254804)),
    "A": float(np.exp(6.255414)),
    "alpha": 0.3526596,
    "B": float(np.exp(7.3049974)),
    "beta": 0.3526596,
    "RD": 15.387756,
    "RN": 5.309743,
}


def main() -> int:
    """Measure, print, write."""
    asked = parse_arguments()
    points = drop_highest(read_points([asked.data / "chinchilla_epoch.csv"]), "highest:5")
    repeated = read_points([asked.data / "data_constrained_scaling_law" / "data.csv"])
    found = {
        "question": "how near to known optima, how far beyond the points, at what CPU",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "fit": [measure_fit(points), *measure_peer(points, asked.peer), say_published(points)],
        "extrapolate": measure_splits(points, repeated),
        "repeat": measure_repeated(repeated),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_tables(found)), "utf-8")
    print(show_tables(found))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.law", description=__doc__)
    parser.add_argument("--data", type=Path, default=SCALING, metavar="DIR", help="the published points")
    parser.add_argument("--peer", type=Path, metavar="PYTHON", help="a Python with the package `chinchilla`")
    return parser.parse_args()


def spend(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns and the least CPU seconds of three runs of it."""
    best = np.inf
    for _ in range(3):
        begun_s = time.process_time()
        result = work()
        best = min(best, time.process_time() - begun_s)
    return result, float(best)


def measure_fit(points: Points) -> Row:
    """Return what a fit of the published points reaches."""
    form = make_form("chinchilla", list(points.columns))
    fit, fit_s = spend(lambda: fit_form(form, points))
    law, law_s = spend(lambda: fit_law(points, "chinchilla"))
    _, auto_s = spend(lambda: fit_law(points))
    return {
        "name": "multum law",
        "parameters": fit.parameters,
        "standard_errors": law.standard_errors,
        "objective": fit.loss,
        "fit_cpu_s": fit_s,
        "all_cpu_s": law_s,
        "auto_cpu_s": auto_s,
    }


def measure_peer(points: Points, python: Path | None) -> list[Row]:
    """Return what the peer reaches with its own loss and with the paper's."""
    if python is None:
        return []
    rows = []
    for loss in ("default", "huber"):
        with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
            _write_points(points, Path(folder) / "df.csv")
            script = ROOT / "bench" / "law_peer.py"
            done = subprocess.run([python, script, folder, loss], capture_output=True, text=True, check=True)
        said = json.loads(done.stdout.splitlines()[-1])
        rows.append(
            {
                "name": f"chinchilla 0.2.0, {loss} loss",
                "parameters": said["parameters"],
                "objective": measure_objective(points, said["parameters"]),
                "fit_cpu_s": said["cpu_s"],
            }
        )
    return rows


def _write_points(points: Points, target: Path) -> None:
    columns = [points.compute, points.columns["N"], points.columns["D"], np.exp(points.log_target)]
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["C", "N", "D", "loss"])
        writer.writerows(np.stack(columns, 1).tolist())


def say_published(points: Points) -> Row:
    """Return the objective of the parameters that the replication printed."""
    name = "published (2404.10102)"
    return {"name": name, "parameters": PUBLISHED, "objective": measure_objective(points, PUBLISHED)}


def measure_objective(points: Points, parameters: dict[str, float], form: str = "chinchilla") -> float:
    """Return the sum of Huber losses of the points under given parameters."""
    formula = make_form(form, list(points.columns)).formula
    theta = to_theta(formula, np.array([[parameters[one.name] for one in formula.parameters]]))
    columns = {name: points.columns[name] for name in formula.columns}
    loss, _ = Objective(formula, columns, points.log_target, DELTA).measure(theta, np.zeros(1, np.intp))
    return float(loss[0])


def measure_splits(points: Points, repeated: Points) -> list[Row]:
    """Return how well the small predicts the large, for each kind of points."""
    generator = np.random.default_rng(0)
    rows = [
        summarise(f"{len(points)} points, {share} held out", [points], share)
        for share in ("largest:30%", "largest:50%", "largest:70%")
    ]
    for count in (120, 60, 30):
        subsets = [points.take(generator.choice(len(points), count, replace=False)) for _ in range(SUBSETS)]
        rows.append(
            summarise(f"{count} of the points at random, {SUBSETS} times, half held out", subsets, "largest:50%")
        )
    for name, sizes, ratios in (
        ("30 planted runs, 190M to 7B", [190e6, 370e6, 760e6, 1.3e9, 3.2e9, 7e9], [10, 20, 40, 100, 200]),
        ("42 planted runs, 10M to 1B", list(np.geomspace(1e7, 1e9, 7)), [5, 10, 20, 40, 80, 160]),
    ):
        ladders = [plant_ladder(generator, np.array(sizes), np.array(ratios, float)) for _ in range(SUBSETS)]
        rows.append(summarise(f"{name}, {SUBSETS} laws, half held out", ladders, "largest:50%"))
    rows.append(summarise(f"{len(repeated)} runs with repeated data, half held out", [repeated], "largest:50%"))
    return rows


def plant_ladder(generator: np.random.Generator, sizes: Array, ratios: Array) -> Points:
    """Return runs around a law like those of language models, 0.4 % noise and as much again by size."""
    n, ratio = (one.ravel() for one in np.meshgrid(sizes, ratios))
    low, high = np.array([1.5, 100, 300, 0.25, 0.25]), np.array([1.9, 500, 3000, 0.4, 0.4])
    e, a, b, alpha, beta = generator.uniform(low, high)
    by_size = dict(zip(sizes.tolist(), generator.normal(0, 0.004, len(sizes)).tolist(), strict=True))
    scatter = generator.normal(0, 0.004, len(n)) + np.array([by_size[one] for one in n.tolist()])
    loss = (e + a / n**alpha + b / (n * ratio) ** beta) * np.exp(scatter)
    return read_points([{"N": n, "D": n * ratio, "loss": loss}])


def summarise(name: str, sets: list[Points], share: str) -> Row:
    """Return the mean error and coverage over several sets of points, the form chosen by `auto`."""
    laws = [fit_law(points, hold_out=share) for points in sets]
    tests = [law.holdout for law in laws if law.holdout is not None]
    return {
        "name": name,
        "reach": float(np.median([one.reach for one in tests])),
        "error": float(np.mean([one.error for one in tests])),
        "worst_error": float(np.max([one.error for one in tests])),
        "coverage": float(np.mean([one.coverage for one in tests])),
        "refused": sum(bool(law.refusals) for law in laws),
        "forms": sorted({law.form for law in laws}),
        "sets": len(sets),
    }


def measure_repeated(points: Points) -> Row:
    """Return what the data-constrained form reaches beside its published constants."""
    form = make_form("data-constrained", list(points.columns))
    fit, fit_s = spend(lambda: fit_form(form, points))
    law, law_s = spend(lambda: fit_law(points, "data-constrained"))
    return {
        "points": len(points),
        "parameters": fit.parameters,
        "objective": fit.loss,
        "published_objective": measure_objective(points, REPEATED, "data-constrained"),
        "error": law.error,
        "fit_cpu_s": fit_s,
        "all_cpu_s": law_s,
    }


def show_tables(found: dict[str, Any]) -> str:
    """Return the tables of docs/law.md."""
    fits = [["240 points of Chinchilla", "A", "B", "E", "alpha", "beta", "objective", "CPU s"]]
    for row in found["fit"]:
        values = row["parameters"]
        cells = [f"{values['A']:.2f}", f"{values['B']:.1f}", *(f"{values[one]:.4f}" for one in ("E", "alpha", "beta"))]
        spent = f"{row['fit_cpu_s']:.2f}" if "fit_cpu_s" in row else "–"
        fits.append([row["name"], *cells, f"{row['objective']:.8f}", spent])
    splits = [
        ["what is fitted, what is predicted", "compute up to", "mean error", "worst set", "inside 80 % intervals"]
    ]
    for row in found["extrapolate"]:
        worst = f"{row['worst_error']:.2%}" if row["sets"] > 1 else ""
        splits.append([row["name"], f"{row['reach']:.0f} x", f"{row['error']:.2%}", worst, f"{row['coverage']:.0%}"])
    return "\n\n".join([make_table(fits), make_table(splits), tell_costs(found)])


def tell_costs(found: dict[str, Any]) -> str:
    """Return what stands below the tables: CPU, and where the figures come from."""
    ours, repeat, machine = found["fit"][0], found["repeat"], found["machine"]
    return (
        f"CPU seconds are of one core. With 1,000 resamples, profiles, a held-out fit and its calibration `multum law"
        f" --form chinchilla` takes {ours['all_cpu_s']:.1f} s, with all forms {ours['auto_cpu_s']:.1f} s; the"
        f" data-constrained form on {repeat['points']} runs {repeat['fit_cpu_s']:.2f} s and {repeat['all_cpu_s']:.1f} s"
        f" (objective {repeat['objective']:.5f}; with the published constants {repeat['published_objective']:.5f})."
        f" {found['date']}, commit {found['commit']}, {machine['processor']}, {machine['cores']} cores, NumPy"
        f" {machine['numpy']}."
    )


if __name__ == "__main__":
    sys.exit(main())
