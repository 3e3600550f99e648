"""One run of `find`: level 9 is measured beside the search on samples, and then the best of the search."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace

from multum.archive.coding import block_bytes
from multum.finding.candidates import Account, Candidate, LevelCandidate, Measured, RecipeCandidate
from multum.finding.programs import ProgramCandidate, estimate_program
from multum.finding.search import ROUND, Search, Trial
from multum.finding.starting import Named, choose_start
from multum.finding.states import Saved

LEVEL = 9
FOUND = "recipe found"
# Data under this is coded before a recipe of its own has paid for itself.
_LEAST_BYTES = 2048
_SMALLEST_SAMPLE = 1 << 15
_FIRST_SAMPLE = 1 << 16  # where trials are counted, not seconds
# So much of the time is for the recipes that a search begins with, at a pace that few machines stay under.
_FIRST_SHARE, _FIRST_PACE_S = 0.004, 1e-5
_LARGEST_SAMPLE = 1 << 22
# Samples of the middle size are such that this many trials fit into the budget.
_TRIALS = 300
# (share of the search after which, samples so many times the middle size)
_RUNGS = ((0.0, 0.5), (0.35, 1.0), (0.7, 2.0), (0.92, 4.0))
_LARGEST_FIRST_SAMPLE = 1 << 18
_MIDDLE_BYTES = 1 << 17  # where trials are counted, not seconds
_FINALISTS = 2


@dataclass
class Clock:
    """A budget: `time_s` seconds, or `trials` recipes."""

    time_s: float | None
    trials: int | None
    started_s: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started_s

    def left_s(self, reserve_s: float = 0) -> float | None:
        """Return the seconds left before `reserve_s` must begin, None where trials are counted."""
        return None if self.time_s is None else self.time_s - reserve_s - self.spent_s

    def fraction(self, trials: int, reserve_s: float) -> float:
        """Return the share of the search that is over, 1 or more when it must end."""
        if self.time_s is None:
            assert self.trials is not None
            return trials / self.trials
        return self.spent_s / max(self.time_s - reserve_s, 1e-9)


@dataclass(frozen=True)
class Moment:
    """Where a search is.

    fraction: of the budget. trials: recipes tried. best_bytes: of the best one, estimated. level_bytes: of level 9,
    measured, or None while it is not. left_s: seconds, None where trials are counted.
    """

    fraction: float
    trials: int
    best_bytes: float
    level_bytes: float | None
    left_s: float | None


Progress = Callable[[Moment], None]


class Run:
    """A search for the least total on `data`; the smallest archive is handed to `accept`, level 9's first."""

    def __init__(
        self,
        data: bytes,
        saved: Saved,
        clock: Clock,
        pool: Executor,
        threads: int,
        *,
        measure: Callable[[Candidate, int], Measured],
        accept: Callable[[Measured], None],
        save: Callable[[], None],
        progress: Progress | None,
    ) -> None:
        """measure: makes and decodes the archive of a candidate, on so many threads. save: keeps `saved`."""
        self._data, self._saved, self._clock, self._pool, self._threads = data, saved, clock, pool, threads
        self._measure, self._accept, self._save, self._progress = measure, accept, save, progress
        self.raw_bytes = len(data)
        self.note: str | None = None
        self._program: tuple[Account, float, ProgramCandidate] | None = None

    def run(self, given: Sequence[Named], programs: Iterable[ProgramCandidate] = ()) -> None:
        """Do all of it.

        given: recipes to begin with as well. programs: to be estimated, and the best measured if it may win; asked for
        one by one while level 9 is measured, for some are trained only then.
        """
        level = self._start_level()
        self._estimate_programs(programs)
        if len(self._data) < _LEAST_BYTES:
            self.note = f"{len(self._data):,} bytes are too few to pay for a recipe of their own"
        else:
            self._search(given, level)
        if level is not None:
            self._take(level.result())
        if self.note is None:
            self._measure_finalists()
        self._measure_program()

    def _start_level(self) -> "Future[Measured] | None":
        """Begin to measure level 9, unless that was done before."""
        candidate = LevelCandidate(LEVEL)
        if candidate.name in self._saved.accounts:
            return None
        # on one thread: the search has the others
        return self._pool.submit(self._measure, candidate, 1 if self._blocks() == 1 else self._threads)

    def _blocks(self) -> int:
        return -(-len(self._data) // block_bytes(LEVEL))

    def _search(self, given: Sequence[Named], level: "Future[Measured] | None") -> None:
        """Search on samples until the budget is spent but for measuring what was found."""
        state = self._saved.search
        start = choose_start(self._data, LEVEL, given)
        search = Search(self._data, start.vocabulary, self._pool, self._saved.seed, state)
        if not state.elites:
            tried = search.start(start.named, self._first_sample_bytes())
            self._saved.accounts |= {trial.name: _estimate(trial) for trial in tried}
        else:
            search.judge()
        # at the pace of the fastest trial: small samples overstate what a byte takes, for tables are made first
        least_s = 2 * search.fastest_s * self._longest_bytes()
        left_s = self._clock.left_s()
        if left_s is not None and left_s < least_s:
            need_s = 2 * (self._clock.spent_s + least_s)
            self.note = f"the budget is too short for more than level {LEVEL}; some {need_s:.0f} s would do"
            return
        while (fraction := self._clock.fraction(state.trials, self._reserve_s(search))) < 1:
            self._choose_sample(search, fraction)
            search.advance()
            if level is not None and level.done():
                self._take(level.result())
                level = None
            self._save()
            self._tell(search, fraction)

    def _first_sample_bytes(self) -> int:
        """Return the size of the samples for what a search begins with."""
        if self._clock.time_s is None:
            return _FIRST_SAMPLE
        affordable = int(self._clock.time_s * _FIRST_SHARE * self._threads / _FIRST_PACE_S)
        return min(max(affordable, _SMALLEST_SAMPLE), _LARGEST_FIRST_SAMPLE)

    def _choose_sample(self, search: Search, fraction: float) -> None:
        """Take larger samples when it is time to."""
        middle = _MIDDLE_BYTES
        if self._clock.time_s is not None:
            work_s = (self._clock.time_s - self._reserve_s(search)) * self._threads
            middle = int(work_s / search.pace_s / _TRIALS)
        factor = max(factor for share, factor in _RUNGS if fraction >= share)
        wanted = min(max(int(middle * factor), _SMALLEST_SAMPLE), _LARGEST_SAMPLE, len(self._data))
        # not for a little: all that was learnt on the present samples is judged anew
        if wanted > self._saved.search.sample_bytes * 1.5:
            search.grow(wanted)

    def _reserve_s(self, search: Search) -> float:
        """Return the seconds that measuring takes: all data coded and decoded, and some to spare."""
        last_round_s = ROUND / self._threads * search.pace_s * self._saved.search.sample_bytes
        program_s = 0.0 if self._program is None else 2.5 * self._program[1]
        return 2.5 * search.pace_s * self._longest_bytes() + last_round_s + program_s

    def _longest_bytes(self) -> int:
        """Return how many bytes one thread codes, at most, when all data is packed."""
        return min(len(self._data), block_bytes(LEVEL)) * -(-self._blocks() // self._threads)

    def _tell(self, search: Search, fraction: float) -> None:
        if self._progress is not None:
            level = self._saved.accounts.get(LevelCandidate(LEVEL).name)
            level_bytes = None if level is None else level.total_bits / 8
            best = self._saved.search.best.total_bits / 8
            left_s = self._clock.left_s()
            self._progress(Moment(fraction, search.state.trials, best, level_bytes, left_s))

    def _measure_finalists(self) -> None:
        """Write and decode the archives of the best recipes found; the smallest of all stays."""
        elites = self._saved.search.elites[: _FINALISTS if self._threads > 1 and self._blocks() == 1 else 1]
        threads = 1 if self._blocks() == 1 else self._threads
        names = [FOUND, *(f"{FOUND}, second" for _ in elites[1:])]
        for name, trial in zip(names, elites, strict=True):
            self._saved.accounts[name] = _estimate(trial, name)
        futures = [
            self._pool.submit(self._measure, RecipeCandidate(name, trial.kept), threads)
            for name, trial in zip(names, elites, strict=True)
        ]
        for future in futures:
            self._take(future.result())

    def _estimate_programs(self, programs: Iterable[ProgramCandidate]) -> None:
        """Estimate trained programs; note the best and how long its archive takes."""
        for program in programs:
            account, need_s = estimate_program(program, self._data)
            self._saved.accounts[account.name] = account
            if self._program is None or account.total_bits < self._program[0].total_bits:
                self._program = account, need_s, program

    def _measure_program(self) -> None:
        """Measure the best trained program, mixed with the best recipe found, if it may win and there is time."""
        if self._program is None:
            return
        account, need_s, program = self._program
        elites, left_s = self._saved.search.elites, self._clock.left_s()
        # a sample is cold, all of the data is not: a program that comes near may win
        near = account.total_bits < 1.1 * self._saved.accounts[self._saved.winner or ""].total_bits
        if near and (left_s is None or 2 * need_s < left_s):
            candidate = replace(program, kept=elites[0].kept if elites else None)
            self._take(self._measure(candidate, self._threads))

    def _take(self, measured: Measured) -> None:
        """Note what was measured; accept its archive if it is the smallest."""
        accounts, account = self._saved.accounts, measured.account
        accounts[account.name] = account
        best = accounts.get(self._saved.winner or "")
        if best is None or account.total_bits < best.total_bits:
            self._saved.winner = account.name
            self._accept(measured)
        self._save()


def _estimate(trial: Trial, name: str | None = None) -> Account:
    code_bits = trial.total_bits - trial.program_bits
    return Account(name or trial.name, trial.program_bits, code_bits, trial.total_bits, measured=False)
