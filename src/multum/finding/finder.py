"""`find`: the program with the least total of program and code on the data at hand.

The account decides: level 9 is always measured, the best recipes of a search on samples are measured too, and the
smallest archive is the result. Invariant: the target never holds anything but an archive that was decoded back.
"""

import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from multum.archive.coding import block_bytes, level_memory_bytes
from multum.archive.contents import Content, PathLike, Source, content_of
from multum.archive.limits import count_threads, fit_threads
from multum.archive.packing import default_target
from multum.archive.recipes import KeptRecipe, read_recipe, write_recipe
from multum.archive.targets import check_free, whole_file
from multum.errors import UsageError
from multum.finding.candidates import Candidate, Measured, measure_candidate
from multum.finding.fitting import choose_sizes, train_programs
from multum.finding.foretelling import foretell
from multum.finding.programs import PRECISIONS, ProgramCandidate, open_program, sort_candidates
from multum.finding.reports import FindReport, order_accounts
from multum.finding.running import LEVEL, Clock, Progress, Run
from multum.finding.samples import compile_kernels
from multum.finding.states import Saved, load_state, remove_state, save_state

BUDGET_S = 300.0


def find(
    source: Source,
    target: PathLike | None = None,
    *,
    time_s: float | None = None,
    trials: int | None = None,
    candidates: Iterable[PathLike] = (),
    save_recipe: PathLike | None = None,
    seed: int = 0,
    threads: int | None = None,
    force: bool = False,
    resume: bool = False,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> FindReport:
    """Return the ledger of the search for the least total on `source`; the winner's archive is at `target`.

    source: a path, several paths (one folder archive), or a binary stream; it is held in memory.
    target: a path, or None for the source's path + ".mtm". time_s: the budget, 300 if nothing is
    given; trials: recipes to try instead, and then the same seed finds the same recipe on every
    machine. candidates: recipe files and archives whose recipes are tried too; and trained programs,
    named as for `pack(program=)`, which are carried inside at several precisions.
    save_recipe: where to write the winner's recipe for `pack(recipe=)`. resume: go on with the
    search for `target` that was stopped. force: replace existing files. memory_limit: bytes.
    progress: called after each round of trials.
    Raises UsageError, FormatError, LimitExceeded, OSError.
    """
    if time_s is not None and trials is not None:
        raise UsageError("a budget is time or trials, one of them")
    for name, value in (("time_s", time_s), ("trials", trials)):
        if value is not None and value <= 0:
            raise UsageError(f"{name} {value:g} is no budget; give more than 0")
    content = content_of(source)
    path = _target_of(content, target)
    if not resume:
        check_free(path, force)
    if save_recipe is not None:
        check_free(os.fspath(save_recipe), force)
    recipes, names = sort_candidates(candidates)
    programs = [candidate for name in names for candidate in open_program(name)]
    data = _read(content)
    digest = hashlib.sha256(data).hexdigest()
    saved = load_state(path, digest) if resume else Saved(digest, seed)
    need_bytes = level_memory_bytes(LEVEL, min(len(data), block_bytes(LEVEL)))
    lanes = fit_threads(count_threads(threads), need_bytes, memory_limit, "finding")

    def measure(candidate: Candidate, lanes: int) -> Measured:
        return measure_candidate(candidate, io.BytesIO(data) if content.stream is not None else source, lanes)

    def accept(measured: Measured) -> None:
        with whole_file(path, True, content.traits()) as file:
            file.write(measured.archive)

    compile_kernels()
    clock = Clock(BUDGET_S if time_s is None and trials is None else time_s, trials)
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="multum")
    try:
        save = partial(save_state, path, saved)
        run = Run(data, saved, clock, pool, lanes, measure=measure, accept=accept, save=save, progress=progress)
        with tempfile.TemporaryDirectory(prefix="multum-find-") as folder:
            run.run(recipes, chain(programs, _train_programs(data, clock, folder, lanes, saved)))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    report = _report(content, path, saved, run, clock.spent_s, save_recipe)
    if save_recipe is not None:
        _save_recipe(save_recipe, report, force)
    remove_state(path)
    return report


def _train_programs(data: bytes, clock: Clock, folder: str, threads: int, saved: Saved) -> Iterator[ProgramCandidate]:
    """Yield programs that are trained on `data` now, where they could pay: of several sizes, or of the one foretold."""
    sizes = choose_sizes(len(data), clock.time_s)
    choice = foretell(data, sum(time_s for _, time_s in sizes), PRECISIONS, folder, threads)
    if choice is not None:
        saved.accounts[choice.account.name] = choice.account
        sizes = [(choice.weights, choice.left_s)]
    for shown, path in train_programs(data, sizes, folder, threads):
        yield from open_program(path, shown, None if choice is None else (choice.bits,))


def _target_of(content: Content, target: PathLike | None) -> str:
    """Return the path of the archive. Raises UsageError when it must be named."""
    if target is not None:
        return os.fspath(target)
    if content.name is None:
        raise UsageError("the target must be named for a stream or several sources")
    return default_target(content.name)


class _Collector:
    """Takes what an archive would be made of."""

    room = 1 << 24

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def open_file(self, name: str, offset: int, size_bytes: int | None) -> None:
        """Nothing is made of a file here."""


def _read(content: Content) -> bytes:
    """Return the bytes that an archive of `content` holds."""
    collector = _Collector()
    content.write_to(collector, io.BytesIO())
    return b"".join(collector.pieces)


def _report(
    content: Content, target: str, saved: Saved, run: Run, time_s: float, save_recipe: PathLike | None
) -> FindReport:
    assert saved.winner is not None, "level 9 is always measured"
    winner = saved.accounts[saved.winner]
    return FindReport(
        source=content.name,
        target=target,
        raw_bytes=run.raw_bytes,
        archive_bytes=round(winner.total_bits) // 8,
        winner=winner.name,
        candidates=order_accounts(saved.accounts.values()),
        recipe=None if save_recipe is None else os.fspath(save_recipe),
        trials=saved.search.trials,
        time_s=time_s,
        note=run.note,
    )


def _save_recipe(path: PathLike, report: FindReport, force: bool) -> None:
    """Write the recipe that the winner's archive was made with. Raises UsageError when it has none."""
    kept: KeptRecipe = read_recipe(report.target)
    about = {"data": report.source, "raw_bytes": report.raw_bytes, "archive_bytes": report.archive_bytes}
    write_recipe(path, kept, about, force=force)
