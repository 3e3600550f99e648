"""What a ladder costs before it starts: from FLOPs, and from how fast a few steps were on this machine."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from multum.errors import UsageError
from multum.ladders.jobs import Job, Measured
from multum.ladders.rungs import PASSES, Rung, count_flops

# Evaluations of held-out bytes within a run, of which the best weights are kept.
EVALUATIONS = 4
# The final rate reads every byte twice, as context and to be scored.
_FINAL_READINGS = 2
# Steps that tell a pace; bytes a step are those of small programs.
_STEPS = 4
_STEP_BYTES = 4096
_PACED_SIZES = (10_000, 1_000_000)
# Seconds before a run's first step: its folder, the data's digest, the warm-up of its kernels.
_START_S = 1.0
# Nothing takes no time, and times are interpolated by their logarithms.
_LEAST_S = 1e-6


@dataclass(frozen=True)
class Pace:
    """How fast a worker is while all others are at work.

    sizes: weights, rising. flops_s: training FLOPs a second at each. rounding_s: seconds of rounding a program to some
    bits a weight, at each. precision: the one that was faster. workers: how many there are.
    """

    sizes: tuple[float, ...]
    flops_s: tuple[float, ...]
    rounding_s: tuple[float, ...]
    precision: str
    workers: int

    def estimate(self, rung: Rung, held_out_bytes: int, roundings: int) -> float:
        """Return the seconds that a rung takes with all that is measured of it."""
        size, per_byte = rung.shape.parameters, count_flops(rung.shape)
        readings = EVALUATIONS + _FINAL_READINGS * (1 + roundings)
        read_bytes = rung.trained_bytes + held_out_bytes * readings / PASSES
        trained_s = read_bytes * per_byte / self._interpolate(self.flops_s, size)
        return _START_S + trained_s + roundings * self._interpolate(self.rounding_s, size)

    def estimate_all(self, rungs: Sequence[Rung], held_out_bytes: int, roundings: int) -> float:
        """Return the seconds until all are done, each worker taking the longest that is left."""
        ends = [0.0] * self.workers
        for spent_s in sorted((self.estimate(rung, held_out_bytes, roundings) for rung in rungs), reverse=True):
            heapq.heapreplace(ends, ends[0] + spent_s)
        return max(ends)

    def _interpolate(self, values: Sequence[float], size: float) -> float:
        """Return a value at `size`, a power law between the sizes that were measured and flat beyond."""
        return math.exp(float(np.interp(math.log(size), np.log(self.sizes), np.log(values))))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def list_paced(rungs: Sequence[Rung], architecture: str) -> list[Rung]:
    """Return what to time: a few steps of the smallest and the largest program, and of one between them."""
    known = [rung.shape.parameters for rung in rungs] or _PACED_SIZES
    low, high = min(known), max(known)
    rungs = [Rung(size, _STEPS * _STEP_BYTES, architecture) for size in (low, round(math.sqrt(low * high)), high)]
    return list({rung.name: rung for rung in rungs}.values())


def make_pace_jobs(job: Job, paced: Sequence[Rung], workers: int, bits: Sequence[float]) -> list[Job]:
    """Return jobs that keep all workers busy with each of the programs; job: what all of them share.

    The first program comes twice, for a worker's first job also loads what it needs.
    """
    tried = (min(bits),) if bits else ()
    return [
        replace(
            job,
            name=f"{number}-{worker}",
            folder=f"{job.folder}/{number}-{worker}",
            options=job.options | {"parameters": rung.parameters, "tokens": rung.trained_bytes, "evaluations": 1},
            bits=tried,
        )
        for number, rung in enumerate((paced[0], *paced))
        for worker in range(workers)
    ]


def read_pace(paced: Sequence[Rung], measured: Sequence[Measured], workers: int) -> Pace:
    """Return the pace of all workers together. Raises UsageError when none of a size came back."""
    flops_s, rounding_s = [], []
    for rung in paced:
        ours = [one for one in measured if one.parameters == rung.shape.parameters]
        if not ours:
            raise UsageError(f"no worker could train {rung.shape.parameters:,} weights for {_STEPS} steps; see above")
        flops_s.append(max(count_flops(rung.shape) * one.trained_bytes / one.training_s for one in ours))
        rounding_s.append(min(one.rounding_s for one in ours) or _LEAST_S)
    sizes = tuple(float(rung.shape.parameters) for rung in paced)
    # What suits the largest program suits where most of the time goes.
    precision = max(measured, key=lambda one: one.parameters).precision
    return Pace(sizes, tuple(flops_s), tuple(rounding_s), precision, workers)
