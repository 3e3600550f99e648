"""`multum bits`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt, inputs_of, named, opened
from multum.cli.options import talk_options, weight_bits_option
from multum.cli.talk import Talk, printable, show_size

if TYPE_CHECKING:
    from multum.evaluation.rates import RateReport

EXAMPLES = """\b
Examples:
  multum bits level:5 notes.txt         what pack -5 would take
  multum bits run/ held-out.txt         a program that fit made
  multum bits model.gguf --window 1024 --overlap 512 notes.txt
  cat *.txt | multum bits run/ -        standard input
  multum bits --json run/ notes.txt --per-byte bits.npy
  multum bits run/ notes.txt --code bits   sample --from-bits undoes it
"""


@click.command(epilog=EXAMPLES)
@click.argument("program")
@click.argument("data", nargs=-1, type=click.Path())
@click.option("--per-byte", metavar="OUT", help="Write the bits of each byte to OUT, as float32 .npy.")
@click.option("--code", metavar="OUT", help="Write the bits themselves: the shortest code of DATA, without its length.")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT if it exists.")
@click.option("--window", type=int, metavar="N", help="Tokens read at once [default: 2048, or what the program can].")
@click.option("--overlap", type=int, metavar="N", help="Tokens of a window read again as context [default: half].")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N [default: auto].")
@weight_bits_option
@talk_options
def bits(
    program: str,
    data: tuple[str, ...],
    per_byte: str | None,
    code: str | None,
    force: bool,
    window: int | None,
    overlap: int | None,
    device: str,
    weight_bits: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Show how many bits DATA takes under PROGRAM.

    PROGRAM is level:1 to level:9, an .mtm archive (its program or recipe), a
    directory, a .gguf file, or the name of a hub model. DATA is files, folders (their
    files one after another), archives (what they hold), or - for standard input.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)
    if code is not None and per_byte is not None:
        raise click.UsageError("--code and --per-byte exclude each other; give one of them")
    if code is not None and weight_bits is not None:
        raise click.UsageError(
            "--code and --weight-bits exclude each other: codes are made by a program in integers of its own; give one"
        )
    name = named(inputs)

    def work() -> int:
        from multum.evaluation import rates  # loads the engine, so not before it is needed

        announce_compiling(talk)
        source = opened(inputs)
        if code is not None:
            report = rates.write_code(program, source, code, force=force, window=window, device=device)
            _tell(talk, name, report)
            return 0
        report = rates.code_bits(
            program,
            source,
            per_byte=per_byte,
            force=force,
            window=window,
            overlap=overlap,
            device=device,
            weight_bits=weight_bits,
            progress=talk.progress(name),
        )
        _tell(talk, name, report)
        return 0

    return attempt(talk, "bits", work)


def _tell(talk: Talk, name: str, report: "RateReport") -> None:
    """Print the result, and talk about what surrounds it."""
    talk.clear()
    if report.stray_bytes:
        talk.warn(f"{name}: {report.stray_bytes:,} bytes are not UTF-8; the program spells them one by one")
    talk.result(report.as_dict() | {"data": name})
    if not talk.as_json:
        click.echo(f"{printable(name)}: {report.summary}")
    size = show_size(report.program_bits / 8) if report.program_bits else "no size: it learns while it codes"
    talk.note(f"{'measured' if report.measured else 'estimated'} in {report.seconds:.2f} s; the program has {size}")
