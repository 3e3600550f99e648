"""The tree of errors: every failure a caller can meet is one of these.

Each class is also the builtin a Python programmer would expect, so
`except ValueError` keeps working. A message says what came, what is allowed
and what to do. Library code raises these and never prints or exits.
"""


class MultumError(Exception):
    """Base of every error that Multum raises on purpose."""


class UsageError(MultumError, ValueError):
    """The caller asked for something that is not allowed."""


class FormatError(MultumError, ValueError):
    """The bytes are not what the format promises.

    offset: position in the input, in bytes, where the fault was found, if known.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset


class ProgramMismatch(MultumError):
    """Right bytes, other program: the code was made with a different program."""


class LimitExceeded(MultumError, MemoryError):
    """A declared need is over a limit; the message names the flag that lifts it."""


class MissingExtra(MultumError, ImportError):
    """An optional dependency is missing; the message names the extra to install."""
