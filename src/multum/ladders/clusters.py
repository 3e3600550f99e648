"""A Ray cluster as a crew: each job a task of one core, begun again by Ray where its worker dies.

The folder of the ladder must be the same for all machines, on a file system that they share; checkpoints lie there.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from multum.errors import MissingExtra, UsageError
from multum.ladders.crews import ATTEMPTS, Event, Failed, Stopped, attempt_job, stop_run
from multum.ladders.jobs import Job
from multum.training.interruption import Interruption

# Seconds between two looks at whether to stop.
_LOOK_S = 0.5


class RayCluster:
    """A crew of the cores of a Ray cluster; a context, which leaves the cluster."""

    def __init__(self, address: str) -> None:
        """address: of the cluster, as `ray.init` takes it; "local" starts one here. Raises UsageError, MissingExtra."""
        self._ray = _import_ray()
        self._joined = not self._ray.is_initialized()  # else whoever did it leaves it
        try:
            if self._joined:
                self._ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise UsageError(
                f"there is no Ray cluster at '{address}': {reason}; give the address that `ray start --head` told,"
                " auto for the one that this machine belongs to, or local to start one here"
            ) from error
        self.count = max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def __enter__(self) -> "RayCluster":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._joined:
            self._ray.shutdown()

    def run(self, jobs: Sequence[Job], interruption: Interruption) -> Iterator[Event]:
        """Do the jobs, the first ones first; yield what happens. Raises Interrupted, OSError of a job."""
        task: Any = self._ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_do)
        waiting = {task.remote(job): job for job in jobs}
        while waiting:
            if interruption.number:
                self._cancel(list(waiting))
                stop_run(interruption.number)
            done, _ = self._ray.wait(list(waiting), timeout=_LOOK_S)
            for reference in done:
                job = waiting.pop(reference)
                event = self._read(reference, job)
                if isinstance(event, OSError):
                    raise event
                yield Failed(job.name, "its task was told to stop") if isinstance(event, Stopped) else event

    def _read(self, reference: Any, job: Job) -> Any:
        """Return what a task came to."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError:
            raise
        except self._ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            return Failed(job.name, f"{reason} ({ATTEMPTS} times over this run)")

    def _cancel(self, references: list[Any]) -> None:
        """Let running tasks save themselves, and drop the others."""
        for reference in references:
            self._ray.cancel(reference)
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.wait(references, num_returns=len(references), timeout=60)


def _import_ray() -> Any:
    """Return the module. Raises MissingExtra."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("a cluster needs Ray; pip install 'multum[cluster]'") from error
    return ray


def _do(job: Job) -> Any:
    """Do a job in a task; what it tells meanwhile nobody hears."""
    return attempt_job(job, lambda _fraction, _held_out_bpb: None)
