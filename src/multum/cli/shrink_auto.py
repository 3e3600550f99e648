"""`multum shrink --auto`: a search for the recipe."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from multum.cli.jobs import watch_shares
from multum.cli.talk import Talk, show_size, show_time

if TYPE_CHECKING:
    from multum.choosing.reports import AutoReport

# Options of a search alone, and of a shrink by a recipe alone, as Python calls them: what the command line says.
_OF_SEARCHES = {
    "target_loss": "--target-loss",
    "target_accuracy": "--target-accuracy",
    "target_latency": "--target-latency",
    "budget_s": "--budget",
    "trials": "--trials",
    "folder": "--search",
}
_OF_RECIPES = {
    "target_bits": "--target-bits",
    "max_loss_increase": "--max-loss-increase",
    "recipe": "--recipe",
    "calibrated": "--calibrated",
}


def check_search_options(auto: bool, given: Iterable[str]) -> None:
    """Raise click.UsageError for options that only searches have, or that they have not."""
    refused = _OF_RECIPES if auto else _OF_SEARCHES
    strange = [refused[name] for name in given if name in refused]
    if strange:
        words = ("is not for searches", "drop it, or --auto") if auto else ("is for searches", "give --auto as well")
        raise click.UsageError(f"{strange[0]} {words[0]}; {words[1]}")


def search(talk: Talk, model: str, output: str, force: bool, given: dict[str, Any]) -> int:
    """Search for the recipe that shrinks `model` best, and tell what was found; return the exit code."""
    from multum.choosing.auto import auto_shrink  # loads torch when it is called

    report = auto_shrink(model, output, force=force, progress=watch_shares(talk), **given)
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(str(report))
    tell_search(talk, report)
    return 0


def tell_search(talk: Talk, report: "AutoReport") -> None:
    """Talk about the search."""
    chosen = report.chosen
    assert chosen.size_bytes is not None, "it was copied"
    failed = [point for point in report.points if point.why]
    talk.note(
        f"{report.source} -> {report.target}: {chosen.recipe}, {chosen.size_bytes / report.bytes_before:.1%} of"
        f" {show_size(report.bytes_before)}, {report.goal}; {len(report.points)} trials, {len(failed)} without a file,"
        f" {show_time(report.cost_s)}, kept in {report.folder}"
    )
    for point in failed:
        talk.detail(f"{point.recipe}, {point.bits:.2f} bits a weight: {point.why}")
