"""What is a program of tens of millions of weights worth, fitted on a GPU for some minutes and kept in 16 MB?

Two commands, so that the GPU is held for the first alone:
  python -m bench.gpu_fit fit FOLDER    fits a byte program on the texts below and writes it in integers, about 4 bits a
                                        weight, to FOLDER/program.mtm: an archive that holds nothing but the program
  python -m bench.gpu_fit rate FOLDER   on any CPU: archives of held-out text by that program alone, by it and the
                                        mixing network together, and by level 9 without it; all decoded and compared
Both write what they found to FOLDER. The last twentieth of each text is held out; rates are of a sample of every
part of it. The corpus is looked for as bench.corpus says; enwik4m and dickens are left to others.
`fit FOLDER --device cpu --parameters 100k --minutes 0.2` and `rate FOLDER --sample 2000` try it anywhere.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import multum
from bench.corpus import find_corpus
from bench.machine import describe_commit, describe_machine, tell_date
from multum.archive.packing import pack
from multum.archive.programs import HeldProgram, read_program

TEXTS = (
    "text/world192.txt",
    "text/tinyshakespeare.txt",
    "text/plrabn12.txt",
    "text/alice29.txt",
    "model/calib.txt",
    "labels/ag_news_test.csv",
    "labels/sst2_train.tsv",
    "labels/SMSSpamCollection",
)
PROGRAM, FITTED, RATED = "program.mtm", "fit.json", "rates.json"
LARGEST_BYTES = 16 << 20
HELD_OUT_SHARE = 20
Row = dict[str, Any]


def main() -> int:
    """Do what the command line asks for."""
    asked = parse_arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    found = {"date": tell_date(), "commit": describe_commit(), "machine": describe_machine()}
    found |= fit(asked) if asked.verb == "fit" else rate(asked)
    name = FITTED if asked.verb == "fit" else RATED
    (asked.folder / name).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps({key: value for key, value in found.items() if key != "machine"}, indent=1))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_fit", description=__doc__, formatter_class=formatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    fitting = verbs.add_parser("fit", help="fit a program and write it")
    rating = verbs.add_parser("rate", help="rate the program that was written")
    for verb in (fitting, rating):
        verb.add_argument("folder", type=Path, metavar="FOLDER")
    add = fitting.add_argument
    add("--device", default="cuda", help="cuda (default), cuda:N or cpu")
    add("--parameters", type=parse_count, default=20_000_000, metavar="N", help="such as 20M (default), 100k")
    add("--minutes", type=float, default=8.0, help="of training (default 8)")
    add("--window", type=int, help="bytes read at once")
    add("--dropout", type=float, default=0.1, help="default 0.1: the texts are read many times over")
    add("--run", type=Path, metavar="DIR", help="keep what was fitted, in floats, in DIR")
    add("--bits", type=float, default=4.0, help="a weight (default 4)")
    rating.add_argument("--sample", type=int, default=65536, metavar="BYTES", help="of held-out text (default 65536)")
    return parser.parse_args()


def parse_count(text: str) -> int:
    """Return 20_000_000 for 20M and the like."""
    unit = {"k": 1e3, "m": 1e6}.get(text[-1:].lower())
    return round(float(text[:-1]) * unit) if unit else round(float(text))


def fit(asked: argparse.Namespace) -> Row:
    """Fit a program, write it in integers, and return what that took."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        paths = [Path(name, part) for part in ("training", "held-out")]
        for path, parts in zip(paths, split_texts(), strict=True):
            path.write_bytes(b"".join(parts))
        run = asked.run or Path(name, "run")
        report = multum.fit(
            str(paths[0]),
            run,
            held_out=paths[1],
            parameters=asked.parameters,
            time_s=60 * asked.minutes,
            window=asked.window,
            dropout=asked.dropout,
            device=asked.device,
            force=True,
        )
        held = read_program(run, bits=asked.bits)
    target = asked.folder / PROGRAM
    packed = pack(io.BytesIO(), target, program=held, force=True)
    if packed.archive_bytes > LARGEST_BYTES:
        print(
            f"{target} has {packed.archive_bytes:,} bytes, over {LARGEST_BYTES:,}: take fewer --bits", file=sys.stderr
        )
    return {
        "texts": TEXTS,
        "bits_a_weight": asked.bits,
        "float_program_bytes": report.program_bytes,
        "program_archive_bytes": packed.archive_bytes,
        "digest": held.digest.hex(),
        "fit": report.as_dict(),
    }


def rate(asked: argparse.Namespace) -> Row:
    """Return the rates of a sample of held-out text: the program alone, with the mixing network, and without it."""
    program = asked.folder / PROGRAM
    held, sample = read_program(program), take_sample(asked.sample)
    ways: dict[str, Row] = {
        "alone": {"program": held, "alone": True},
        "mixed": {"program": held},
        "level 9": {"verify": True},
    }
    return {
        "sample_bytes": len(sample),
        "program_archive_bytes": program.stat().st_size,
        "digest": held.digest.hex(),
        "rates": {name: measure(sample, held, options) for name, options in ways.items()},
    }


def measure(sample: bytes, held: HeldProgram, options: Row) -> Row:
    """Return what one archive came to; the program is by reference, as it is one file for all data."""
    target, reference = io.BytesIO(), "program" in options
    pack(io.BytesIO(sample[:256]), io.BytesIO(), 9, reference=reference, **options)  # compiles what is to be timed
    start = time.perf_counter()
    report = pack(io.BytesIO(sample), target, 9, reference=reference, **options)
    packed_s, start = time.perf_counter() - start, time.perf_counter()
    back = multum.unpack_bytes(target.getvalue(), program=held if reference else None)
    return {
        "archive_bytes": report.archive_bytes,
        "rate_bpb": 8 * report.archive_bytes / len(sample),
        "verified": back == sample,
        "pack_and_verify_s": packed_s,
        "unpack_s": time.perf_counter() - start,
    }


def split_texts() -> tuple[list[bytes], list[bytes]]:
    """Return (training parts, held-out parts) of the texts."""
    texts = [(find_corpus() / name).read_bytes() for name in TEXTS]
    cuts = [len(text) - len(text) // HELD_OUT_SHARE for text in texts]
    return (
        [text[:cut] for text, cut in zip(texts, cuts, strict=True)],
        [text[cut:] for text, cut in zip(texts, cuts, strict=True)],
    )


def take_sample(size_bytes: int) -> bytes:
    """Return the start of each held-out part, in proportion to its length."""
    parts = split_texts()[1]
    whole = sum(map(len, parts))
    return b"".join(part[: round(size_bytes * len(part) / whole)] for part in parts)


if __name__ == "__main__":
    sys.exit(main())
