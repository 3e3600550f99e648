"""The group of verbs, loaded one at a time, and the border where errors become exit codes."""

import builtins
import importlib
import os
import sys
from collections.abc import Sequence

import click

from multum.cli.signals import die_by, discard_unfinished
from multum.cli.talk import Talk
from multum.errors import MultumError

ERROR = 1
WARNING = 2
CLOSED_PIPE = 141  # 128 + SIGPIPE, what a shell shows for a writer nobody reads

# Section of the overview -> verb -> its line. The modules stay unloaded until a verb is asked for.
SECTIONS = {
    "Data": {
        "pack": "Pack files, folders or standard input into .mtm archives.",
        "unpack": "Unpack archives.",
        "test": "Decode archives and check everything; write nothing.",
        "list": "Show what archives hold and cost, without decoding.",
        "cat": "Write what archives hold, or a range of it, to standard output.",
        "find": "Search for the program that makes data smallest.",
    },
    "Programs": {
        "fit": "Train a program on any data.",
        "distil": "Train a smaller program on what a larger one says.",
        "bits": "Show how many bits data takes under any program.",
        "eval": "Judge a program: scores with intervals, rivals, damage.",
        "explain": "Say what spoke for a class, or which contexts earned bits.",
        "sample": "Write new data that a program expects.",
        "shrink": "Make a trained model small, and show what it costs.",
        "adapt": "Make a model fit your data and a size.",
        "export": "Write a shrunken model as other tools want it.",
    },
    "Laws of training": {
        "ladder": "Train a grid of small programs, and fit their law.",
        "law": "Fit a scaling law to runs, and doubt it.",
        "predict": "Say what a law expects of runs that were not made.",
        "plan": "Say what a budget buys, by a law: size, data, loss.",
    },
    "Regularities": {
        "discover": "Find formulas, sequences and laws that hold exactly.",
        "classify": "Say which class texts belong to, by code length.",
        "distance": "Show how far data are from each other.",
        "cluster": "Join what has most in common into a tree.",
        "features": "Write what a program makes of items, for any estimator.",
        "patterns": "Show what comes again, and what each pattern saves.",
        "surprise": "Show the parts of data that surprise most.",
    },
    "All of it": {
        "report": "Show what other verbs found on one page, for any browser.",
        "demo": "Pack real data beside gzip, xz, zstd and others; print a table.",
    },
}
VERBS = {verb: line for section in SECTIONS.values() for verb, line in section.items()}

EXAMPLES = """\b
Examples:
  multum pack notes.txt               notes.txt -> notes.txt.mtm
  multum unpack notes.txt.mtm         and back
  multum pack -9 -o all.mtm src/ a.c  several inputs, one archive, smallest

\b
multum VERB --help tells more. Exit codes: 0 ok, 1 error, 2 warnings only.
"""


class Verbs(click.Group):
    """A group that imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        """Return the verbs in the order of the overview."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the verb's command, or None for an unknown one."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"multum.cli.{cmd_name}")
        # `list` is list_ inside, so that it hides no builtin there.
        command = getattr(module, f"{cmd_name}_" if hasattr(builtins, cmd_name) else cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the overview of verbs without loading them."""
        width = max(map(len, VERBS))
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb.ljust(width), line) for verb, line in verbs.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and leave; reading the metadata waits until it is asked for."""
    if wanted and not ctx.resilient_parsing:
        import multum

        click.echo(f"multum {multum.__version__}")
        ctx.exit()


@click.group(
    cls=Verbs,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="VERB [OPTIONS] [FILES]",
    options_metavar="",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and leave.",
)
def app() -> None:
    """Learning as compression: pack data, fit and shrink programs, find laws; all in bits."""


def run(arguments: Sequence[str]) -> int:
    """Return the exit code of the command line `arguments`; nothing is raised for a user's error."""
    _prepare_streams()
    try:
        code = _invoke(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        discard_unfinished()
        return CLOSED_PIPE
    except OSError as error:
        Talk().error(f"standard output: {error.strerror or error}")
        return ERROR
    return code


def _prepare_streams() -> None:
    """Make talk possible where streams are closed, and escape what the terminal's encoding lacks."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    if sys.stdout is None:
        # Data must not vanish: what is written there fails, as it would on the closed stream.
        sys.stdout = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _invoke(arguments: list[str]) -> int:
    """Return what the verb returns; usage errors are 1, since 2 means warnings only."""
    if not arguments:
        click.echo(app.get_help(click.Context(app, info_name="multum")), err=True)
        return ERROR
    try:
        with app.make_context("multum", arguments) as context:
            code = app.invoke(context)
            return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        where = getattr(error, "ctx", None)
        verb = where.command_path if where is not None else "multum"
        Talk().error(f"{error.format_message().rstrip('.')}; see {verb} --help")
        return ERROR
    except MultumError as error:
        Talk().error(str(error))
        return ERROR
    except KeyboardInterrupt as stopped:  # held back until all was saved
        die_by(getattr(stopped, "number", None))
