"""The folder a fit writes to: a checkpoint while it runs, a whole program when it is done.

Invariant: the checkpoint is removed only when every file of the program stands in its place, so a kill at any moment
leaves something to resume or something complete.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from multum.archive.targets import whole_folder
from multum.errors import UsageError
from multum.neural.sources import DESCRIPTION
from multum.training.checkpoints import CHECKPOINT


def check_target(out: Path, resume: bool, force: bool) -> None:
    """Raise UsageError when `out` may not be written to, or has nothing to resume."""
    if resume and not (out / CHECKPOINT).is_file():
        raise UsageError(f"'{out}' has no checkpoint to resume; start again without --resume")
    if out.exists() and not out.is_dir():
        raise UsageError(f"target '{out}' is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (resume or force):
        raise UsageError(
            f"target '{out}' exists and is not empty; go on with --resume, overwrite it with -f (force=True), or choose"
            " another name with -o"
        )


@contextmanager
def made_folder(out: Path) -> Iterator[None]:
    """Make `out`; take it away again when an error comes before there is a checkpoint in it."""
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if made and not (out / CHECKPOINT).exists():
            shutil.rmtree(out, ignore_errors=True)
        raise


def write_program(out: Path, save: Callable[[Path], None], description: dict[str, Any]) -> None:
    """Put a program's files and its multum.json into `out`, all complete before the first of them gets its name.

    save: writes the Hugging Face directory into the folder it is given. Raises OSError; then the checkpoint stays.
    """
    with whole_folder(str(out), force=True, traits=None) as name:
        folder = Path(name)
        with _system_errors(out):
            save(folder)
        text = json.dumps(description, ensure_ascii=False, indent=2)
        (folder / DESCRIPTION).write_text(text + "\n", "utf-8")
    (out / CHECKPOINT).unlink(missing_ok=True)


@contextmanager
def _system_errors(out: Path) -> Iterator[None]:
    """Raise what the system refused as the OSError it was; safetensors has only its number in words."""
    try:
        yield
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(out)) from error
