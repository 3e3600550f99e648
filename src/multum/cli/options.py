"""Options that several verbs share, and how their values are read."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)


def _checked_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a size in bytes: 1000, 64K, 500M, 1.5G; K, M, G, T are powers of 1024."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"'{value}' is not a size; write for instance 500M or 1.5G", ctx, param)
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def _checked_threads(ctx: click.Context, param: click.Parameter, value: int) -> int:
    """Return the number of threads. Raises click.BadParameter for a negative one."""
    if value < 0:
        raise click.BadParameter(f"{value} threads; give 1 or more, or 0 for all cores", ctx, param)
    return value


def _add(command: Command, *options: Callable[[Command], Command]) -> Command:
    """Return `command` with `options`, in their order."""
    for option in reversed(options):
        command = option(command)
    return command


def work_options(command: Command) -> Command:
    """Add -T and --memory-limit."""
    return _add(
        command,
        click.option(
            "-T",
            "--threads",
            type=int,
            default=0,
            metavar="N",
            callback=_checked_threads,
            help="Threads; 0 (the default) for all cores. Never changes the bytes.",
        ),
        click.option(
            "--memory-limit",
            metavar="SIZE",
            callback=_checked_size,
            help="Most memory to take, such as 500M [default: 3/4 of the machine's].",
        ),
    )


def talk_options(command: Command) -> Command:
    """Add --json, -q and -v."""
    return _add(
        command,
        click.option("--json", "as_json", is_flag=True, help="Results as JSON, one object a line."),
        click.option("-q", "--quiet", count=True, help="No summary; -qq: no warnings either."),
        click.option("-v", "--verbose", count=True, help="Say more."),
    )


def target_options(command: Command) -> Command:
    """Add -o, -c, -f and --rm."""
    return _add(
        command,
        click.option("-o", "--output", metavar="OUT", help="Write to OUT; - for standard output."),
        click.option("-c", "--stdout", "to_stdout", is_flag=True, help="Write to standard output."),
        click.option("-f", "--force", is_flag=True, help="Overwrite the target if it exists."),
        click.option("--rm", is_flag=True, help="Remove the source once the target is synced."),
    )


files_argument = click.argument("files", nargs=-1, type=click.Path())
