"""`multum sample`."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import click

from multum.cli.jobs import STREAM, announce_compiling, attempt, source_stream
from multum.cli.options import weight_bits_option
from multum.cli.talk import Talk

if TYPE_CHECKING:
    from multum.evaluation.programs import Program

EXAMPLES = """\b
Examples:
  multum sample run/ -n 500                       a program that fit made
  multum sample run/ --prompt 'It was ' --temperature 0.8 --seed 1
  multum sample level:9 --prompt @dickens.txt     learns the file, goes on
  multum sample model.gguf --top-p 0.9 -o new.txt
  multum sample run/ --from-bits noise -o new.txt   multum bits --code undoes it
"""


@click.command(epilog=EXAMPLES)
@click.argument("program")
@click.option(
    "-n",
    "--bytes",
    "size_bytes",
    type=int,
    metavar="BYTES",
    help="How many bytes [default: 256, or as many as the bits tell].",
)
@click.option(
    "--prompt",
    metavar="TEXT|@FILE",
    default="",
    help="What comes before; @FILE reads it from a file, @- from standard input.",
)
@click.option("--from-bits", metavar="FILE", help="Decode FILE instead of random bits; - for standard input.")
@click.option(
    "--temperature",
    type=float,
    default=1.0,
    metavar="T",
    help="Less than 1 is bolder, 0 takes the likeliest [default: 1].",
)
@click.option(
    "--top-p",
    type=float,
    default=1.0,
    metavar="P",
    help="Draw from the likeliest tokens that have probability P together [default: 1].",
)
@click.option("--seed", type=int, metavar="N", help="The same seed gives the same bytes [default: a new one].")
@click.option("--window", type=int, metavar="N", help="Tokens read at once [default: 2048, or what the program can].")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N [default: auto].")
@weight_bits_option
@click.option("-o", "--output", metavar="OUT", help="Write to OUT instead of standard output.")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT if it exists.")
@click.option("-q", "--quiet", count=True, help="Do not say the seed.")
@click.option("-v", "--verbose", count=True, help="Say more.")
def sample(
    program: str,
    size_bytes: int | None,
    prompt: str,
    from_bits: str | None,
    temperature: float,
    top_p: float,
    seed: int | None,
    window: int | None,
    device: str,
    weight_bits: int | None,
    output: str | None,
    force: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Write new bytes that PROGRAM expects.

    PROGRAM is level:1 to level:9, an .mtm archive (its program or recipe), a
    directory, a .gguf file, or the name of a hub model. A level knows only what it
    learns from the prompt: give it a file.
    """
    talk = Talk(quiet, verbose)

    def work() -> int:
        from multum.evaluation import programs, sampling  # loads the engine, so not before it is needed

        sampling.check_settings(size_bytes, temperature, top_p, seed, from_bits is not None, weight_bits)
        chosen = sampling.choose_seed(seed)
        before = _read_prompt(prompt)
        opened = programs.open_program(program, device, window, weight_bits=weight_bits)
        announce_compiling(talk)
        if from_bits is not None:
            _expand(talk, opened, _read_bits(from_bits), size_bytes, before, output, force)
            return 0
        size = sampling.USUAL_SAMPLE_BYTES if size_bytes is None else size_bytes
        pieces = sampling.draw_pieces(opened, size, before, temperature, top_p, chosen)
        with _target(output, force) as file:
            written = _write(file, pieces)
        talk.note(f"{written:,} bytes, seed {chosen}")
        return 0

    return attempt(talk, "sample", work)


def _read_bits(path: str) -> bytes:
    """Return the bits to decode, whatever the file is. Raises OSError."""
    if path == STREAM:
        return source_stream().read()
    with open(path, "rb") as file:
        return file.read()


def _expand(
    talk: Talk,
    program: "Program",
    code: bytes,
    size_bytes: int | None,
    prompt: bytes,
    output: str | None,
    force: bool,
) -> None:
    """Write what `code` decodes to; where it decided the length too, check that the data has it as its code."""
    data = program.expand(code, size_bytes, prompt)
    with _target(output, force) as file:
        _write(file, iter([data]))
    if size_bytes is not None:
        talk.note(f"{len(data):,} bytes from {len(code):,} bytes of bits")
    elif program.condense(data, prompt) == code.rstrip(b"\0"):
        talk.note(f"{len(data):,} bytes from {len(code):,} bytes of bits, which are their code again: checked")
    else:
        talk.warn("the program splits this text into other tokens than it was made of: its code is other bits")


def _read_prompt(text: str) -> bytes:
    """Return the prompt's bytes. Raises OSError for a file that cannot be read."""
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    from multum.evaluation.contents import read_data

    return read_data(source_stream() if text == f"@{STREAM}" else text[1:])


@contextlib.contextmanager
def _target(output: str | None, force: bool) -> Iterator[BinaryIO]:
    """Give standard output, or a file that appears when the sample is whole."""
    if output in (None, STREAM):
        yield sys.stdout.buffer
        if sys.stdout.isatty():
            click.echo(err=True)  # so that what follows begins a line; the sample itself is left as it is
        return
    from multum.archive.targets import whole_file

    with whole_file(output, force, None) as file:
        yield file


def _write(file: BinaryIO, pieces: Iterator[bytes]) -> int:
    """Write the pieces as they come; return how many bytes they were."""
    written = 0
    for piece in pieces:
        written += file.write(piece)
        file.flush()
    return written
