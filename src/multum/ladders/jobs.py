"""What a worker does: one run, from wherever it was left, to its rates. Light: torch loads when a job is done.

Invariant: a job can be done again after a death at any moment, and what was finished is not.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multum.errors import FormatError
from multum.neural.sources import DESCRIPTION, read_task

# Called with (share of the training that is done, bits a held-out byte or None); raises nothing.
Tell = Callable[[float, float | None], None]


@dataclass(frozen=True)
class Job:
    """A run to be made. folder: of its program. data, held_out: files. options: for `fit`. bits: to round it to."""

    name: str
    folder: str
    data: str
    held_out: str
    options: dict[str, Any] = field(default_factory=dict)
    bits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a job came to.

    rate_bpb: bits a held-out byte; rounded: (bits a weight, rate at these) in the order that was asked for.
    training_bytes: there were; trained_bytes: repeats counted. rounding_s: seconds of one rounding.
    """

    name: str
    parameters: int
    trained_bytes: int
    training_bytes: int
    rate_bpb: float
    rounded: tuple[tuple[float, float], ...]
    training_s: float
    rounding_s: float
    precision: str


def do_job(job: Job, tell: Tell) -> Measured:
    """Return what a run came to; it goes on from its checkpoint, and a finished one is only measured.

    Raises as `fit`; Interrupted when it was told to stop and has saved itself.
    """
    folder = Path(job.folder)
    if not (folder / DESCRIPTION).is_file():
        _fit(job, folder, tell)
    report = _read_report(folder)
    rounded, rounding_s = _round(job, report, tell)
    return Measured(
        name=job.name,
        parameters=report["parameters"],
        trained_bytes=report["run"]["units"],
        training_bytes=report["training_bytes"],
        rate_bpb=report["rate_bpb"],
        rounded=rounded,
        training_s=report["run"]["time_s"],
        rounding_s=rounding_s,
        precision=report["run"]["precision"],
    )


def _fit(job: Job, folder: Path, tell: Tell) -> None:
    """Train a program, from its checkpoint if there is one."""
    from multum.training.checkpoints import CHECKPOINT
    from multum.training.fitting import fit

    fit(
        job.data,
        folder,
        resume=(folder / CHECKPOINT).is_file(),
        force=True,
        progress=lambda moment: tell(moment.fraction, moment.held_out),
        held_out=job.held_out,
        **job.options,
    )


def _read_report(folder: Path) -> dict[str, Any]:
    """Return the report of a finished fit. Raises FormatError for another kind of folder, OSError."""
    read_task(str(folder))  # checks the file's size, and that it is an object
    report = json.loads((folder / DESCRIPTION).read_bytes()).get("report")
    if not isinstance(report, dict) or "rate_bpb" not in report:
        raise FormatError(f"'{folder}' was not made by `multum fit` of bytes; begin the ladder anew with -f")
    return report


def _round(job: Job, report: dict[str, Any], tell: Tell) -> tuple[tuple[tuple[float, float], ...], float]:
    """Return ((bits a weight, the program's rate at these), ...) and the seconds that one of them took."""
    if not job.bits:
        return (), 0.0
    from multum.ladders.rounding import measure_rounded

    found = []
    start_s = time.perf_counter()
    for bits in job.bits:
        tell(1.0, report["rate_bpb"])
        rate_bpb = measure_rounded(
            job.folder, bits, job.held_out, report["window"], report["run"]["precision"], report["run"]["device"]
        )
        found.append((bits, rate_bpb))
    return tuple(found), (time.perf_counter() - start_s) / len(found)
