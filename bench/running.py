"""How many tokens a second does a language model read here, in float32, in bfloat16 and in 8-bit integers?

Run as `python -m bench.running --model DIR` on a machine with nothing else to do. Reading is one call on so many
tokens; writing is one token after another, each with what was kept of those before it. All kinds take turns, so that a
busy minute falls on each of them; a figure is the median of the turns. Writes bench/results/running.json, and the table
of it in docs/choosing.md.
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

RESULTS = ROOT / "bench" / "results" / "running.json"
PAGE = ROOT / "docs" / "choosing.md"
READ = (32, 128, 512)
WRITTEN, BEFORE = 16, 128
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
    }
    rows = [row for threads in range(1, (os.cpu_count() or 1) + 1) for row in measure(kinds, threads)]
    told = {"commit": describe_commit(), "date": tell_date(), "machine": describe_machine(), "rows": rows}
    asked.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(show_table(rows))
    if asked.out == RESULTS:
        PAGE.write_text(replace_marked(PAGE, show_table(rows), "running"), "utf-8")
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
                started_s = time.perf_counter()
                tokens = work(module)
                if turn:  # the first one warms up
                    seconds[kind].append((time.perf_counter() - started_s) / tokens)
        found = {kind: round(1 / statistics.median(each), 1) for kind, each in seconds.items()}
        rows.append({"work": name, "threads": threads, "tokens_a_s": found})
    return rows


def _reader(count: int) -> Callable[[nn.Module], int]:
    """Return what reads so many tokens at once, and returns how many."""

    def read(module: nn.Module) -> int:
        module(input_ids=_draw(count))
        return count

    return read


def _write(module: nn.Module) -> int:
    """Let `module` say tokens, one at a time; what it reads first counts as well, and is little."""
    kept = module(input_ids=_draw(BEFORE), use_cache=True)
    for _ in range(WRITTEN):
        said = kept.logits[:, -1:].argmax(-1)
        kept = module(input_ids=said, past_key_values=kept.past_key_values, use_cache=True)
    return WRITTEN


def _draw(count: int) -> torch.Tensor:
    """Return int64[1, count], any tokens."""
    return torch.arange(1000, 1000 + count)[None]


def show_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    kinds = list(rows[0]["tokens_a_s"])
    figures = [[f"{row['tokens_a_s'][kind]:,.0f}" for kind in kinds] for row in rows]
    names = [[row["work"], str(row["threads"])] for row in rows]
    heads = ["tokens a second", "threads", *kinds]
    return make_table([heads, *(name + found for name, found in zip(names, figures, strict=True))])


if __name__ == "__main__":
    raise SystemExit(main())
