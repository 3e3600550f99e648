"""The part of `multum fit` that is for `--task labels`: its options, its help, its run."""

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from multum.cli.options import Command, _add
from multum.cli.talk import Talk, printable

if TYPE_CHECKING:
    from multum.training.labels.reports import FoldsReport, LabelsReport
    from multum.training.trainer import Progress

LABEL_EXAMPLES = """\b
Examples:
  multum fit --task labels reviews.csv -o run          text from bytes
  multum fit --task labels a.tsv --held-out b.tsv --init bert-base-uncased -o run
  multum fit --task labels train-images-idx3-ubyte.gz --augment shift -o run
  multum fit --task labels photos/ --folds 5 -o run    a folder a class
  multum bits run test.csv                             its rate on other data
"""

# Names of the options that only labels have, as click passes them.
LABEL_NAMES = (
    "text_column",
    "label_column",
    "epochs",
    "folds",
    "learning_rate",
    "most_tokens",
    "augment",
    "token_dropout",
    "label_smoothing",
    "adversarial",
    "adversarial_steps",
    "teacher",
    "teacher_weight",
    "temperature",
)


class TaskCommand(click.Command):
    """A command whose help shows label options for `--task labels` only, so that each help is one screen."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the task for the help before anything else is read."""
        ctx.meta["labels"] = "--task=labels" in args or ("--task", "labels") in itertools.pairwise(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options; those of labels instead of those that labels do not have."""
        for_labels = ctx.meta.get("labels", False)
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        shown = [param for param in options if (param.name in LABEL_NAMES) == for_labels or param.name == "help"]
        lines = [record for param in shown if (record := param.get_help_record(ctx)) is not None]
        with formatter.section("Options for --task labels" if for_labels else "Options"):
            formatter.write_dl(lines)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of the task."""
        if not ctx.meta.get("labels", False):
            super().format_epilog(ctx, formatter)
            return
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("The other options of `multum fit --help` hold as well.")
            formatter.write_paragraph()
            formatter.write_text(LABEL_EXAMPLES)


def label_options(command: Command) -> Command:
    """Add the options that only labels have."""
    option = click.option
    return _add(
        command,
        option(
            "--text-column",
            multiple=True,
            metavar="NAME",
            help="Column of the text, or its number from 1; repeat to join several.",
        ),
        option("--label-column", metavar="NAME", help="Column of the label, or its number."),
        option("--epochs", type=float, metavar="N", help="Passes over the examples, as the budget."),
        option("--folds", type=int, metavar="K", help="Cross-validate: K programs, each without one part of the data."),
        option("--learning-rate", type=float, metavar="R", help="Peak of the rate [default: by the kind of program]."),
        option("--most-tokens", type=int, metavar="N", help="Tokens of a text that are read [default: 256]."),
        option("--augment", multiple=True, metavar="NAME", help="Of images: shift, crop or flip; repeat for several."),
        option("--token-dropout", type=float, metavar="P", help="Most tokens of a text to hide, as a share."),
        option("--label-smoothing", type=float, metavar="P", help="Share of each label spread over all."),
        option("--adversarial", type=float, metavar="E", help="Also train on inputs moved by E root-mean-squares."),
        option("--adversarial-steps", type=int, metavar="N", help="1 is FGSM (default), more are PGD."),
        option("--teacher", metavar="DIR", help="A classifier to learn from."),
        option("--teacher-weight", type=float, metavar="W", help="Share of the loss that it gives [default: 0.5]."),
        option("--temperature", type=float, metavar="T", help="At which teacher and pupil are compared [default: 2]."),
    )


def take_label_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options of labels, as `fit_labels` calls them; unset ones are left out."""
    given = {name: values[name] for name in LABEL_NAMES if values.get(name) not in (None, ())}
    if "text_column" in given:
        given["text_columns"] = given.pop("text_column")
    return given


def run_labels(
    talk: Talk,
    data: str,
    out: str,
    *,
    progress: "Callable[[str], Progress] | None",
    options: Mapping[str, Any],
    resume: bool = False,
    force: bool = False,
) -> int:
    """Fit a classifier, or with "folds" several, and tell the result; return the exit code.

    progress: makes the watcher of the run of that name. options: by the names of LabelOptions, and "folds".
    """
    from multum.training.labels import fitting

    asked = dict(options)
    folds = asked.pop("folds", None)
    watch = progress(data) if progress is not None else None
    if folds is None:
        _tell_fit(talk, fitting.fit_labels(data, out, resume=resume, force=force, progress=watch, **asked))
        return 0

    def announce(number: int, count: int) -> None:
        talk.detail(f"fold {number} of {count}")

    found = fitting.cross_validate_labels(
        data, out, folds, resume=resume, force=force, progress=watch, announce=announce, **asked
    )
    _tell_folds(talk, found)
    return 0


def _tell_fit(talk: Talk, report: "LabelsReport") -> None:
    """Print the scores and the confusion matrix."""
    scores, run = report.scores, report.run
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(f"{printable(report.target)}: {_line(vars(scores))} on {scores.examples:,} held-out examples")
        click.echo(printable_table(str(scores)))
    early = ", stopped early" if run.ended == "early" else ""
    talk.note(
        f"{report.parameters:,} parameters, {report.training_examples:,} examples, {run.steps:,} steps in"
        f" {run.time_s:.0f} s{early}; the weights of step {run.best_step:,} were kept"
    )
    talk.note(f"columns: {report.columns}")


def _tell_folds(talk: Talk, report: "FoldsReport") -> None:
    """Print a line a fold, their mean and spread."""
    talk.clear()
    talk.result(report.as_dict())
    if talk.as_json:
        return
    for one in report.folds:
        click.echo(f"{printable(one.target)}: {_line(vars(one.scores))}")
    click.echo(f"mean of {len(report.folds)}: {_line(report.mean)}")
    click.echo(f"spread: {_line(report.spread)}")


def _line(scores: Mapping[str, Any]) -> str:
    return (
        f"{scores['bits_per_label']:.4f} bits per label, accuracy {scores['accuracy']:.4f},"
        f" macro F1 {scores['macro_f1']:.4f}"
    )


def printable_table(table: str) -> str:
    """Return a table safe for a terminal, line by line."""
    return "\n".join(printable(line) for line in table.split("\n"))
