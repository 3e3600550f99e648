"""One ladder: its data divided, its grid chosen, its runs made, and its law fitted."""

import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from multum.archive.limits import count_threads
from multum.data.streams import ByteStream, DataSource
from multum.errors import UsageError
from multum.ladders.climbing import Climb
from multum.ladders.clusters import RayCluster
from multum.ladders.concluding import conclude
from multum.ladders.costs import EVALUATIONS, Pace, list_paced, make_pace_jobs, read_pace
from multum.ladders.crews import Crew, Died
from multum.ladders.folders import Folder, open_folder
from multum.ladders.grids import choose_grid, read_grid
from multum.ladders.jobs import Job, Measured
from multum.ladders.options import LadderOptions
from multum.ladders.reports import Announce, Cost, LadderReport, Progress
from multum.ladders.rungs import Rung
from multum.ladders.subsets import HELD_OUT, PACE, PACE_HELD_OUT, divide_data, name_share, write_data, write_shares
from multum.ladders.workers import Workers
from multum.neural.loading import pick_device
from multum.training.interruption import Interruption

# Of a budget of time: what a chosen grid may be estimated to take. The rest is for estimates that are wrong.
_SHARE = 0.9
# A run that dies loses no more than this.
_CHECKPOINT_S = 20.0


def run_ladder(
    data: DataSource | Sequence[DataSource],
    out: Path,
    options: LadderOptions,
    force: bool,
    announce: Announce | None,
    progress: Progress | None,
) -> LadderReport:
    """Return the report of one ladder; see `ladder`."""
    started_s = time.monotonic()
    training, held_out = divide_data(data, options.held_out)
    asked = _describe_data(training, held_out) | options.describe() | _describe_grid(options, len(training))
    with Interruption() as interruption, open_folder(out, force) as folder, _make_crew(options) as crew:
        described = folder.read_description(asked)
        if described is None:
            write_data(folder.data, training, held_out)
            left_s = None if options.time_s is None else options.time_s - (time.monotonic() - started_s)
            rungs, pace = _begin(folder, crew, interruption, options, len(training), left_s)
            described = {"asked": asked, "pace": pace.as_dict(), "rungs": [asdict(rung) for rung in rungs]}
            folder.write_description(described)
        rungs = tuple(Rung(**one) for one in described["rungs"])
        pace = replace(Pace(**described["pace"]), workers=crew.count)
        climb = Climb(folder, rungs, pace, options.bits, len(held_out), progress)
        if announce is not None:
            announce(_count_cost(climb, pace, options.bits))
        failed = climb.run(crew, interruption, _make_job(folder, options, pace.precision))
    return conclude(folder, rungs, failed, len(training), time.monotonic() - started_s)


def _make_crew(options: LadderOptions) -> Crew:
    """Return who does the runs. Raises UsageError, MissingExtra."""
    if options.cluster is not None:
        return RayCluster(options.cluster)
    alone = pick_device(options.device).type != "cpu"  # workers would only wait for each other
    return Workers(options.workers or (1 if alone else count_threads(None)))


def _describe_data(training: ByteStream, held_out: ByteStream) -> dict[str, Any]:
    """Return what the runs read: digests of the inputs, and of the bytes held out of them."""
    scored = hashlib.sha256(held_out.read(0, len(held_out)).tobytes()).hexdigest()
    return {"data": [origin["digest"] for origin in training.describe()], "held_out": scored}


def _describe_grid(options: LadderOptions, training_bytes: int) -> dict[str, Any]:
    """Return the runs of a grid that was given: a table with the same runs is the same grid."""
    if options.is_auto:
        return {"grid": "auto"}
    return {"grid": [rung.name for rung in read_grid(options.grid, training_bytes, options.architecture)]}


def _begin(
    folder: Folder,
    crew: Crew,
    interruption: Interruption,
    options: LadderOptions,
    training_bytes: int,
    left_s: float | None,
) -> tuple[tuple[Rung, ...], Pace]:
    """Return the runs, and how fast workers are at such runs. Raises UsageError for a budget that is not enough."""
    given = () if options.is_auto else read_grid(options.grid, training_bytes, options.architecture)
    write_shares(folder.data, (rung.share for rung in given))
    measuring_s = time.monotonic()
    pace = _measure_pace(folder, crew, interruption, options, given)
    held_out_bytes = (folder.data / HELD_OUT).stat().st_size
    left_s = None if left_s is None else _SHARE * (left_s - (time.monotonic() - measuring_s))

    def measure(rungs: Sequence[Rung]) -> float:
        if left_s is None:
            return sum(rung.flops for rung in rungs)
        return pace.estimate_all(rungs, held_out_bytes, len(options.bits))

    budget = options.flops if left_s is None else left_s
    if not given:
        assert budget is not None, "a grid is chosen for a budget"
        chosen = choose_grid(measure, budget, training_bytes, options.architecture)
        return tuple(replace(rung, seed=options.seed) for rung in chosen), pace
    if budget is not None and measure(given) > budget:
        what = "FLOPs" if left_s is None else "seconds"
        raise UsageError(
            f"the grid takes {measure(given):.3g} {what}, and {budget:.3g} are left; give more, or less of it"
        )
    return given, pace


def _measure_pace(
    folder: Folder, crew: Crew, interruption: Interruption, options: LadderOptions, given: Sequence[Rung]
) -> Pace:
    """Return how fast the workers are, all at work, at programs of several sizes."""
    paced = list_paced(given, options.architecture)
    shared = _make_job(folder, options, options.precision)
    shared = replace(
        shared, folder=str(folder.pace), data=str(folder.data / PACE), held_out=str(folder.data / PACE_HELD_OUT)
    )
    jobs = make_pace_jobs(shared, paced, crew.count, options.bits)
    try:
        events = [event for event in crew.run(jobs, interruption) if not isinstance(event, Died)]
    finally:
        shutil.rmtree(folder.pace, ignore_errors=True)
    return read_pace(paced, [event for event in events if isinstance(event, Measured)], crew.count)


def _make_job(folder: Folder, options: LadderOptions, precision: str) -> Job:
    """Return what all runs share."""
    shared = {
        "architecture": options.architecture,
        "threads": 1,
        "device": options.device,
        "precision": precision,
        "evaluations": EVALUATIONS,
        "patience": None,
        "checkpoint_s": _CHECKPOINT_S,
    }
    return Job(
        "", str(folder.runs), str(folder.data / name_share(1)), str(folder.data / HELD_OUT), shared, options.bits
    )


def _count_cost(climb: Climb, pace: Pace, bits: tuple[float, ...]) -> Cost:
    """Return what is still to be paid."""
    sizes = [rung.shape.parameters for rung in climb.rungs]
    return Cost(
        runs=len(climb.waiting),
        finished=len(climb.rungs) - len(climb.waiting),
        flops=sum(rung.flops for rung in climb.waiting),
        time_s=pace.estimate_all(climb.waiting, climb.held_out_bytes, len(bits)),
        workers=pace.workers,
        flops_s=pace.flops_s[-1],
        least_parameters=min(sizes),
        most_parameters=max(sizes),
        bits=bits,
        estimates=climb.estimates,
    )
