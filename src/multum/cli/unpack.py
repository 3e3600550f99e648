"""`multum unpack`."""

import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from multum.cli.jobs import (
    STREAM,
    announce_compiling,
    attempt,
    inputs_of,
    shown,
    source_stream,
    stdout_wanted,
    worst,
)
from multum.cli.options import base_option, files_argument, program_option, talk_options, target_options, work_options
from multum.cli.talk import Talk

if TYPE_CHECKING:
    from multum.archive.unpacking import UnpackReport

EXAMPLES = """\b
Examples:
  multum unpack notes.txt.mtm        -> notes.txt; notes.txt.mtm is kept
  multum unpack -o copy notes.mtm    -> copy
  multum unpack folder.mtm           -> folder/
  multum unpack -c folder.mtm | tar t
  multum unpack --program model.gguf a.mtm   one packed with --reference
  multum unpack --base old.safetensors new.safetensors.mtm
"""


@dataclass(frozen=True)
class _Options:
    """What the command line asks for."""

    force: bool
    rm: bool
    threads: int
    memory_limit: int | None
    program: str | None
    base: str | None


@click.command(epilog=EXAMPLES)
@files_argument
@target_options
@program_option
@base_option
@work_options
@talk_options
def unpack(
    files: tuple[str, ...],
    output: str | None,
    to_stdout: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    force: bool,
    rm: bool,
    threads: int,
    memory_limit: int | None,
    program: str | None,
    base: str | None,
) -> int:
    """Unpack each of FILES, named without their .mtm, or to OUT.

    An archive of a folder becomes a folder; with -c its tar stream is
    written. Without FILES, or with -, standard input is unpacked to standard
    output. Archives are kept.
    """
    talk = Talk(quiet, verbose, as_json)
    options = _Options(force, rm, threads, memory_limit, program, base)
    inputs = inputs_of(files)
    streams = stdout_wanted(inputs, output, to_stdout, rm, as_json)
    if output is not None and not streams and len(inputs) > 1:
        raise click.UsageError("-o takes one archive; unpack several without it, or with -c")
    target = None if streams else output
    return worst(_unpack_one(talk, path, target, streams, options) for path in inputs)


def _unpack_one(talk: Talk, path: str, target: str | None, streams: bool, options: _Options) -> int:
    """Unpack one archive and say so; return its exit code."""
    name = shown(path)

    def work() -> int:
        started_s = time.monotonic()
        report = _call_unpack(talk, path, target, streams, options)
        _tell(talk, name, report, time.monotonic() - started_s)
        return 0

    return attempt(talk, name, work)


def _call_unpack(talk: Talk, path: str, target: str | None, streams: bool, options: _Options) -> "UnpackReport":
    """Return the report of the Python function `unpack`."""
    from multum.archive import unpacking  # loads the engine, so not before it is needed

    announce_compiling(talk)
    return unpacking.unpack(
        source_stream() if path == STREAM else path,
        sys.stdout.buffer if streams else target,
        options.threads,
        force=options.force,
        memory_limit=options.memory_limit,
        remove_source=options.rm,
        program=options.program,
        base=options.base,
        progress=talk.progress(shown(path)),
    )


def _tell(talk: Talk, name: str, report: "UnpackReport", time_s: float) -> None:
    """Say what was unpacked."""
    line = f"{name} -> {report.target}" if report.target else name
    talk.note(f"{line}: {report.archive_bytes:,} -> {report.raw_bytes:,} bytes, {time_s:.2f} s")
    talk.detail(f"{name}: level {report.level}, {report.blocks} blocks, sha256 {report.digest}")
    talk.result(asdict(report) | {"time_s": round(time_s, 3)})
