"""Golden archives with a program: `python -m tests.golden.programs` writes those that are not there yet."""

import io
from pathlib import Path
from typing import Any

import multum
from multum.archive.programs import HeldProgram
from multum.mixing.primers import ENGLISH, read_primer
from tests.small_programs import byte_program, text_program, typical

FOLDER = Path(__file__).parent / "programs1"

Golden = tuple[bytes, int, HeldProgram, dict[str, Any]]


def programs() -> dict[str, Golden]:
    """Return content, level, program and options of each golden archive by name."""
    text = read_primer(ENGLISH)[6000:6700]
    likely = typical(text_program(), 300)
    mixed = likely + bytes(range(256)) + likely[:200] + b"\xff"
    return {
        "guided9": (text, 9, byte_program(), {}),
        "guided1": (text, 1, byte_program(), {"reference": True}),
        "alone": (typical(byte_program(), 500), 1, byte_program(), {"reference": True, "alone": True}),
        "tokens": (mixed, 1, text_program(), {"alone": True}),
        "nothing": (b"", 1, byte_program(), {}),
    }


def pack_golden(golden: Golden) -> bytes:
    """Return the archive without metadata."""
    data, level, program, options = golden
    target = io.BytesIO()
    multum.pack(io.BytesIO(data), target, level, 1, program=program, **options)
    return target.getvalue()


def main() -> None:
    """Write what is missing; what is there stays as it is."""
    FOLDER.mkdir(exist_ok=True)
    for name, golden in programs().items():
        path = FOLDER / f"{name}.mtm"
        if not path.exists():
            path.write_bytes(pack_golden(golden))


if __name__ == "__main__":
    main()
