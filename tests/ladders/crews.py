"""A crew of one that works in this process, and stories of crews that have worse luck."""

from collections.abc import Iterator, Sequence

from multum.ladders.crews import Event, Failed, Stopped, attempt_job, stop_run
from multum.ladders.jobs import Job
from multum.training.interruption import Interruption


class InlineCrew:
    """Does jobs here, so that a test needs no other process; stop_after: jobs, as if Ctrl-C came then."""

    def __init__(self, stop_after: int | None = None, broken: str | None = None) -> None:
        self.count, self.done, self._stop_after, self._broken = 1, list[str](), stop_after, broken

    def __enter__(self) -> "InlineCrew":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def run(self, jobs: Sequence[Job], interruption: Interruption) -> Iterator[Event]:  # noqa: ARG002 - a crew's shape
        for job in jobs:
            if "/pace/" not in job.folder:
                if len(self.done) == self._stop_after:
                    stop_run(2)
                self.done.append(job.name)
                if job.name == self._broken:
                    yield Failed(job.name, "it broke")
                    continue
            event = attempt_job(job, lambda *_: None)
            assert not isinstance(event, Stopped | OSError)
            yield event
