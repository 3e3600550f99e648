"""Ordered parallel work with a bounded number of pieces in flight.

Results come out in the order the work went in, so the bytes that are made of
them do not depend on the number of threads. The kernels release the GIL.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, ParamSpec, TypeVar

WAIT_S = 0.2

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Lanes(Generic[Result]):
    """A queue of work on `threads` threads, never more than `threads` pieces at once."""

    def __init__(self, threads: int, on_wait: Callable[[], None] | None = None) -> None:
        """threads: 1 or more. on_wait: called a few times a second while a result is waited for."""
        self._threads, self._on_wait = threads, on_wait
        # Also with one thread: the main thread stays free to answer a signal at once.
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="multum")
        self._queue: deque[Future[Result]] = deque()

    def submit(self, work: Callable[Given, Result], *args: Given.args, **named: Given.kwargs) -> None:
        """Start `work`. The caller first pops while `full`."""
        assert not self.full
        self._queue.append(self._pool.submit(work, *args, **named))

    @property
    def full(self) -> bool:
        """Whether a result must be popped before more work is given."""
        return len(self._queue) >= self._threads

    def pop(self) -> Result:
        """Return the oldest result, waiting for it; what the work raised is raised here."""
        future = self._queue.popleft()
        while self._on_wait is not None and not wait([future], WAIT_S).done:
            self._on_wait()
        return future.result()

    def drain(self) -> Iterator[Result]:
        """Yield the remaining results in order."""
        while self._queue:
            yield self.pop()

    def close(self) -> None:
        """Drop waiting work and let the threads end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
