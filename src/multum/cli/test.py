"""`multum test`."""

import time
from dataclasses import asdict

import click

from multum.cli.jobs import (
    STREAM,
    announce_compiling,
    attempt,
    inputs_of,
    shown,
    source_stream,
    worst,
)
from multum.cli.options import base_option, files_argument, program_option, talk_options, work_options
from multum.cli.talk import Talk

EXAMPLES = """\b
Examples:
  multum test *.mtm
  multum test - < a.mtm && rm a
"""


@click.command(epilog=EXAMPLES)
@files_argument
@program_option
@base_option
@work_options
@talk_options
def test(
    files: tuple[str, ...],
    program: str | None,
    base: str | None,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Decode FILES in full and check every checksum and digest; write nothing."""
    talk = Talk(quiet, verbose, as_json)
    return worst(_test_one(talk, path, threads, memory_limit, program, base) for path in inputs_of(files))


def _test_one(
    talk: Talk, path: str, threads: int, memory_limit: int | None, program: str | None, base: str | None
) -> int:
    """Test one archive and say so; return its exit code."""
    name = shown(path)

    def work() -> int:
        from multum.archive import unpacking  # loads the engine, so not before it is needed

        announce_compiling(talk)
        started_s = time.monotonic()
        report = unpacking.test(
            source_stream() if path == STREAM else path,
            threads,
            memory_limit=memory_limit,
            program=program,
            base=base,
            progress=talk.progress(name),
        )
        time_s = time.monotonic() - started_s
        talk.note(f"{name}: ok, {report.raw_bytes:,} bytes, {time_s:.2f} s")
        talk.detail(f"{name}: {report.blocks} blocks, sha256 {report.digest}")
        talk.result(asdict(report) | {"ok": True, "time_s": round(time_s, 3)})
        return 0

    return attempt(talk, name, work)
