"""How many tokens a second does a language model read and write here, in floating point and in integers?

Run as `python -m bench.running --model DIR` on a machine with nothing else to do. Kinds: float32 and bfloat16; linear
layers whose products are of 8-bit integers; weights alone in 8 or 4 bits, and the rest in bfloat16. Reading is one call
on so many tokens; writing is one token after another, each with what was kept of those before it. All kinds take turns,
so that a busy minute falls on each of them; a figure is the median of the turns. Bytes are those of the weights in
memory. Writes bench/results/running.json, and the table of it in docs/choosing.md.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import multum
from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.shrinking.measuring import count_weight_bytes

RESULTS = ROOT / "bench" / "results" / "running.json"
PAGE = ROOT / "docs" / "choosing.md"
READ = (32, 128, 512)
WRITTEN, BEFORE = 32, 128
TURNS = 7
Row = dict[str, Any]


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.running", description=__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", required=True, help="a language model of transformers")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    asked = parser.parse_args()
    kinds = {
        "float32": multum.load_program(asked.model),
        "bfloat16": multum.load_program(asked.model).bfloat16(),
        "int8": multum.load_program(asked.model, int8=True),
        "8-bit weights": multum.load_program(asked.model, weight_bits=8).bfloat16(),
        "4-bit weights": multum.load_program(asked.model, weight_bits=4).bfloat16(),
    }
    rows = [row for threads in range(1, (os.cpu_count() or 1) + 1) for row in measure(kinds, threads)]
    sizes = {kind: count_weight_bytes(module) for kind, module in kinds.items()}
    told: Row = {"commit": describe_commit(), "date": tell_date(), "machine": describe_machine(), "rows": rows}
    told["weight_bytes"] = sizes
    asked.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    table = show_table(rows, sizes)
    print(table)
    if asked.out == RESULTS:
        PAGE.write_text(replace_marked(PAGE, table, "running"), "utf-8")
    return 0


@torch.inference_mode()
def measure(kinds: dict[str, nn.Module], threads: int) -> list[Row]:
    """Return a row for each work: tokens a second of each kind, on so many threads."""
    torch.set_num_threads(threads)
    works = {f"read {count}": _reader(count) for count in READ} | {"write": _write}
    rows = []
    for name, work in works.items():
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        for turn in range(TURNS + 1):
            for kind, module in kinds.items():
                token_s = work(module)
                if turn:  # the first one warms up
                    seconds[kind].append(token_s)
        found = {kind: round(1 / statistics.median(each), 1) for kind, each in seconds.items()}
        rows.append({"work": name, "threads": threads, "tokens_a_s": found})
    return rows


def _reader(count: int) -> Callable[[nn.Module], float]:
    """Return what reads so many tokens at once, and returns the seconds of each."""

    def read(module: nn.Module) -> float:
        started_s = time.perf_counter()
        module(input_ids=_draw(count))
        return (time.perf_counter() - started_s) / count

    return read


def _write(module: nn.Module) -> float:
    """Return the seconds of each token that `module` says, one at a time."""
    kept = module(input_ids=_draw(BEFORE), use_cache=True)
    started_s = time.perf_counter()
    for _ in range(WRITTEN):
        said = kept.logits[:, -1:].argmax(-1)
        kept = module(input_ids=said, past_key_values=kept.past_key_values, use_cache=True)
    return (time.perf_counter() - started_s) / WRITTEN


def _draw(count: int) -> torch.Tensor:
    """Return int64[1, count], any tokens."""
    return torch.arange(1000, 1000 + count)[None]


def show_table(rows: list[Row], sizes: dict[str, int]) -> str:
    """Return the rows as a table in Markdown."""
    kinds = list(rows[0]["tokens_a_s"])
    figures = [[f"{row['tokens_a_s'][kind]:,.0f}" for kind in kinds] for row in rows]
    names = [[row["work"], str(row["threads"])] for row in rows]
    heads = ["tokens a second", "threads", *kinds]
    last = ["bytes", "", *(f"{sizes[kind]:,}" for kind in kinds)]
    return make_table([heads, *(name + found for name, found in zip(names, figures, strict=True)), last])


if __name__ == "__main__":
    raise SystemExit(main())
