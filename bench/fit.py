"""How much of the machine does a fit use, beside a plain training loop and beside products of matrices alone?

Run as `python -m bench.fit`. Prints a table and writes bench/results/fit.json. Steps of Multum and of the plain loop
take turns, so that what else the machine does hits both; each figure is the median. FLOPs are counted as the task
counts them, six a weight and byte, and attention over half a window; those of optimizers, norms and activations are
not counted, though they take time.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from bench import plain_loop
from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from multum.data.streams import open_stream
from multum.training.bytes import ByteTask
from multum.training.gradients import Gradients
from multum.training.optimizers import make_optimizers, set_precision
from multum.training.options import FitOptions
from multum.training.precision import BFLOAT16, TYPES
from multum.training.processes import Processes
from multum.training.running import prepare
from multum.training.settings import Settings

RESULTS = ROOT / "bench" / "results" / "fit.json"
SIZES = (300_000, 1_000_000, 3_000_000, 10_000_000)
SIDES = (1024, 2048, 4096)


def main() -> int:
    """Measure, print, write."""
    asked = parse_arguments()
    torch.set_num_threads(asked.threads or torch.get_num_threads())
    found: dict[str, Any] = {
        "question": "training FLOP/s beside those of matrix products, and bytes a second beside a plain loop",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine() | {"torch": torch.__version__, "threads": torch.get_num_threads()},
        "products_gflops": {name: measure_products(dtype) for name, dtype in TYPES.items()},
        "rows": [],
    }
    for parameters in asked.sizes:
        found["rows"].append(measure_size(parameters, asked.precision, asked.seconds, found["products_gflops"]))
        print(f"{parameters:,} parameters measured", file=sys.stderr)
    print_table(found)
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit", description=__doc__)
    add = parser.add_argument
    add("--sizes", nargs="+", type=lambda text: round(float(text)), default=SIZES, metavar="N", help="parameters")
    add("--precision", choices=TYPES, default=BFLOAT16)
    add("--seconds", type=float, default=20.0, help="for each size (default 20)")
    add("--threads", type=int, default=0, help="0 (default) for all cores")
    add("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def measure_products(dtype: torch.dtype) -> float:
    """Return GFLOP/s of the best of a few sizes of square matrices, each the median of what fits into a second."""
    return max(_measure_square(side, dtype) for side in SIDES)


def _measure_square(side: int, dtype: torch.dtype) -> float:
    a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
    times: list[float] = []
    end = time.perf_counter() + 1
    while time.perf_counter() < end or len(times) < 4:
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * side**3 / statistics.median(times[1:]) / 1e9


def measure_size(parameters: int, precision: str, seconds: float, products: dict[str, float]) -> dict[str, Any]:
    """Return what one size reaches."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(torch.randint(0, 256, (1 << 20,), dtype=torch.uint8).numpy().tobytes())
        file.flush()
        options = FitOptions(parameters=parameters, precision=precision, tokens=1, device="cpu")
        stream = open_stream(file.name)
        task, settings = prepare(stream, stream, options)
    shape, batch = task.program.shape, task.units_per_batch() * task.accumulation
    assert shape is not None, "made by the dial"
    ours = take_steps(task, settings, precision)
    theirs = plain_loop.steps(shape, task.window, batch, TYPES[precision])
    times = _take_turns(ours, theirs, seconds)
    ours_s, theirs_s = (statistics.median(one) for one in times)
    flops = task.flops_per_unit() * batch
    return {
        "parameters": task.program.parameters,
        "width": shape.width,
        "layers": shape.layers,
        "precision": precision,
        "batch": batch,
        "window": task.window,
        "steps": [len(one) for one in times],
        "bytes_per_s": batch / ours_s,
        "plain_bytes_per_s": batch / theirs_s,
        "gflops": flops / ours_s / 1e9,
        "share_of_products": flops / ours_s / 1e9 / products[precision],
        "plain_share_of_products": flops / theirs_s / 1e9 / products[precision],
    }


def _take_turns(ours: Iterator[float], theirs: Iterator[float], seconds: float) -> tuple[list[float], list[float]]:
    """Return the seconds of steps of both, after a few of each that warm up."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        next(ours), next(theirs)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 3:
        times[0].append(next(ours))
        times[1].append(next(theirs))
    return times


def take_steps(task: ByteTask, settings: Settings, precision: str) -> Iterator[float]:
    """Take the trainer's own steps for ever; yield the seconds of each."""
    processes = Processes("cpu", sharded=False)
    module = processes.wrap(task.build())
    optimizers = make_optimizers(module, settings)
    set_precision(optimizers, TYPES[precision])
    step, cores = 0, torch.get_num_threads()
    gradients = Gradients(task, module, processes, settings)
    workers_cores = torch.get_num_threads()
    while True:
        # The plain loop between two steps has all cores.
        torch.set_num_threads(workers_cores)
        start = time.perf_counter()
        gradients.compute(step, precision)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        spent = time.perf_counter() - start
        torch.set_num_threads(cores)
        step += 1
        yield spent


def print_table(found: dict[str, Any]) -> None:
    """Print the figures for people."""
    products = ", ".join(f"{name} {value:,.0f}" for name, value in found["products_gflops"].items())
    table = Table(caption=f"GFLOP/s of matrix products: {products}. {found['machine']['threads']} threads.")
    for heading in ("parameters", "shape", "batch", "KB/s", "plain KB/s", "faster", "GFLOP/s", "of products", "plain"):
        table.add_column(heading, justify="right")
    for row in found["rows"]:
        table.add_row(
            f"{row['parameters']:,}",
            f"{row['width']} x {row['layers']}",
            f"{row['batch']:,}",
            f"{row['bytes_per_s'] / 1000:.1f}",
            f"{row['plain_bytes_per_s'] / 1000:.1f}",
            f"{row['bytes_per_s'] / row['plain_bytes_per_s']:.2f} x",
            f"{row['gflops']:.0f}",
            f"{row['share_of_products']:.0%}",
            f"{row['plain_share_of_products']:.0%}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
