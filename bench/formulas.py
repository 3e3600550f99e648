"""How many laws of physics does `multum discover formula` find again, how fast, and what does it claim of nothing?

Run as `python -m bench.formulas [--only exact,noise,random] [--budget 60]`. For each formula of the file a table of
1,000 rows is made with a fixed seed:
  exact   without noise; what is found is computed on 1,000 fresh rows, and on 1,000 from ranges that reach 1.5 times
          further up and down
  noise   with a deviation of a thousandth of the target's; what is found has the right structure if its constants,
          fitted again without noise, leave nothing
  random  tables in which nothing holds: how many formulas are claimed
  peers   a few formulas, without noise, by gplearn and Operon, where --peer is a Python that has them
Writes bench/results/formulas.json and the tables in docs/discover.md.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.results import read_results, write_results
from bench.tables import make_table, replace_marked
from multum.discovery.formulas.finder import discover_formula, make_problem
from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.refining import refine
from multum.discovery.formulas.reports import FormulaReport
from multum.discovery.tables import read_table

RESULTS = ROOT / "bench" / "results" / "formulas.json"
PAGE = ROOT / "docs" / "discover.md"
SOURCE = ROOT.parent / "shared" / "data" / "formula" / "feynman_odd.csv"
ROWS = 1000
NOISE = 1e-3
RANDOM_TABLES = 1000
RANDOM_S = 0.25
# One each of the kinds: powers, a sum, a factor, a wave, a growth, a sum of squares, a ratio, a bell.
PEERS_TRY = ("I.12.2", "I.11.19", "I.15.1", "I.18.14", "I.40.1", "I.13.4", "I.18.4", "I.6.2b")
STRETCH = 1.5
TARGET = "target_"
# Of the target's size: what a formula of ten operations may lose of a double.
AGREES = 1e-9
Row = dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """A formula of the file. ranges: (low, high) of each variable."""

    name: str
    text: str
    ranges: dict[str, tuple[float, float]]

    def draw(self, seed: int, stretch: float = 1.0) -> tuple[dict[str, Array], Array]:
        """Return (columns, target) of ROWS rows, those without a value drawn again."""
        generator = np.random.default_rng(seed)
        columns: dict[str, list[Array]] = {name: [] for name in self.ranges}
        target: list[Array] = []
        while sum(map(len, target)) < ROWS:
            drawn = {name: self._draw_one(generator, name, stretch) for name in self.ranges}
            with np.errstate(all="ignore"):
                values = np.broadcast_to(self.evaluate(drawn), (ROWS,))
            kept = np.isfinite(values)
            target.append(values[kept])
            for name, one in drawn.items():
                columns[name].append(one[kept])
        return {name: np.concatenate(one)[:ROWS] for name, one in columns.items()}, np.concatenate(target)[:ROWS]

    def _draw_one(self, generator: np.random.Generator, name: str, stretch: float) -> Array:
        low, high = self.ranges[name]
        return generator.uniform(low / stretch, high * stretch, ROWS)

    def evaluate(self, columns: dict[str, Array]) -> Array:
        """Return the formula's values."""
        symbols = {name: sympy.Symbol(name) for name in self.ranges}
        parsed = sympy.sympify(self.text, locals=symbols | {"arcsin": sympy.asin})
        return np.asarray(sympy.lambdify(list(symbols.values()), parsed, "numpy")(*columns.values()), float)


def main() -> int:
    """Measure, print, write."""
    asked = parse_arguments()
    truths = list(read_truths(asked.formulas))
    found: dict[str, Any] = {
        "question": "laws found again from 1,000 rows, exactly and among noise; claims about random tables",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "budget_s": asked.budget,
        "noise_budget_s": asked.noise_budget,
    }
    kinds = asked.only.split(",")
    discover_formula(_make_small(), target="y")  # what is loaded once is not measured
    if "exact" in kinds:
        found["exact"] = [measure_exact(truth, asked.budget) for truth in truths]
    if "noise" in kinds:
        found["noise"] = [measure_noise(truth, asked.noise_budget) for truth in truths]
    if "random" in kinds:
        found["random"] = measure_random()
    if "peers" in kinds and asked.peer is not None:
        chosen = [truth for truth in truths if truth.name in PEERS_TRY]
        found["peers"] = [measure_peer(truth, peer, asked) for truth in chosen for peer in ("gplearn", "pyoperon")]
    found = read_results(RESULTS) | found  # what was not asked for stays
    write_results(RESULTS, found)
    if PAGE.is_file():
        PAGE.write_text(replace_marked(PAGE, show_tables(found)), "utf-8")
    print(show_tables(found))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.formulas", description=__doc__)
    parser.add_argument("--formulas", type=Path, default=SOURCE, metavar="CSV", help="formulas and ranges")
    parser.add_argument(
        "--only", default="exact,noise,random", metavar="KINDS", help="what is measured; the rest stays"
    )
    parser.add_argument("--peer", type=Path, metavar="PYTHON", help="a Python with gplearn and pyoperon")
    parser.add_argument("--peer-budget", type=float, default=20.0, metavar="S", help="seconds a formula and peer")
    parser.add_argument("--noise-budget", type=float, default=30.0, metavar="S", help="seconds a formula among noise")
    parser.add_argument("--budget", type=float, default=60.0, metavar="S", help="seconds a formula")
    return parser.parse_args()


def read_truths(path: Path) -> Iterator[Truth]:
    """Yield the formulas of a file in the form of the Feynman database."""
    with path.open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["Filename"]:
                places = [place for place in range(1, 11) if row.get(f"v{place}_name")]
                ranges = {
                    row[f"v{place}_name"]: (float(row[f"v{place}_low"]), float(row[f"v{place}_high"]))
                    for place in places
                }
                yield Truth(row["Filename"], row["Formula"], ranges)


def search(truth: Truth, noise: float, budget_s: float) -> tuple[FormulaReport, tuple[float, float]]:
    """Return (what is found, (seconds, seconds of CPU)), for a table with noise of that share of the target's size."""
    columns, target = truth.draw(0)
    if noise:
        size = float(np.sqrt(np.mean(target * target)))
        target = target + np.random.default_rng(1).normal(0, noise * size, len(target))
    begun_s = time.perf_counter(), time.process_time()
    report = discover_formula(columns | {TARGET: target}, target=TARGET, noise=noise or "auto", time_s=budget_s)
    return report, (time.perf_counter() - begun_s[0], time.process_time() - begun_s[1])


def measure_exact(truth: Truth, budget_s: float) -> Row:
    """Return whether a formula is found from exact rows, and agrees on fresh ones and on those from wider ranges."""
    report, spent_s = search(truth, 0.0, budget_s)
    errors = [measure_error(truth, report, seed, stretch) for seed, stretch in ((1, 1.0), (2, STRETCH))]
    named = not sympy.sympify(report.formula, locals={one: sympy.Symbol(one) for one in report.symbols}).has(
        sympy.Float
    )
    row = describe(truth, report, spent_s)
    row |= {"claimed": report.exact, "fresh_error": errors[0], "wide_error": errors[1], "named": named}
    row["recovered"] = bool(report.exact and named and max(errors) < AGREES)
    print(json.dumps(row), flush=True)
    return row


def measure_error(truth: Truth, report: FormulaReport, seed: int, stretch: float) -> float:
    """Return the largest difference on fresh rows, relative to the target's size there."""
    columns, target = truth.draw(seed, stretch)
    difference = np.abs(report.predict(columns) - target)
    worst = float(np.max(difference / (np.abs(target) + np.sqrt(np.median(target * target)))))
    return worst if np.isfinite(worst) else float("inf")


def measure_noise(truth: Truth, budget_s: float) -> Row:
    """Return whether the formula found among noise has the right structure."""
    report, spent_s = search(truth, NOISE, budget_s)
    columns, target = truth.draw(3)
    problem, _ = make_problem(read_table(columns | {TARGET: target}), TARGET, list(report.inputs), 0.0, 0)
    free = report.program.with_values([one.value for one in report.program.constants])
    refined = refine(problem, free)
    left = problem.target - (refined[0] if refined else free).evaluate(problem.columns)
    size = float(np.sqrt(np.mean(target * target)))
    row = describe(truth, report, spent_s)
    row |= {"wide_error": measure_error(truth, report, 2, STRETCH)}
    row["structure"] = bool(np.sqrt(np.nanmean(left * left)) < 1e-7 * size and np.isfinite(left).all())
    row["recovered"] = bool(row["wide_error"] < AGREES)
    print(json.dumps(row), flush=True)
    return row


def describe(truth: Truth, report: FormulaReport, spent_s: tuple[float, float]) -> Row:
    """Return what every row tells."""
    return {
        "name": truth.name,
        "truth": truth.text,
        "formula": report.formula,
        "stage": report.stage,
        "program_bits": round(report.program_bits, 1),
        "time_s": round(spent_s[0], 3),
        "cpu_s": round(spent_s[1], 3),
    }


def measure_random() -> Row:
    """Return how many formulas are claimed of tables in which the target is drawn apart from the inputs."""
    generator = np.random.default_rng(0)
    claimed = 0
    for number in range(RANDOM_TABLES):
        rows, width = int(generator.integers(10, 200)), int(generator.integers(1, 6))
        drawn = draw_at_random(generator, number % 4, (width + 1, rows))
        table = {f"x{place}": column for place, column in enumerate(drawn[1:])} | {"y": drawn[0]}
        if np.ptp(table["y"]) == 0:
            continue
        report = discover_formula(
            table, target="y", inputs=[f"x{place}" for place in range(width)], noise=0, time_s=RANDOM_S
        )
        claimed += report.exact
    return {"tables": RANDOM_TABLES, "claimed": claimed, "time_s_each": RANDOM_S}


def measure_peer(truth: Truth, peer: str, asked: argparse.Namespace) -> Row:
    """Return whether a peer's formula agrees on fresh rows, and how far it is off."""
    columns, target = truth.draw(0)
    fresh, wanted = truth.draw(1)
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        for name, one in (
            ("x", np.stack(list(columns.values()), 1)),
            ("y", target),
            ("fresh", np.stack(list(fresh.values()), 1)),
        ):
            np.save(Path(folder) / f"{name}.npy", one)
        script = ROOT / "bench" / "formula_peer.py"
        command = [asked.peer, script, peer, folder, str(asked.peer_budget)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        difference = np.abs(np.load(Path(folder) / "predicted.npy") - wanted)
    error = float(np.max(difference / (np.abs(wanted) + np.sqrt(np.median(wanted * wanted)))))
    row = {
        "name": truth.name,
        **json.loads(done.stdout.splitlines()[-1]),
        "fresh_error": error,
        "recovered": error < AGREES,
    }
    print(json.dumps(row), flush=True)
    return row


def draw_at_random(generator: np.random.Generator, kind: int, shape: tuple[int, int]) -> Array:
    """Return columns of small integers, of bells, even ones, or such of two digits."""
    if kind == 0:
        return generator.integers(0, 5, shape).astype(float)
    if kind == 1:
        return generator.normal(size=shape)
    even = generator.uniform(1, 9, shape)
    return even if kind == 2 else np.round(even, 1)


def _make_small() -> dict[str, Array]:
    x = np.arange(1.0, 21.0)
    return {"x": x, "y": x * x}


def show_tables(found: dict[str, Any]) -> str:
    """Return the tables of docs/discover.md."""
    head = ["1,000 rows each", "formulas", "recovered", "median s", "worst s", "median CPU s", "worst CPU s"]
    lines = [head]
    for kind, name in (
        ("exact", "without noise, fresh rows and wider ranges agree"),
        ("noise", "noise 0.001, right structure"),
    ):
        rows = found.get(kind, [])
        if rows:
            right = sum(row["recovered"] if kind == "exact" else row["structure"] for row in rows)
            times, cpu = [row["time_s"] for row in rows], [row["cpu_s"] for row in rows]
            spent = [f"{np.median(times):.2f}", f"{max(times):.1f}", f"{np.median(cpu):.2f}", f"{max(cpu):.1f}"]
            lines.append([name, str(len(rows)), str(right), *spent])
    parts = [make_table(lines)]
    if "random" in found:
        parts.append(
            f"Of {found['random']['tables']:,} random tables, {found['random']['claimed']} got an exact formula."
        )
    parts += show_peers(found)
    machine = found["machine"]
    parts.append(f"{found['date']}, commit {found['commit']}, {machine['processor']}, {machine['cores']} cores.")
    return "\n\n".join(parts)


def show_peers(found: dict[str, Any]) -> list[str]:
    """Return the peers' table, beside the same formulas by Multum."""
    if "peers" not in found:
        return []
    names = list(dict.fromkeys(row["name"] for row in found["peers"]))
    ours = [row | {"peer": "multum"} for row in found.get("exact", []) if row["name"] in names]
    lines = [["", f"recovered, of {len(names)}", "median CPU s", "median error on fresh rows"]]
    for peer in ("multum", "gplearn", "pyoperon"):
        rows = [row for row in (*ours, *found["peers"]) if row["peer"] == peer]
        middle = [float(np.median([row[key] for row in rows])) for key in ("cpu_s", "fresh_error")] if rows else []
        lines.append([peer, str(sum(row["recovered"] for row in rows)), *(f"{value:.2g}" for value in middle)])
    return [make_table(lines)]


if __name__ == "__main__":
    sys.exit(main())
