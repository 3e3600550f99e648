"""Workers on this machine: processes of one thread each, fed with jobs one by one.

Invariant: a job is somebody's until it is done, has failed, or its worker has died three times over it. A worker whose
ladder is gone saves its run and ends.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import FrameType

from multum.ladders.crews import ATTEMPTS, Died, Event, Failed, Stopped, Told, attempt_job, stop_run
from multum.ladders.jobs import Job
from multum.training.interruption import Interruption

# Seconds between two looks at whether to stop; between two tellings of a worker; to save a run when told to stop.
_LOOK_S, _TELL_S, _SAVE_S = 0.2, 0.25, 60.0
# The libraries' threads are those of a worker: one.
_ALONE = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_COMMAND = "import sys; from multum.ladders.workers import serve; serve(int(sys.argv[1]))"


class Workers:
    """A crew of processes; a context, which ends them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        """Let the workers save what they are at, and end them."""
        workers = [*self._idle, *self._busy]
        for worker in workers:
            worker.dismiss()
        end_s = time.monotonic() + _SAVE_S
        for worker in workers:
            worker.end(max(0.0, end_s - time.monotonic()))

    def run(self, jobs: Sequence[Job], interruption: Interruption) -> Iterator[Event]:
        """Do the jobs, the first ones first; yield what happens. Raises Interrupted, OSError of a job."""
        waiting = deque(jobs)
        attempts = dict.fromkeys((job.name for job in jobs), 0)
        while waiting or self._busy:
            if interruption.number:
                stop_run(interruption.number)
            while waiting and len(self._busy) < self.count:
                job = waiting.popleft()
                attempts[job.name] += 1
                self._give(job)
            for worker in self._find_ready():
                event = worker.read()
                if isinstance(event, Told):
                    yield event
                    continue
                self._busy.remove(worker)
                if event is not None:
                    self._idle.append(worker)
                if isinstance(event, OSError):
                    raise event
                if event is None or isinstance(event, Stopped):
                    yield self._begin_again(worker, waiting, attempts[worker.job.name], event is None)
                else:
                    yield event

    def _give(self, job: Job) -> None:
        """Give a job to a worker that has none, or to a new one."""
        worker = self._idle.pop() if self._idle else _Worker()
        worker.give(job)
        self._busy.append(worker)

    def _find_ready(self) -> "list[_Worker]":
        """Return the workers that have something to say, or died."""
        links = {worker.link: worker for worker in self._busy}
        ready = wait(list(links), _LOOK_S)
        return [worker for link, worker in links.items() if link in ready]

    def _begin_again(self, worker: "_Worker", waiting: deque[Job], attempts: int, dead: bool) -> Died | Failed:
        """Let an unfinished job begin again, for so often as is allowed; return what is said of it."""
        reason = worker.describe_death() if dead else "its worker was told to stop"
        if attempts == ATTEMPTS:
            return Failed(worker.job.name, f"{reason}, {ATTEMPTS} times over this run")
        waiting.appendleft(worker.job)
        return Died(worker.job.name, reason)


class _Worker:
    """A process and the link to it."""

    def __init__(self) -> None:
        self.link, theirs = Pipe()
        command = [sys.executable, "-P", "-c", _COMMAND, str(theirs.fileno())]
        # Results go through the link; standard output is the command's own.
        self.process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env=os.environ | _ALONE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        self.job: Job

    def give(self, job: Job) -> None:
        """Hand over a job; whether the process is still there shows when it is read."""
        self.job = job
        with contextlib.suppress(OSError):
            self.link.send(job)

    def read(self) -> "Event | Stopped | OSError | None":
        """Return what the worker says; None when it died."""
        try:
            said: Event | Stopped | OSError = self.link.recv()
        except (EOFError, OSError):
            return None
        return said

    def describe_death(self) -> str:
        """Return how the process ended."""
        self.end(_SAVE_S)
        code = self.process.returncode
        return f"its worker was killed by {signal.Signals(-code).name}" if code < 0 else f"its worker ended with {code}"

    def dismiss(self) -> None:
        """Tell the process to save and end."""
        self.process.terminate()
        self.link.close()

    def end(self, patience_s: float) -> None:
        """Wait for the process to end; kill one that does not."""
        self.link.close()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(descriptor: int) -> None:
    """Do jobs that come through a link until it ends; this is a worker."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)  # between runs; a run notes them, and saves
    link = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):  # the ladder has ended
        while True:
            job: Job = link.recv()
            link.send(attempt_job(job, _Teller(job.name, link)))


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: whoever sent the signal also ends the link."""


class _Teller:
    """Tells how far a job is, now and then; makes the run save itself when nobody listens any more."""

    def __init__(self, name: str, link: Connection) -> None:
        self._name, self._link, self._told_s = name, link, 0.0

    def __call__(self, fraction: float, held_out_bpb: float | None) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s < _TELL_S:
            return
        self._told_s = now_s
        try:
            self._link.send(Told(self._name, fraction, held_out_bpb))
        except OSError:
            signal.raise_signal(signal.SIGTERM)
