"""`multum find`."""

import shlex
from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt, inputs_of, named, opened
from multum.cli.options import checked_time, talk_options, work_options
from multum.cli.talk import Talk, printable, show_time

if TYPE_CHECKING:
    from multum.finding.reports import FindReport
    from multum.finding.running import Moment, Progress

EXAMPLES = """\b
Examples:
  multum find table.bin                         five minutes -> table.bin.mtm
  multum find -o x.mtm --budget 1h logs/        a folder, an hour
  multum find --save-recipe r.json jan.csv      and for more data of the kind:
  multum pack --recipe r.json feb.csv
  multum find --resume table.bin                go on after Ctrl-C
"""


@click.command(epilog=EXAMPLES)
@click.argument("data", nargs=-1, type=click.Path())
@click.option("-o", "--output", metavar="OUT", help="Write the archive to OUT [default: DATA.mtm].")
@click.option("--budget", callback=checked_time, metavar="TIME", help="Time, such as 90s or 2h [default: 5m].")
@click.option(
    "--trials", type=click.IntRange(min=1), metavar="N", help="Try N recipes instead; every machine finds the same."
)
@click.option("--candidate", "candidates", multiple=True, metavar="FILE", help="Try this recipe or archive too.")
@click.option("--save-recipe", metavar="FILE", help="Write the recipe that won to FILE, for pack --recipe.")
@click.option("--seed", type=int, default=0, metavar="N", help="Where chance begins [default: 0].")
@click.option("--resume", is_flag=True, help="Go on with the search for OUT that was stopped.")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT and FILE if they exist.")
@work_options
@talk_options
def find(
    data: tuple[str, ...],
    output: str | None,
    budget: float | None,
    trials: int | None,
    candidates: tuple[str, ...],
    save_recipe: str | None,
    seed: int,
    resume: bool,
    force: bool,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Search for the program that makes the smallest archive of DATA, program counted.

    Recipes are tried on samples, the best is packed and decoded back, and so is
    level 9: OUT is the smaller. Ctrl-C is safe: OUT is whole, --resume goes on.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)
    name = named(inputs)

    def work() -> int:
        from multum.finding import finder  # loads the engine, so not before it is needed

        announce_compiling(talk)
        report = finder.find(
            opened(inputs),
            output,
            time_s=budget,
            trials=trials,
            candidates=candidates,
            save_recipe=save_recipe,
            seed=seed,
            threads=threads,
            force=force,
            resume=resume,
            memory_limit=memory_limit,
            progress=_watch(talk, name) if talk.shows_progress else None,
        )
        _tell(talk, name, report)
        return 0

    return attempt(talk, name, work)


def _watch(talk: Talk, name: str) -> "Progress":
    """Return what shows where a search is, on one changing line."""

    def show(moment: "Moment") -> None:
        level = "" if moment.level_bytes is None else f" (level 9: {moment.level_bytes:,.0f})"
        parts = [printable(name), f"{moment.fraction:.0%}", f"{moment.trials} recipes"]
        parts.append(f"best about {moment.best_bytes:,.0f} bytes{level}")
        if moment.left_s is not None:
            parts.append(f"{show_time(max(moment.left_s, 0))} left")
        talk.show("  ".join(parts))

    return show


def _tell(talk: Talk, name: str, report: "FindReport") -> None:
    """Print the ledger, and talk about the search."""
    talk.clear()
    if report.note is not None:
        talk.warn(f"{name}: {report.note}")
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(str(report))
    talk.note(
        f"{name} -> {report.target}: {report.raw_bytes:,} -> {report.archive_bytes:,} bytes by {report.winner};"
        f" {report.trials} recipes tried in {show_time(report.time_s)}"
    )
    if report.recipe is not None:
        talk.note(f"more data of the kind: {shlex.join(['multum', 'pack', '--recipe', report.recipe, 'FILE'])}")
