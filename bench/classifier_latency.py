"""How long does a classifier of texts take for 128 tokens, after what the recipes of bench.classifier leave of it?

Run as `python -m bench.classifier_latency --model DIR` on a machine with nothing else to do, DIR as there. Networks are
those that a run of a row's recipe leaves, made without learning, which changes no shape; graphs run in ONNX Runtime,
others in torch, as they are and with layers in 8-bit products. All take turns on one thread, so that a busy minute
falls on each of them; a figure is the median of the turns, and that of a row the faster of its two. Writes
bench/results/classifier_latency.json, and the table of bench.classifier in docs/choosing.md.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

import multum
from bench.classifier import AUTO, CASES, LATENCY, RESULTS, TRAINING, WHOLE, read_rows, write_table
from bench.machine import describe_commit, describe_machine, tell_date
from multum.exporting.sessions import Session
from multum.neural.clips import Reach, attach_clips
from multum.shrinking.int8 import make_int8

TOKENS = 128
TURNS = 25


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.classifier_latency", description=__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", required=True, help="the fine-tuned encoder")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    ms = measure({name: (one,) for name, one in make_graphs(asked.model).items()} | make_networks(asked.model))
    told: dict[str, Any] = {"commit": describe_commit(), "date": tell_date(), "machine": describe_machine(), "ms": ms}
    LATENCY.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(json.dumps(ms, indent=1))
    write_table(read_rows(RESULTS))
    return 0


def make_graphs(model: Path) -> dict[str, nn.Module]:
    """Return the rows that run in ONNX Runtime."""
    made: dict[str, nn.Module] = {}
    for name in (case.name for case in CASES if case.verb == "export"):
        int8 = name.partition("int8 ")[2] or None
        with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
            data = str(TRAINING) if int8 == "static" else None
            multum.export(model, f"{folder}/graph", "onnx", int8=int8, data=data, threads=1)
            made[name] = Session(Path(folder, "graph", "model.onnx").read_bytes(), threads=1)
    return made


def make_networks(model: Path) -> dict[str, tuple[nn.Module, ...]]:
    """Return what each recipe leaves, as it is and with layers in 8-bit products; WHOLE for those of equal shape."""
    made: dict[str, tuple[nn.Module, ...]] = {}
    for case in CASES:
        if case.verb == "shrink" and case.name != AUTO and tell_shape(case.name) not in made:
            dense = reshape(multum.load_program(model), case.name)
            made[tell_shape(case.name)] = dense, make_int8(dense)
    return made


def tell_shape(recipe: str) -> str:
    """Return the recipe if it changes what runs, else WHOLE."""
    changes = any(part in recipe for part in ("structure=", "lowrank=", "distil=0", ":a4"))
    return recipe if changes else WHOLE


def reshape(module: nn.Module, recipe: str) -> nn.Module:
    """Return `module` as the passes of `recipe` leave it, but for the values of its weights."""
    batches = [{"input_ids": torch.arange(512).view(8, 64) + 1000}]
    for name, _, words in (part.partition("=") for part in recipe.split(" | ")):
        if name == "structure":
            multum.structure(module, words, batches)
        elif name == "lowrank":
            multum.lowrank(module, f"{words}:svd")
        elif name == "distil" and words.startswith("0.5"):
            config: Any = module.config
            multum.structure(module, f"layers:{config.num_hidden_layers // 2}", batches)
        elif name == "qat" and ":a4" in words:
            inner = [part for part, layer in module.named_modules() if type(layer) is nn.Linear][1:-1]
            attach_clips(module, dict.fromkeys(inner, Reach(3.0, True)), 4)
    return module.eval()


@torch.inference_mode()
def measure(kinds: dict[str, tuple[nn.Module, ...]]) -> dict[str, list[float]]:
    """Return the milliseconds of each network, all taking turns."""
    ids = torch.arange(TOKENS)[None] + 1000
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in networks] for name, networks in kinds.items()}
    for turn in range(TURNS + 1):
        for name, networks in kinds.items():
            for network, found in zip(networks, seconds[name], strict=True):
                started_s = time.perf_counter()
                network(input_ids=ids)
                if turn:  # the first one warms up
                    found.append(time.perf_counter() - started_s)
    return {name: [round(1000 * statistics.median(one), 1) for one in found] for name, found in seconds.items()}


if __name__ == "__main__":
    raise SystemExit(main())
