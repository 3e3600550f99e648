"""`multum law`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from multum.cli.jobs import attempt
from multum.cli.options import talk_options
from multum.cli.talk import Talk, printable

if TYPE_CHECKING:
    from multum.laws.law import Law

EXAMPLES = """\b
Examples:
  multum law runs.csv -o law.json              the form with the shortest description
  multum law --form chinchilla --hold-out largest:50% runs.jsonl
  multum law --form "E + A / N**a" --column N="Model Size" runs.parquet
  multum law --form product --over width,depth --target loss runs.csv
  multum law run1 run2 run3 run4 run5 run6     folders that fit made
"""


def read_columns(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Return column -> field of options such as N=params. Raises click.BadParameter."""
    found = {}
    for one in given:
        column, sign, field = one.partition("=")
        if not sign or not column or not field:
            raise click.BadParameter(f"'{one}' is not understood; write for instance N='Model Size'", ctx, param)
        found[column.strip()] = field.strip()
    return found


def _split(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    """Return names separated by commas."""
    return [name.strip() for name in (given or "").split(",") if name.strip()]


column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=FIELD",
    callback=read_columns,
    help="What holds N, D, U, C, H, P, Q or any NAME.",
)
target_option = click.option("--target", metavar="FIELD", help="What the law predicts [default: loss, bpb, ...].")
unit_option = click.option("--unit", metavar="UNIT", help="nats, bits, perplexity or none [default: by the name].")


@click.command(epilog=EXAMPLES)
@click.argument("points", nargs=-1, required=True, type=click.Path())
@click.option("--form", default="auto", metavar="FORM", help="A name, a formula, or auto [default: auto].")
@target_option
@unit_option
@column_option
@click.option("--over", metavar="NAMES", callback=_split, help="Columns of power, broken or product.")
@click.option("--hold-out", metavar="SHARE", help="Predict these instead of fitting them, such as largest:20%.")
@click.option("--drop", metavar="SHARE", help="Leave these out, such as highest:5.")
@click.option("--delta", type=float, default=1e-3, metavar="D", help="Where residuals begin to count linearly [0.001].")
@click.option("--resamples", type=int, default=1000, metavar="N", help="Of the bootstrap [default: 1000].")
@click.option("--seed", type=int, default=0, metavar="N", help="Same seed, same intervals [default: 0].")
@click.option("-o", "--output", metavar="LAW", help="Write the law to LAW, for predict and plan.")
@click.option("-f", "--force", is_flag=True, help="Overwrite LAW if it exists.")
@talk_options
def law(
    points: tuple[str, ...],
    form: str,
    target: str | None,
    unit: str | None,
    columns: dict[str, str],
    over: list[str],
    hold_out: str | None,
    drop: str | None,
    delta: float,
    resamples: int,
    seed: int,
    output: str | None,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Fit a scaling law to POINTS: tables of runs (csv, JSON lines, parquet) or run folders.

    FORM is kaplan-n, kaplan-d, kaplan, chinchilla, power, broken, product,
    data-constrained, precision, compressibility, or written out. Exit code 2:
    the law gives reasons not to extrapolate with it.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.laws import fitting  # loads NumPy, so not before it is needed

        found = fitting.law(
            points,
            output,
            form=form,
            target=target,
            unit=unit,
            columns=columns,
            over=over,
            hold_out=hold_out,
            drop=drop,
            delta=delta,
            resamples=resamples,
            seed=seed,
            force=force,
        )
        _tell(talk, found, output)
        return 2 if found.refusals else 0

    return attempt(talk, "law", work)


def _tell(talk: Talk, law: "Law", output: str | None) -> None:
    """Print the law, and talk about what is to be minded."""
    for note in law.notes:
        talk.note(note)
    for reason in law.refusals:
        talk.warn(f"not to be extrapolated: {reason}")
    for warning in law.warnings:
        talk.warn(warning)
    talk.result(law.as_dict())
    if not talk.as_json:
        click.echo(printable(show_law(law)).replace("\\n", "\n"))
    if output is not None:
        talk.note(f"wrote {output}; `multum predict` and `multum plan` read it")


def show_law(law: "Law") -> str:
    """Return a law as text: formula, parameters with intervals, errors, and what else was fitted."""
    lines = [f"{law.form}: {law.target} = {law.formula}, in {law.unit}" if law.unit != "none" else law.formula, ""]
    rows = [("parameter", "value", "standard error", "80 % interval", "in predictions")]
    for name, value in law.parameters.items():
        low, high = law.intervals[name]
        error, expected = law.standard_errors[name], law.expected[name]
        rows.append((name, f"{value:.6g}", f"{error:.3g}", f"{low:.4g} to {high:.4g}", f"{expected:.5g}"))
    lines += _align(rows)
    lines += ["", f"{law.points} points, mean error {law.error:.2%}, objective {law.objective:.6g}"]
    if law.holdout is not None:
        lines.append(
            f"held out {law.holdout.share} ({law.holdout.points} points, up to {law.holdout.reach:.3g} times the"
            f" compute): mean error {law.holdout.error:.2%}, {law.holdout.coverage:.0%} inside 80 % intervals"
        )
    if law.runners_up:
        others = [
            (one.form, f"{one.bits:.1f}", "unknown" if one.error is None else f"{one.error:.2%}")
            for one in law.runners_up
        ]
        lines += ["", *_align([("other form", "longer by, bits", "held-out error"), *others])]
    return "\n".join(lines)


def _align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows of a table, the first column flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
