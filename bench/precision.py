"""How many bits a weight of a program is to have: program and code, by precision, for one program and its data.

    python -m bench.precision PROGRAM DATA [--bits 8 5 4 3.5 3 2.5 2]

PROGRAM is a directory that `multum fit` wrote, over bytes. Every row is an archive that carries the program, written
and decoded back; 8 bits are rounded to nearest, the others with feedback. Writes bench/results/precision.json.
"""

import argparse
import hashlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import multum
from bench.machine import describe_commit, describe_machine, tell_date

PLAIN_BITS = 8.0


def measure(program: str, data: bytes, bits: float, level: int) -> dict[str, Any]:
    """Return the account of `data` packed with `program` at a precision."""
    archive, started_s = io.BytesIO(), time.process_time()
    report = multum.pack(io.BytesIO(data), archive, level, program=program, bits=None if bits == PLAIN_BITS else bits)
    pack_cpu_s = time.process_time() - started_s
    assert multum.unpack_bytes(archive.getvalue()) == data
    return {
        "bits": bits,
        "program_bytes": report.program_bytes,
        "code_bytes": report.coded_bytes,
        "archive_bytes": report.archive_bytes,
        "pack_cpu_s": round(pack_cpu_s, 1),
    }


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("data", type=Path)
    parser.add_argument("--bits", type=float, nargs="+", default=[8, 5, 4, 3.5, 3, 2.5, 2])
    parser.add_argument("--level", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results/precision.json")
    asked = parser.parse_args()
    data = asked.data.read_bytes()
    found: dict[str, Any] = {
        "question": "program and code of one program and its data, by the bits a weight of the program has",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "program_file_bytes": multum.open_program(asked.program).size_bits // 8,
        "level": asked.level,
        "raw_bytes": len(data),
        "data_hash": hashlib.sha256(data).hexdigest(),
        "alone_bytes": len(multum.pack_bytes(data, asked.level)),
        "rows": [],
    }
    for bits in asked.bits:
        found["rows"].append(measure(asked.program, data, bits, asked.level))
        print(found["rows"][-1], flush=True)
        asked.output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
