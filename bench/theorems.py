"""What does `multum discover` claim where nothing holds?

Run as `python -m bench.theorems [--count 1000] [--jobs 1]`. As many sequences and as many tables are drawn, each of a
kind in turn and with its number as seed: numbers that are uniform, of a few digits, of heavy tails, coins, sums of
coins, shuffled ranks. What is claimed of a sequence, or of a table, is listed as it is.
Writes bench/results/theorems.json and the table in docs/discover.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any

import numpy as np

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.discovery.sequences.finder import discover_sequence
from multum.discovery.theorems.finder import discover_laws

RESULTS = ROOT / "bench" / "results" / "theorems.json"
PAGE = ROOT / "docs" / "discover.md"
Row = dict[str, Any]
Draw = Callable[[np.random.Generator, int], list[int]]

# A search that finds nothing ends with its time, of which a table has so much for formulas.
FORMULAS_S = 0.25

KINDS: dict[str, Draw] = {
    "uniform to 1,000": lambda generator, size: generator.integers(0, 1000, size).tolist(),
    "uniform to 2**40": lambda generator, size: generator.integers(0, 1 << 40, size).tolist(),
    "digits": lambda generator, size: generator.integers(0, 10, size).tolist(),
    "coins": lambda generator, size: generator.integers(0, 2, size).tolist(),
    "sums of coins": lambda generator, size: np.cumsum(2 * generator.integers(0, 2, size) - 1).tolist(),
    "sums of digits": lambda generator, size: np.cumsum(generator.integers(0, 10, size)).tolist(),
    "heavy tails": lambda generator, size: np.minimum(generator.pareto(1.0, size) * 10, 1e12).astype(int).tolist(),
    "ranks": lambda generator, size: generator.permutation(size).tolist(),
}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.theorems", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="sequences, and tables [1000]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes side by side [1]")
    asked = parser.parse_args()
    found: Row = {
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
    }
    with ProcessPoolExecutor(asked.jobs) as pool:
        found |= {name: ask(name, asked.count, pool) for name in ASK}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_table(found), "theorems"), "utf-8")
    print(show_table(found))
    return 0


def ask(name: str, count: int, pool: Executor) -> Row:
    """Return what is claimed of `count` random ones, by kind."""
    started_s = time.perf_counter()
    claims: list[Row] = []
    for number, found in enumerate(pool.map(ASK[name], range(count), chunksize=20)):
        claims += [{"number": number, "kind": _name_kind(number), "claim": claim} for claim in found]
    print(name, claims, flush=True)
    return {"count": count, "claims": claims, "time_s": time.perf_counter() - started_s}


def _name_kind(number: int) -> str:
    return list(KINDS)[number % len(KINDS)]


def ask_sequence(number: int) -> list[str]:
    """Return the law that is claimed of a random sequence, if there is one."""
    generator, draw = np.random.default_rng(number), KINDS[_name_kind(number)]
    report = discover_sequence(draw(generator, int(generator.integers(8, 60))))
    return [] if report.law is None else [report.law]


def ask_table(number: int) -> list[str]:
    """Return the laws that are claimed of a random table: three columns of a kind, one of fractions, one of names."""
    generator, draw = np.random.default_rng(number), KINDS[_name_kind(number)]
    rows = int(generator.integers(12, 120))
    table = {name: [str(value) for value in draw(generator, rows)] for name in ("a", "b", "c")}
    table["d"] = [f"{value:.3f}" for value in generator.normal(0, 10, rows)]
    table["e"] = [f"name{value}" for value in generator.integers(0, int(generator.integers(2, 8)), rows)]
    return [one.text for one in discover_laws(table, time_s=FORMULAS_S).theorems]


ASK = {"sequences": ask_sequence, "tables": ask_table}


def show_table(found: Row) -> str:
    """Return the table, as Markdown."""
    rows = [("random", "number", "laws claimed")]
    for name in ("sequences", "tables"):
        one = found[name]
        rows.append((name, f"{one['count']:,}", str(len(one["claims"]))))
    return make_table(rows)


if __name__ == "__main__":
    raise SystemExit(main())
