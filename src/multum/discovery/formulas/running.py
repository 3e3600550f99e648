"""One search from its first stage to its last: several stages at a time, the shortest exact formula ends it.

Invariant: what is found depends on rows, operators, seed and how far the search came, not on the number of threads.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from multum.discovery.formulas.frontier import Frontier
from multum.discovery.formulas.mutations import Mutator
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import constant
from multum.discovery.formulas.refining import Entry, polish
from multum.discovery.formulas.search import Stage, list_exact_stages, list_rough_stages
from multum.discovery.formulas.verifying import check, is_theorem

# Mutations in a row that better nothing before the search gives up.
_PATIENCE = 4000
_TOLD_EVERY = 50
# Residuals of so many times the announced noise are that noise; few rows leave more room for chance.
_QUIET = 1.05


@dataclass(frozen=True)
class Moment:
    """Where a search is. fraction: of the time. best: the shortest description so far. tried: drafts."""

    stage: str
    fraction: float
    tried: int
    best: Entry | None
    left_s: float


Progress = Callable[[Moment], None]
_Found = tuple[list[Entry], list[Entry]]


@dataclass
class Outcome:
    """exact: the shortest formula that agrees in every row, and the stage that found it, or None."""

    frontier: Frontier = field(default_factory=Frontier)
    exact: Entry | None = None
    stage: str = ""
    done: list[str] = field(default_factory=list)
    out_of_time: bool = False


class Run:
    """A search within a time.

    outcome: what an earlier part of the same search found, or a fresh one. saved: called after each stage.
    """

    def __init__(
        self,
        problem: Problem,
        operators: frozenset[int],
        *,
        time_s: float,
        seed: int,
        threads: int,
        outcome: Outcome,
        progress: Progress | None = None,
        save: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._problem, self._operators, self._seed, self._threads = problem, operators, seed, threads
        self.outcome, self._progress, self._save = outcome, progress, save
        self._time_s, self._started_s = time_s, time.monotonic()
        self._over = threading.Event()

    def run(self) -> Outcome:
        """Search until a formula is exact, all stages are done, or the time is over; a number is the first formula."""
        mean = float(np.mean(self._problem.target[self._problem.fitted]))
        self.outcome.frontier.offer(polish(self._problem, constant(mean)))
        if not self._problem.noise and not self._problem.is_rounded:
            self._run_stages(list_exact_stages(self._problem, self._operators, self._must_stop))
        if self.outcome.exact is None and (self._problem.noise != 0 or self._problem.is_rounded):
            self._run_stages(list_rough_stages(self._problem, self._operators, self._must_stop))
        if self.outcome.exact is None and not self.outcome.stage and not self._must_stop():
            with np.errstate(all="ignore"):
                self._mutate()
        self.outcome.out_of_time = self._spent_s() >= self._time_s
        return self.outcome

    def _spent_s(self) -> float:
        return time.monotonic() - self._started_s

    def _must_stop(self) -> bool:
        return self._over.is_set() or self._spent_s() >= self._time_s

    def _run_stages(self, stages: Iterator[Stage]) -> None:
        """Run stages side by side; an exact formula ends those that come later, not those before it."""
        waiting: list[tuple[Stage, Future[_Found]]] = []
        with ThreadPoolExecutor(self._threads, thread_name_prefix="multum") as pool:
            try:
                for stage in stages:
                    if stage.name in self.outcome.done:
                        continue
                    waiting.append((stage, pool.submit(self._run_stage, stage)))
                    if len(waiting) >= self._threads and self._finish(waiting):
                        return
                while waiting:
                    if self._finish(waiting):
                        return
            finally:
                self._over.set()
        self._over.clear()

    def _finish(self, waiting: list[tuple[Stage, Future[_Found]]]) -> bool:
        """Take what the oldest stage found, and return whether the search may end."""
        stage, future = waiting.pop(0)
        entries, exact = future.result()
        for entry in entries:
            self.outcome.frontier.offer(entry)
        if exact:
            self.outcome.exact = min(exact, key=lambda entry: entry.total_bits)
            self.outcome.stage = stage.name
            return True
        if self._spent_s() >= self._time_s:
            return True
        self.outcome.done.append(stage.name)
        self._tell(stage.name)
        if self._is_down_to_noise():
            self.outcome.stage = stage.name
            return True
        if self._save is not None:
            self._save(self.outcome)
        return False

    def _run_stage(self, stage: Stage) -> _Found:
        """Return (all formulas of a stage, those of them that agree in every row)."""
        entries, exact = [], []
        with np.errstate(all="ignore"):  # out of a function's domain is NaN here, and dropped
            for draft in stage.drafts():
                entry = polish(self._problem, draft)
                if entry is not None:
                    entries.append(entry)
                    if self._is_exact(entry):
                        exact.append(entry)
                if self._must_stop():
                    break
        return entries, exact

    def _is_exact(self, entry: Entry) -> bool:
        return is_theorem(self._problem, entry.program, 0.0) and check(self._problem, entry.program).agrees

    def _is_down_to_noise(self) -> bool:
        """Return whether the best formula leaves no more than the noise that was announced."""
        best = self.outcome.frontier.best
        if not self._problem.noise or best is None:
            return False
        rows = self._problem.fitted
        target = self._problem.target[rows]
        residuals = target - best.program.evaluate(self._problem.columns[:, rows])
        size = float(np.sqrt(np.mean(self._problem.target**2)))
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = float(np.sqrt(np.mean((residuals / target) ** 2)))
        allowed = self._problem.noise * (_QUIET + 2 / float(np.sqrt(len(rows))))
        return min(float(np.sqrt(np.mean(residuals * residuals))) / size, relative) <= allowed

    def _mutate(self) -> None:
        """Change formulas of the frontier until nothing gets better for long, or the time is over."""
        generator = np.random.default_rng([self._seed, len(self.outcome.done)])
        mutator = Mutator(len(self._problem.columns), self._operators, generator)
        idle = 0
        while idle < _PATIENCE and not self._must_stop() and len(self.outcome.frontier):
            entries = sorted(self.outcome.frontier, key=lambda one: one.total_bits)
            place = min(int(generator.exponential(3.0)), len(entries) - 1)
            draft = mutator.mutate(entries[place].program, entries[int(generator.integers(len(entries)))].program)
            before = entries[0].total_bits
            entry = None if draft is None else polish(self._problem, draft)
            self.outcome.frontier.offer(entry)
            idle = 0 if entry is not None and entry.total_bits < before else idle + 1
            if entry is not None and self._is_exact(entry):
                self.outcome.exact, self.outcome.stage = entry, "mutations"
                return
            if self.outcome.frontier.tried % _TOLD_EVERY == 0:
                self._tell("mutations")

    def _tell(self, stage: str) -> None:
        if self._progress is not None:
            spent_s = self._spent_s()
            best = self.outcome.exact or self.outcome.frontier.best
            tried = self.outcome.frontier.tried
            self._progress(Moment(stage, min(spent_s / self._time_s, 1.0), tried, best, self._time_s - spent_s))
