"""`multum plan`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import attempt
from multum.cli.options import checked_count, checked_size, checked_time, talk_options
from multum.cli.talk import Talk, show_size

if TYPE_CHECKING:
    from multum.laws.planning import Plan

EXAMPLES = """\b
Examples:
  multum plan law.json --compute 1e21               FLOPs: how large, how long
  multum plan law.json --time 12h --device-flops 4e13 --data 10B
  multum plan law.json --memory 24G                 what can be trained in it
  multum plan law.json --bytes 30M --data 100M --rival 1.9
                                        program + code of 100 MB in 30 MB
"""


def _read_values(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """Return column -> value of options such as H=0.3. Raises click.BadParameter."""
    found = {}
    for one in given:
        column, sign, value = one.partition("=")
        try:
            found[column.strip()] = float(value)
        except ValueError:
            raise click.BadParameter(f"'{one}' is not understood; write for instance H=0.3", ctx, param) from None
        if not sign:
            raise click.BadParameter(f"'{one}' is not understood; write for instance H=0.3", ctx, param)
    return found


@click.command(epilog=EXAMPLES)
@click.argument("law", type=click.Path())
@click.option("--compute", type=float, metavar="FLOPS", help="Training budget, 6 N D.")
@click.option("--memory", callback=checked_size, metavar="SIZE", help="Of training: 16 bytes a parameter.")
@click.option("--bytes", "archive", callback=checked_size, metavar="SIZE", help="Of program and code of --data.")
@click.option("--time", callback=checked_time, metavar="TIME", help="Such as 90s or 2h, with --device-flops.")
@click.option("--device-flops", type=float, metavar="F", help="FLOPs a second that the device reaches.")
@click.option("--data", callback=checked_count, metavar="D", help="Unique tokens, or bytes, at hand.")
@click.option("--bits", type=float, metavar="B", help="Of a weight [default: the best, where the law tells].")
@click.option("--epochs", type=float, metavar="E", help="Repeat data so often at most, for --bytes [default: 4].")
@click.option("--rival", type=float, metavar="BPB", help="Say from how much data on programs beat this, as pack -9.")
@click.option("--at", multiple=True, metavar="NAME=VALUE", callback=_read_values, help="Of the law's other columns.")
@click.option("--anyway", is_flag=True, help="Extrapolate even where the law gives reasons not to.")
@talk_options
def plan(
    law: str,
    compute: float | None,
    memory: int | None,
    archive: int | None,
    time: float | None,
    device_flops: float | None,
    data: int | None,
    bits: float | None,
    epochs: float | None,
    rival: float | None,
    at: dict[str, float],
    anyway: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Show what a budget buys by LAW: parameters, data, precision, and the loss.

    LAW is what `multum law -o` wrote. Give one budget: --compute, --memory,
    --bytes, or --time.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.laws import planning  # loads NumPy, so not before it is needed

        found = planning.plan(
            law,
            compute=compute,
            memory_bytes=memory,
            archive_bytes=archive,
            time_s=time,
            device_flops=device_flops,
            data=data,
            bits=bits,
            epochs=epochs,
            rival_bpb=rival,
            at=at,
            anyway=anyway,
        )
        _tell(talk, found)
        return 0

    return attempt(talk, "plan", work)


def _tell(talk: Talk, plan: "Plan") -> None:
    """Print the plan, and talk about what is to be minded."""
    talk.result(plan.as_dict())
    if not talk.as_json:
        for name, value in list_lines(plan):
            click.echo(f"{name:<12}{value}")
    if plan.extrapolated:
        talk.note("this lies beyond the points of the law")
    for note in plan.notes:
        talk.note(note)


def list_lines(plan: "Plan") -> list[tuple[str, str]]:
    """Return the plan as (name, value) lines."""
    size = f"{plan.N:.4g}"
    if plan.N_low is not None and plan.N_high is not None:
        size += f"  (80 % interval {plan.N_low:.3g} to {plan.N_high:.3g})"
    lines = [
        ("parameters", size),
        ("data", f"{plan.D:.4g}, {plan.epochs:.3g} epochs, {plan.D / plan.N:.3g} a parameter"),
    ]
    if plan.bits is not None:
        lines.append(("bits", f"{plan.bits:.3g} a weight"))
    lines.append(("compute", f"{plan.compute:.4g} FLOPs"))
    unit = "" if plan.unit == "none" else f" {plan.unit}"
    lines.append(("loss", f"{plan.loss:.5g}{unit}  (80 % interval {plan.low:.5g} to {plan.high:.5g})"))
    if plan.half is not None:
        lines.append(("half size", f"{plan.half:.5g}, {plan.half / plan.loss - 1:+.2%}"))
    if plan.double is not None:
        lines.append(("double size", f"{plan.double:.5g}, {plan.double / plan.loss - 1:+.2%}"))
    if plan.account is not None:
        program, code = show_size(plan.account.program_bytes), show_size(plan.account.code_bytes)
        lines.append(("bytes", f"{show_size(plan.account.total_bytes)}: program {program}, code {code}"))
    if plan.crossover_bytes is not None:
        lines.append(("crossover", f"programs pay from {show_size(plan.crossover_bytes)} of data on"))
    return lines
