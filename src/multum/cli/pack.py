"""`multum pack`."""

import functools
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from multum.cli.app import WARNING
from multum.cli.jobs import announce_compiling, attempt, inputs_of, named, opened, stdout_wanted, worst
from multum.cli.options import files_argument, talk_options, target_options, work_options
from multum.cli.talk import Talk

if TYPE_CHECKING:
    from multum.archive.packing import PackReport
    from multum.archive.programs import HeldProgram

EXAMPLES = """\b
Examples:
  multum pack notes.txt              -> notes.txt.mtm; notes.txt is kept
  multum pack -1 a.log b.log         -> a.log.mtm, b.log.mtm, fast
  multum pack -9 --verify -o x.mtm D all of D, small, verified
  tar c D | multum pack > D.mtm      a stream
  multum pack --program run/ a.txt   with a program that fit made, inside
  multum pack --program model.gguf --reference a.txt
  multum pack --base old.safetensors new.safetensors   what changed
"""


class PackCommand(click.Command):
    """A command that reads -1 … -9 as levels, and -12 as a level out of range, not as -1 -2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return the arguments with -N written as --level=N, up to a lone --."""
        stop = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [_as_level(word) for word in args[:stop]] + args[stop:])


def _as_level(word: str) -> str:
    """Return -N as --level=N, and any other word as it is."""
    return f"--level={word[1:]}" if re.fullmatch(r"-\d+", word) else word


def _checked_level(ctx: click.Context, param: click.Parameter, value: int) -> int:
    """Return the level. Raises click.BadParameter outside 1 to 9."""
    if not 1 <= value <= 9:
        raise click.BadParameter(f"{value} is out of range; levels go from 1 (fast) to 9 (small)", ctx, param)
    return value


@dataclass(frozen=True)
class _Options:
    """What the command line asks for."""

    level: int
    force: bool
    rm: bool
    threads: int
    verify: bool
    memory_limit: int | None
    no_name: bool
    recipe: str | None
    program: "Callable[[], HeldProgram | None]"
    reference: bool
    alone: bool
    base: str | None


@click.command(cls=PackCommand, epilog=EXAMPLES)
@files_argument
@click.option(
    "--level",
    type=int,
    default=5,
    metavar="N",
    callback=_checked_level,
    help="1 (fast) to 9 (small), default 5; -1 … -9 for short.",
)
@target_options
@click.option("--verify", is_flag=True, help="Decode what was written and compare.")
@click.option("--recipe", metavar="FILE", help="Code with the recipe that find saved to FILE, or of an archive.")
@click.option("--program", metavar="PROGRAM", help="Code with a trained program, carried inside; verified.")
@click.option("--reference", is_flag=True, help="Note the program's digest only; unpack needs it again.")
@click.option("--alone", is_flag=True, help="Do without the mixing network; faster.")
@click.option("--bits", type=float, metavar="B", help="Bits a carried weight is to take, such as 4.")
@click.option("--base", metavar="FILE", help="Tell tensors by their differences from this safetensors file.")
@click.option("-n", "--no-name", is_flag=True, help="Keep no name, mode and time inside.")
@work_options
@talk_options
def pack(
    files: tuple[str, ...],
    output: str | None,
    to_stdout: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    level: int,
    force: bool,
    rm: bool,
    threads: int,
    verify: bool,
    memory_limit: int | None,
    no_name: bool,
    recipe: str | None,
    program: str | None,
    reference: bool,
    alone: bool,
    bits: float | None,
    base: str | None,
) -> int:
    """Pack each of FILES into FILE.mtm; with -o OUT all of them into one archive.

    A folder becomes one archive. Without FILES, or with -, standard input is
    packed to standard output. Sources are kept.
    """
    talk = Talk(quiet, verbose, as_json)
    if program is None and (reference or alone or bits is not None):
        raise click.UsageError("--reference, --alone and --bits are of a program; name one with --program")
    if reference and bits is not None:
        raise click.UsageError(
            "a program by --reference has its weights as they are; --bits is for one that is carried"
        )
    held = functools.cache(
        lambda: _hold(program, bits, memory_limit, not reference)
    )  # loaded once, whatever the number of files
    options = _Options(level, force, rm, threads, verify, memory_limit, no_name, recipe, held, reference, alone, base)
    inputs = inputs_of(files)
    streams = stdout_wanted(inputs, output, to_stdout, rm, as_json)
    if streams and sys.stdout.isatty():
        raise click.UsageError("compressed data is not written to a terminal; redirect it, or give -o OUT")
    started_s, reports = time.monotonic(), list["PackReport"]()
    if streams or output is not None:
        target = None if streams else output
        codes = [_pack_one(talk, inputs, target, streams, options, reports)]
    else:
        codes = [_pack_one(talk, [path], None, False, options, reports) for path in inputs]
    if len(reports) > 1:
        raw = sum(report.raw_bytes for report in reports)
        packed = sum(report.archive_bytes for report in reports)
        talk.note(_summary(f"{len(reports)} files", raw, packed, time.monotonic() - started_s))
    return worst(codes)


def _pack_one(
    talk: Talk,
    inputs: Sequence[str],
    target: str | None,
    streams: bool,
    options: _Options,
    reports: "list[PackReport]",
) -> int:
    """Make one archive of `inputs`; return its exit code and append its report.

    target: a path or None for the source's name; streams: standard output instead.
    """
    name = named(inputs)
    derived = target is None and not streams and not options.force
    if derived and inputs[0].endswith(".mtm") and not os.path.isdir(inputs[0]):
        talk.warn(f"{name}: already ends in .mtm, skipped; -f packs it again")
        talk.result({"source": inputs[0], "skipped": "already ends in .mtm"})
        return WARNING

    def work() -> int:
        started_s = time.monotonic()
        report = _call_pack(talk, name, inputs, target, streams, options)
        reports.append(report)
        return _tell(talk, name, report, time.monotonic() - started_s)

    return attempt(talk, name, work)


def _call_pack(
    talk: Talk,
    name: str,
    inputs: Sequence[str],
    target: str | None,
    streams: bool,
    options: _Options,
) -> "PackReport":
    """Return the report of the Python function `pack`."""
    from multum.archive import packing  # loads the engine, so not before it is needed

    announce_compiling(talk)
    source = opened(inputs)
    return packing.pack(
        source,
        sys.stdout.buffer if streams else target,
        options.level,
        options.threads,
        force=options.force,
        verify=options.verify,
        memory_limit=options.memory_limit,
        metadata=not options.no_name,
        remove_source=options.rm,
        recipe=options.recipe,
        program=options.program(),
        reference=options.reference,
        alone=options.alone,
        base=options.base,
        progress=talk.progress(name),
    )


def _hold(program: str | None, bits: float | None, memory_limit: int | None, carried: bool) -> "HeldProgram | None":
    """Return the program that is named, in memory; None for none."""
    from multum.archive.programs import hold

    return hold(program, bits, memory_limit, carried=carried)


def _tell(talk: Talk, name: str, report: "PackReport", time_s: float) -> int:
    """Say what was made, warn of what was left out, and return the exit code."""
    for path in report.skipped:
        talk.warn(f"{path}: left out; a pipe, device, socket, or link that leads outside")
    line = f"{name} -> {report.target}" if report.target else name
    talk.note(_summary(line, report.raw_bytes, report.archive_bytes, time_s))
    if report.program is not None:
        where = f"{report.program_bytes:,} bytes inside" if report.program.carried else "by reference, not counted"
        talk.note(f"{name}: program {report.program.name}, {report.program.size_bytes:,} bytes, {where}")
    rows = sum(report.methods.get(method, 0) for method in ("tensor", "grid", "repeat", "difference"))
    if rows:
        talk.note(f"{name}: {rows:,} bytes of it as tensors")
    if report.base is not None:
        talk.note(f"{name}: base {report.base.name}, {report.base.size_bytes:,} bytes by reference, not counted")
    talk.detail(f"{name}: level {report.level}, {report.blocks} blocks, sha256 {report.digest}")
    talk.result(asdict(report) | {"time_s": round(time_s, 3)})
    return WARNING if report.skipped else 0


def _summary(name: str, raw_bytes: int, archive_bytes: int, time_s: float) -> str:
    """Return the summary line of one archive or of several."""
    line = f"{name}: {raw_bytes:,} -> {archive_bytes:,} bytes"
    if raw_bytes:
        share, rate_bpb = archive_bytes / raw_bytes, 8 * archive_bytes / raw_bytes
        line += f", {share:.1%}, {rate_bpb:.3f} bits per byte"
    return f"{line}, {time_s:.2f} s"
