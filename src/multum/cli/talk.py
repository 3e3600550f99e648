"""What the command says: results on stdout, talk on stderr, progress on a terminal only."""

import json
import os
import shutil
import sys
import time
from typing import Any

import click

# At most six lines of progress a second.
PROGRESS_INTERVAL_S = 1 / 6


def printable(text: str) -> str:
    """Return `text` with control characters and stray bytes escaped, safe for a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show_size(size_bytes: float) -> str:
    """Return a size in the largest fitting of B, KB, MB, GB, TB (powers of 1000)."""
    for unit in ("B", "KB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def show_time(time_s: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Talk:
    """The voice of one run of the command.

    loudness: 0 is the default, -1 for -q (no summary, no progress), -2 for
    -qq (no warnings either), 1 and 2 for -v and -vv.
    """

    def __init__(self, quiet: int = 0, verbose: int = 0, as_json: bool = False) -> None:
        """as_json: print results as JSON, one object a line."""
        self.loudness = verbose - quiet
        self.as_json = as_json
        self._terminal = sys.stderr.isatty()
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")
        self._shown_at = 0.0
        self._line = ""

    def error(self, message: str) -> None:
        """Say what went wrong; always shown."""
        self._say(click.style("error: ", fg="red", bold=True), message)

    def warn(self, message: str) -> None:
        """Say what is odd, unless -qq."""
        if self.loudness >= -1:
            self._say(click.style("warning: ", fg="yellow", bold=True), message)

    def note(self, message: str) -> None:
        """Say what was done, unless -q."""
        if self.loudness >= 0:
            self._say("", message)

    def detail(self, message: str) -> None:
        """Say more, with -v only."""
        if self.loudness >= 1:
            self._say("", message)

    def _say(self, prefix: str, message: str) -> None:
        self.clear()
        click.echo(f"multum: {prefix}{printable(message)}", err=True, color=self._coloured)

    def result(self, fields: dict[str, Any]) -> None:
        """Print one result for machines, with --json only."""
        if self.as_json:
            click.echo(json.dumps(fields))

    def progress(self, name: str) -> "Progress | None":
        """Return the progress line of the work on `name`, or None where nobody would see it."""
        return Progress(self, printable(name), time.monotonic()) if self.shows_progress else None

    @property
    def shows_progress(self) -> bool:
        """Whether anybody would see progress."""
        return self._terminal and self.loudness >= 0

    def show(self, line: str) -> None:
        """Replace the progress line, not oftener than six times a second."""
        now = time.monotonic()
        if now - self._shown_at < PROGRESS_INTERVAL_S:
            return
        self._shown_at = now
        self.clear()
        self._line = line[: shutil.get_terminal_size().columns - 1]
        click.echo(self._line, err=True, nl=False)

    def clear(self) -> None:
        """Remove the progress line, if there is one."""
        if self._line:
            click.echo("\r" + " " * len(self._line) + "\r", err=True, nl=False)
            self._line = ""


class Progress:
    """A progress callback: called with (bytes done, bytes in all or None)."""

    def __init__(self, talk: Talk, name: str, started_s: float) -> None:
        """started_s: monotonic time when the work began."""
        self._talk, self._name, self._started_s = talk, name, started_s

    def __call__(self, done_bytes: int, total_bytes: int | None) -> None:
        """Show how far the work is, its speed and the time left."""
        spent_s = max(time.monotonic() - self._started_s, 1e-9)
        speed = done_bytes / spent_s
        parts = [self._name, show_size(done_bytes)]
        if total_bytes:
            parts[1] += f" of {show_size(total_bytes)}"
            parts.append(f"{min(done_bytes / total_bytes, 1):.0%}")
        if not done_bytes:
            parts.append(f"{show_time(spent_s)} spent")  # before the first block nobody knows more
        else:
            parts.append(f"{show_size(speed)}/s")
        if total_bytes and done_bytes:
            parts.append(f"{show_time(max(total_bytes - done_bytes, 0) / speed)} left")
        self._talk.show("  ".join(parts))
