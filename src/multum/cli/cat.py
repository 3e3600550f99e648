"""`multum cat`."""

import re
import sys
from dataclasses import dataclass

import click

from multum.cli.jobs import STREAM, announce_compiling, attempt, inputs_of, shown, source_stream, worst
from multum.cli.options import base_option, files_argument, program_option, work_options
from multum.cli.talk import Talk

EXAMPLES = """\b
Examples:
  multum cat notes.mtm | less
  multum cat --range 1000:2000 log.mtm   decodes only the blocks needed
  multum cat --range -500: log.mtm       the last 500 bytes
"""

Bounds = tuple[int | None, int | None]
PIECE_BYTES = 1 << 20


def _checked_range(ctx: click.Context, param: click.Parameter, value: str | None) -> Bounds | None:
    """Return the ends of A:B as Python slices have them; either may be missing or negative."""
    if value is None:
        return None
    match = re.fullmatch(r"(-?\d+)?:(-?\d+)?", value)
    if match is None:
        raise click.BadParameter(f"'{value}' is not a range; write for instance 0:100 or -500:", ctx, param)
    first, last = match.groups()
    return int(first) if first else None, int(last) if last else None


@click.command(epilog=EXAMPLES)
@files_argument
@click.option(
    "--range",
    "bounds",
    metavar="A:B",
    callback=_checked_range,
    help="Only bytes A to B-1 of the content; negative ends count from its end.",
)
@program_option
@base_option
@work_options
def cat(
    files: tuple[str, ...],
    bounds: Bounds | None,
    program: str | None,
    base: str | None,
    threads: int,
    memory_limit: int | None,
) -> int:
    """Write the content of FILES to standard output, one after another.

    For a folder's archive the content is its tar stream. With --range only
    the blocks that are needed are decoded.
    """
    talk, inputs = Talk(), inputs_of(files)
    if bounds is not None and inputs == (STREAM,):
        raise click.UsageError("--range needs a file that can seek, not standard input")
    given = _Given(memory_limit, program, base)
    return worst(_cat_one(talk, path, bounds, threads, given) for path in inputs)


@dataclass(frozen=True)
class _Given:
    """What every reader of an archive is given; see `unpack`."""

    memory_limit: int | None
    program: str | None
    base: str | None


def _cat_one(talk: Talk, path: str, bounds: Bounds | None, threads: int, given: _Given) -> int:
    """Write the content of one archive; return the exit code."""

    def work() -> int:
        if bounds is None:
            _write_all(talk, path, threads, given)
        else:
            _write_range(talk, path, bounds, given)
        return 0

    return attempt(talk, shown(path), work)


def _write_all(talk: Talk, path: str, threads: int, given: _Given) -> None:
    """Write the whole content, decoded on several threads."""
    from multum.archive import unpacking  # loads the engine, so not before it is needed

    announce_compiling(talk)
    source = source_stream() if path == STREAM else path
    unpacking.unpack(source, sys.stdout.buffer, threads, **vars(given))


def _write_range(talk: Talk, path: str, bounds: Bounds, given: _Given) -> None:
    """Write the bytes within `bounds`, decoding only their blocks."""
    from multum.archive.seeking import open_archive

    announce_compiling(talk)
    with open_archive(path, **vars(given)) as file:
        start, stop, _ = slice(*bounds).indices(file.seek(0, 2))
        file.seek(start)
        left = max(0, stop - start)
        while left and (piece := file.read(min(left, PIECE_BYTES))):
            sys.stdout.buffer.write(piece)
            left -= len(piece)
    sys.stdout.buffer.flush()
