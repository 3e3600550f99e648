"""Reads and replays transcripts: what a user types, and what must come back.

A transcript is a text file. Lines before the first `$` say what it is about.
`$ multum ...` runs the command in this process, anything else after `$` runs
in a shell; both in an empty folder of their own. `<` and `>` redirect. Below
stand the expected lines: `1| ` standard output, `2| ` standard error, and
`[N]` the exit code where it is not 0. `...` stands for any characters.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from multum.cli.app import run


@dataclass
class Step:
    """A command line and what must come of it."""

    line: str
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    code: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a command line."""

    stdout: str
    stderr: str
    code: int


def read_steps(text: str) -> list[Step]:
    """Return the steps of a transcript. Raises ValueError for a line of no known form."""
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif not steps or not line:
            continue  # what it is about, and empty lines for the eye
        elif line.startswith("1| "):
            steps[-1].stdout.append(line[3:])
        elif line.startswith("2| "):
            steps[-1].stderr.append(line[3:])
        elif code := re.fullmatch(r"\[(\d+)\]", line):
            steps[-1].code = int(code[1])
        else:
            raise ValueError(f"a transcript has no line such as {line!r}")
    return steps


def matches(expected: list[str], text: str) -> bool:
    """Return whether `text` is the expected lines, `...` standing for anything within a line."""
    patterns = [".*".join(re.escape(part) for part in line.split("...")) for line in expected]
    return re.fullmatch("\n".join(patterns), text.removesuffix("\n")) is not None


def play(line: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run a command line in the present folder."""
    if not line.startswith("multum"):
        done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
        return Outcome(done.stdout, done.stderr, done.returncode)
    words = shlex.split(line)[1:]
    source, words = take_redirection(words, "<")
    target, words = take_redirection(words, ">")
    return run_in_process(words, source, target, monkeypatch)


def take_redirection(words: list[str], sign: str) -> tuple[str | None, list[str]]:
    """Return the file after `sign`, or None, and the words without the two."""
    if sign not in words:
        return None, words
    at = words.index(sign)
    return words[at + 1], words[:at] + words[at + 2 :]


def run_in_process(words: list[str], source: str | None, target: str | None, patch: pytest.MonkeyPatch) -> Outcome:
    """Return what the command does with its standard streams connected to files."""
    out, err = Path(os.devnull if target else ".stdout"), Path(".stderr")
    with patch.context() as inner:
        stdin = open(source or os.devnull, encoding="utf-8")  # noqa: SIM115 - closed below with the others
        stdout = open(target or out, "w+", encoding="utf-8")  # noqa: SIM115
        stderr = open(err, "w+", encoding="utf-8")  # noqa: SIM115
        inner.setattr(sys, "stdin", stdin)
        inner.setattr(sys, "stdout", stdout)
        inner.setattr(sys, "stderr", stderr)
        code = run(words)
    for stream in (stdin, stdout, stderr):
        stream.close()
    printed = "" if target else out.read_bytes().decode(errors="replace")
    outcome = Outcome(printed, err.read_text(), code)
    for path in (Path(".stdout"), err):
        path.unlink(missing_ok=True)
    return outcome
