"""The command line: one file a verb, thin over the Python functions of the same names."""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command and leave with its exit code: 0 ok, 1 error, 2 warnings only."""
    from multum.cli.signals import die_by_signals

    die_by_signals()  # before the slower imports, so that an early ^C is quiet too
    from multum.cli.app import run

    code = run(sys.argv[1:])
    if code == 0:
        sys.exit(0)
    # Threads may still be busy with a block that nobody waits for: leave without them.
    sys.stderr.flush()
    os._exit(code)
