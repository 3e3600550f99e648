"""Fuzzes the readers with atheris: `python tests/fuzz/reader.py --minutes 10`.

Each input is tried as it is and with its checksums repaired. A failure is
written to the folder that is named at the end; keep it, repaired, as a file in
tests/hostile with a line in the manifest. `--replay FILE` runs one input.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[2]))

MEMORY_MB = 2000
# Modules with compiled kernels: numba cannot compile what atheris has instrumented.
KERNELS = [
    "multum.bits.adaptive",
    "multum.bits.binary",
    "multum.bits.interleaved",
    "multum.bits.kernels",
    "multum.formats.transforms",
    "multum.mixing.engine",
    "multum.mixing.features",
    "multum.mixing.matching",
    "multum.mixing.mixer",
    "multum.mixing.slots",
    "multum.tensors.differences",
    "multum.tensors.fields",
    "multum.tensors.grid_levels",
    "multum.tensors.plain_bits",
]
SECONDS_AN_INPUT = 20


def load_check(instrument: bool) -> Callable[[bytes], None]:
    """Return what checks one input, as it is and repaired.

    instrument: let atheris watch the branches of all modules but KERNELS.
    """
    watched = contextlib.nullcontext()
    if instrument:
        import atheris  # type: ignore[import-untyped, unused-ignore]

        watched = atheris.instrument_imports(include=["multum.archive", "tests.fuzz.repair"], exclude=KERNELS)
    with watched:
        from tests.fuzz.oracle import check_reader
        from tests.fuzz.repair import repair

        # The public functions load on first use; they must load here.
        check_reader(b"")

    def check(data: bytes) -> None:
        check_reader(data)
        repaired = repair(data)
        if repaired != data:
            check_reader(repaired)

    return check


def fuzz(minutes: float, corpus: Path, findings: Path) -> None:
    """Fuzz for some minutes and leave the process, with 0 when nothing was found."""
    try:
        import atheris  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install 'multum[fuzz]'")
    check = load_check(instrument=True)
    from tests.fuzz.corpus import write_corpus

    write_corpus(corpus)
    options = [
        f"-max_total_time={round(minutes * 60)}",
        f"-artifact_prefix={findings}/",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-timeout={SECONDS_AN_INPUT}",
        "-max_len=16384",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], check)
    atheris.Fuzz()


def main() -> None:
    """Read the command line and fuzz, or replay a finding."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of archives.")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--corpus", type=Path, help="keep the corpus here between runs")
    parser.add_argument("--replay", type=Path, help="run one input and leave")
    given = parser.parse_args()
    if given.replay is not None:
        load_check(instrument=False)(given.replay.read_bytes())
        return
    corpus = given.corpus or Path(tempfile.mkdtemp(prefix="multum-corpus-"))
    corpus.mkdir(parents=True, exist_ok=True)
    findings = Path(tempfile.mkdtemp(prefix="multum-findings-"))
    sys.stderr.write(f"findings go to {findings}\n")
    fuzz(given.minutes, corpus, findings)


if __name__ == "__main__":
    main()
