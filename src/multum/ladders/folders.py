"""The folder of a ladder, from which the same command goes on.

    ladder.json      what was asked for, the pace, and the runs with their costs
    data/            the bytes that all runs read
    runs/NAME/       the program of a run, or its checkpoint
    points.jsonl     a line a point, for `multum law`
    LAW.json         the law of the points, for `multum predict` and `multum plan`

Invariant: points.jsonl is whole at any time, and holds no run twice.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from multum.archive.targets import whole_file
from multum.errors import FormatError, UsageError

# Of ladder.json; a ladder of another version is not gone on with.
VERSION = 1
_DESCRIPTION, _LOCK = "ladder.json", "lock"
_OURS = (_DESCRIPTION, "data", "runs", "pace", "points.jsonl", "LAW.json")


class Folder:
    """A ladder's folder; made by `open_folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def data(self) -> Path:
        """Where the bytes lie that runs read."""
        return self.path / "data"

    @property
    def runs(self) -> Path:
        """Where the programs lie."""
        return self.path / "runs"

    @property
    def pace(self) -> Path:
        """Where programs lie meanwhile whose first steps are timed."""
        return self.path / "pace"

    @property
    def points(self) -> Path:
        """The file with a line a point."""
        return self.path / "points.jsonl"

    @property
    def law(self) -> Path:
        """The file of the law."""
        return self.path / "LAW.json"

    def read_description(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return what ladder.json says, None without one. Raises UsageError for a ladder that was asked for otherwise.

        asked: what decides the runs: digests of the data and the options.
        """
        path = self.path / _DESCRIPTION
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_bytes())
            version, before = found["multum_ladder"], found["asked"]
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"'{path}' is no description of a ladder: {error}; begin anew with -f") from error
        if version != VERSION:
            raise FormatError(
                f"'{path}' is of version {version!r}, and this Multum reads {VERSION}; begin anew with -f"
            )
        differing = [name for name in asked if before.get(name) != asked[name]]
        if differing:
            name = differing[0]
            raise UsageError(
                f"'{self.path}' holds another ladder: its {name.replace('_', ' ')} is {_show(before.get(name))}, now it"
                f" is {_show(asked[name])}; give the same data and options to go on, another folder with -o, or -f"
                " (force=True) to begin anew"
            )
        described: dict[str, Any] = found
        return described

    def write_description(self, described: dict[str, Any]) -> None:
        """Write ladder.json. Raises OSError."""
        text = json.dumps({"multum_ladder": VERSION} | described, ensure_ascii=False, indent=1)
        with whole_file(str(self.path / _DESCRIPTION), True, None) as file:
            file.write(text.encode() + b"\n")

    def read_points(self) -> list[dict[str, Any]]:
        """Return the points so far. Raises FormatError."""
        if not self.points.is_file():
            return []
        try:
            return [json.loads(line) for line in self.points.read_text("utf-8").splitlines()]
        except ValueError as error:
            raise FormatError(f"'{self.points}' is not JSON lines: {error}; begin anew with -f") from error

    def append_points(self, points: Sequence[dict[str, Any]]) -> None:
        """Add lines at the end; a kill at any moment leaves all of them there, or none. Raises OSError."""
        before = self.points.read_bytes() if self.points.is_file() else b""
        lines = "".join(json.dumps(point) + "\n" for point in points)
        with whole_file(str(self.points), True, None) as file:
            file.write(before + lines.encode())

    def remove(self) -> None:
        """Remove what a ladder wrote, and nothing else. Raises OSError."""
        for name in _OURS:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 80 else f"{text[:77]}..."


@contextmanager
def open_folder(path: Path, force: bool) -> Iterator[Folder]:
    """Give the folder of a ladder, new or to go on with; no other ladder may use it meanwhile.

    force: begin anew. Raises UsageError when it is another thing's folder, or in use; OSError.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"target '{path}' is a file; name a folder")
    if path.is_dir() and any(path.iterdir()) and not any((path / one).exists() for one in (_DESCRIPTION, _LOCK)):
        raise UsageError(f"target '{path}' exists and holds no ladder; choose another name with -o")
    path.mkdir(parents=True, exist_ok=True)
    with _locked(path / _LOCK):
        folder = Folder(path)
        if force:
            folder.remove()
        yield folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file that one process can hold, and that the system lets go when it dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another ladder is at work in '{path.parent}'; wait for it, or choose another -o"
            ) from error
        yield
    finally:
        os.close(descriptor)
