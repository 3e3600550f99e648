"""Options that several verbs share, and how their values are read."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)


def checked_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a size in bytes: 1000, 64K, 500M, 1.5G; K, M, G, T are powers of 1024."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"'{value}' is not a size; write for instance 500M or 1.5G", ctx, param)
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def checked_count(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a number written as 300k, 1M or 1.5B, powers of 1000. Raises click.BadParameter."""
    number = _read_suffixed(value, {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9})
    if value is not None and number is None:
        raise click.BadParameter(f"'{value}' is not a number; write for instance 300k, 1M or 1.5B", ctx, param)
    return None if number is None else round(number)


def checked_time(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return seconds, written as 90s, 10m or 1.5h. Raises click.BadParameter."""
    time_s = _read_suffixed(value, {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0})
    if value is not None and time_s is None:
        raise click.BadParameter(f"'{value}' is not a time; write for instance 90s, 10m or 1.5h", ctx, param)
    return time_s


def _read_suffixed(value: str | None, suffixes: dict[str, float]) -> float | None:
    """Return a number times what its suffix stands for, or None for what is no such number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]?)", (value or "").strip().lower())
    if match is None or match[2] not in suffixes:
        return None
    return float(match[1]) * suffixes[match[2]]


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
            callback=checked_size,
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


program_option = click.option(
    "--program",
    metavar="PROGRAM",
    help="What the archive was made with, where it holds that by reference.",
)
base_option = click.option(
    "--base", metavar="FILE", help="The safetensors file that the archive's tensors were compared with."
)
weight_bits_option = click.option(
    "--weight-bits",
    type=int,
    metavar="N",
    help="4 or 8: keep the weights of a network in memory as integers, on the CPU [default: float32].",
)
files_argument = click.argument("files", nargs=-1, type=click.Path())
