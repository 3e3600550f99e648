"""Work on several files: each on its own, one bad file stops no other, the worst code wins."""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import click

from multum.cli.app import ERROR, WARNING
from multum.cli.talk import Talk, printable
from multum.errors import LimitExceeded, MultumError

STREAM = "-"


def inputs_of(files: tuple[str, ...]) -> tuple[str, ...]:
    """Return the inputs, standard input if there are none and it is no terminal.

    Raises click.UsageError for no input, or for standard input among others.
    """
    if not files and (sys.stdin is None or sys.stdin.isatty()):
        raise click.UsageError("no input; name files, or - for standard input")
    if STREAM in files and len(files) > 1:
        raise click.UsageError("standard input (-) cannot be mixed with other inputs")
    return files or (STREAM,)


def named(inputs: Sequence[str]) -> str:
    """Return how inputs that are worked on together are called in messages."""
    return shown(inputs[0]) if len(inputs) == 1 else f"{len(inputs)} inputs"


def opened(inputs: Sequence[str]) -> BinaryIO | list[str]:
    """Return standard input as binary, or the names of files. Raises click.UsageError when it is closed."""
    return source_stream() if inputs[0] == STREAM else list(inputs)


def stdout_wanted(inputs: tuple[str, ...], output: str | None, to_stdout: bool, rm: bool, as_json: bool) -> bool:
    """Return whether data goes to standard output. Raises click.UsageError for a contradiction."""
    if to_stdout and output not in (None, STREAM):
        raise click.UsageError("-c and -o exclude each other; give one of them")
    wanted = to_stdout or output == STREAM or (inputs == (STREAM,) and output is None)
    if rm and (wanted or inputs == (STREAM,)):
        raise click.UsageError("--rm needs source and target files; drop it, or name them")
    if as_json and wanted:
        raise click.UsageError("--json and the data both want standard output; give -o OUT")
    return wanted


def source_stream() -> BinaryIO:
    """Return standard input as binary. Raises click.UsageError when it is closed."""
    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    return sys.stdin.buffer


def shown(path: str) -> str:
    """Return how a source is called in messages."""
    return "standard input" if path == STREAM else path


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of several: an error beats a warning beats success."""
    seen = set(codes)
    return ERROR if ERROR in seen else WARNING if WARNING in seen else 0


def attempt(talk: Talk, name: str, work: Callable[[], int]) -> int:
    """Return the code of `work`, or 1 after saying what went wrong with `name`.

    A closed pipe is raised further: it ends the whole run, silently.
    """
    try:
        return work()
    except BrokenPipeError:
        raise
    except LimitExceeded as error:
        message = str(error)
    except MultumError as error:
        message = str(error)
    except OSError as error:
        message = _describe(error)
    except MemoryError:
        message = "out of memory; use fewer threads (-T 1) or a lower level"
    talk.clear()
    talk.error(message if message.startswith(name) else f"{name}: {message}")
    talk.result({"source": name, "error": message})
    return ERROR


def _describe(error: OSError) -> str:
    """Return what the system said, with the file it was about if that is known."""
    if isinstance(error, io.UnsupportedOperation):
        return "standard output is closed"
    reason = error.strerror or str(error)
    if error.filename:
        return f"{os.fsdecode(error.filename)}: {reason}"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return f"the target cannot be written: {reason}" if full else reason


def watch_shares(talk: Talk) -> Callable[[str, float], None] | None:
    """Return what shows the share of work that is done, on one changing line; None where nobody would see it."""
    return (lambda what, share: talk.show(f"{printable(what)}  {share:.0%}")) if talk.shows_progress else None


def announce_compiling(talk: Talk) -> None:
    """Say it when kernels are compiled."""
    from multum.bits.kernels import watch_compiling

    watch_compiling(lambda: talk.note("compiling kernels, once on this machine"))
