"""Crews: who does the jobs of a ladder, workers on this machine or a Ray cluster, and what both say meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NoReturn, Protocol

from multum.errors import MultumError
from multum.ladders.jobs import Job, Measured, Tell, do_job
from multum.training.interruption import Interrupted, Interruption

# How often a job is begun before it is given up.
ATTEMPTS = 3


@dataclass(frozen=True)
class Told:
    """How far a job is. held_out_bpb: of the last evaluation, None before it."""

    name: str
    fraction: float
    held_out_bpb: float | None


@dataclass(frozen=True)
class Died:
    """A worker died over a job, which begins again from its checkpoint."""

    name: str
    reason: str


@dataclass(frozen=True)
class Failed:
    """A job that cannot be done."""

    name: str
    reason: str


@dataclass(frozen=True)
class Stopped:
    """A job that was told to stop, and saved itself."""

    name: str


Event = Told | Died | Failed | Measured


class Crew(AbstractContextManager["Crew"], Protocol):
    """Does jobs, several at once; a context, which ends what it has begun. count: jobs at once."""

    count: int

    def run(self, jobs: Sequence[Job], interruption: Interruption) -> Iterator[Event]:
        """Do the jobs, the first ones first; yield what happens. Raises Interrupted, OSError of a job."""


def attempt_job(job: Job, tell: Tell) -> Measured | Failed | Stopped | OSError:
    """Return what a job came to, or why it did not; what nobody foresaw is raised."""
    try:
        return do_job(job, tell)
    except Interrupted:
        return Stopped(job.name)
    except MultumError as error:
        return Failed(job.name, str(error))
    except OSError as error:
        return error


def stop_run(number: int) -> NoReturn:
    """Raise Interrupted, after a signal."""
    raise Interrupted("stopped; every run is saved", number)
