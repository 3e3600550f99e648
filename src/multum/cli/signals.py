"""Death by signal that leaves no partial file behind."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def die_by_signals() -> None:
    """Make SIGINT, SIGTERM and SIGHUP remove unfinished files, then kill the process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, _die)


def _die(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's shape
    """Clean up and die by the same signal, so that the shell sees why."""
    signal.signal(number, signal.SIG_DFL)
    discard_unfinished()
    os.kill(os.getpid(), number)


def die_by(number: int | None) -> NoReturn:
    """Die by a signal that was held back, SIGINT for None, as if it came now."""
    _die(number or signal.SIGINT, None)
    raise AssertionError("the signal ends the process")


def discard_unfinished() -> None:
    """Remove what is half-written, if the module that writes was loaded at all.

    A signal may come in the middle of an import, so this one imports nothing.
    """
    targets = sys.modules.get("multum.archive.targets")
    discard = getattr(targets, "discard_unfinished", None)
    if discard is not None:
        discard()
