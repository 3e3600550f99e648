"""What a ladder costs, told from a few steps."""

import pytest

from multum.errors import UsageError
from multum.ladders.costs import Pace, list_paced, make_pace_jobs, read_pace
from multum.ladders.jobs import Job, Measured
from multum.ladders.rungs import Rung, count_flops

PACE = Pace((1e4, 1e6), (5e9, 2e10), (1.0, 5.0), "float32", 2)


def measure(rung: Rung, training_s: float, rounding_s: float = 1.0, precision: str = "float32") -> Measured:
    """Return what timing a program gave."""
    parameters = rung.shape.parameters
    return Measured("timed", parameters, rung.trained_bytes, 1000, 8.0, (), training_s, rounding_s, precision)


def test_workers_share_the_runs_of_an_estimate() -> None:
    rungs = [Rung(10_000, 1_000_000), Rung(10_000, 500_000), Rung(10_000, 499_999)]
    alone = [PACE.estimate(rung, 65_536, 0) for rung in rungs]
    assert PACE.estimate_all(rungs, 65_536, 0) == pytest.approx(max(alone[0], alone[1] + alone[2]))


def test_a_pace_goes_by_the_power_of_the_size() -> None:
    flops_s = count_flops(Rung(100_000, 1).shape) * 1e6 / (PACE.estimate(Rung(100_000, 1_000_000), 1, 0) - 1)
    assert flops_s == pytest.approx(1e10, rel=0.05)


def test_rounding_takes_its_time_and_reads_the_held_out_bytes() -> None:
    rung = Rung(10_000, 1_000_000)
    plain, rounded = PACE.estimate(rung, 65_536, 0), PACE.estimate(rung, 65_536, 4)
    read_s = 4 * 2 * 65_536 / 3 * count_flops(rung.shape) / 5e9
    assert rounded - plain == pytest.approx(4 * 1.0 + read_s, rel=0.1)


def test_the_smallest_the_largest_and_one_between_are_timed_by_all_workers() -> None:
    rungs = [Rung(size, 10**6) for size in (10_000, 30_000, 200_000, 1_000_000)]
    paced = list_paced(rungs, "llama")
    sizes = [one.shape.parameters for one in paced]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (rungs[0].shape.parameters, rungs[-1].shape.parameters)
    jobs = make_pace_jobs(Job("", "pace", "data", "held-out"), paced, 2, (4.0, 3.0))
    assert len({job.folder for job in jobs}) == len(jobs) == 2 * (len(paced) + 1)
    assert {job.bits for job in jobs} == {(3.0,)}


def test_a_pace_is_the_fastest_that_was_seen_at_the_precision_of_the_largest() -> None:
    small, large = Rung(10_000, 16_384), Rung(1_000_000, 16_384)
    timed = [
        measure(large, 2.0, 3.0, "bfloat16"),
        measure(small, 9.0, 9.0),
        measure(small, 1.0),
        measure(large, 4.0, 4.0),
    ]
    pace = read_pace([small, large], timed, 2)
    assert pace.flops_s == pytest.approx([small.flops, large.flops / 2])
    assert (pace.rounding_s, pace.precision) == ((1.0, 3.0), "bfloat16")


def test_a_size_that_no_worker_could_train_is_told() -> None:
    with pytest.raises(UsageError, match="no worker could train 1,009,024 weights for 4 steps"):
        read_pace([Rung(10_000, 16_384), Rung(1_000_000, 16_384)], [measure(Rung(10_000, 16_384), 1.0)], 2)
