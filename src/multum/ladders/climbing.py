"""The runs of a ladder, the longest first, each noted in points.jsonl as soon as it is done."""

import time
from collections.abc import Sequence
from dataclasses import replace

from multum.ladders.costs import Pace
from multum.ladders.crews import Crew, Died, Event, Failed, Told
from multum.ladders.folders import Folder
from multum.ladders.jobs import Job, Measured
from multum.ladders.reports import Moment, Point, Progress
from multum.ladders.rungs import Rung, count_flops
from multum.ladders.subsets import count_bytes, name_share
from multum.training.interruption import Interruption

# Bits of a weight as it was trained.
UNROUNDED_BITS = 32.0


class Climb:
    """What is left of a ladder, and how far it is. waiting: the runs without points, the longest first."""

    def __init__(
        self,
        folder: Folder,
        rungs: Sequence[Rung],
        pace: Pace,
        bits: tuple[float, ...],
        held_out_bytes: int,
        progress: Progress | None,
    ) -> None:
        self.folder, self.rungs, self.bits, self.held_out_bytes = folder, rungs, bits, held_out_bytes
        self._progress = progress
        self._costs = {rung.name: pace.estimate(rung, held_out_bytes, len(bits)) for rung in rungs}
        self._workers = pace.workers
        finished = {point["run"] for point in folder.read_points()}
        left = [rung for rung in rungs if rung.name not in finished]
        self.waiting = sorted(left, key=lambda rung: self._costs[rung.name], reverse=True)
        self._unique = {rung.share: count_bytes(folder.data, rung.share) for rung in rungs}
        # Where no run repeats any bytes, how many are unique says nothing.
        self._repeats = any(rung.trained_bytes > self._unique[rung.share] for rung in rungs)
        self._fractions = {rung.name: float(rung.name in finished) for rung in rungs}
        self._told: dict[str, float | None] = {}
        self._done = len(finished)
        self._started_s = time.monotonic()
        self._paid_before = self.fraction

    @property
    def fraction(self) -> float:
        """The share of all runs' cost that is paid."""
        return sum(self._costs[name] * one for name, one in self._fractions.items()) / sum(self._costs.values())

    @property
    def estimates(self) -> tuple[tuple[str, float], ...]:
        """The (run, seconds) of what is left."""
        return tuple((rung.name, self._costs[rung.name]) for rung in self.waiting)

    def run(self, crew: Crew, interruption: Interruption, shared: Job) -> tuple[tuple[str, str], ...]:
        """Make the runs; return (name, why) of those that failed. Raises Interrupted, OSError."""
        rungs = {rung.name: rung for rung in self.waiting}
        failed = []
        for event in crew.run([self._make_job(rung, shared) for rung in self.waiting], interruption):
            if isinstance(event, Measured):
                self.folder.append_points([one.as_dict() for one in self._make_points(event, rungs[event.name])])
            elif isinstance(event, Failed):
                failed.append((event.name, event.reason))
            self._tell(event)
        return tuple(failed)

    def _make_job(self, rung: Rung, shared: Job) -> Job:
        """Return the job of a run; shared: what is the same for all."""
        options = {"parameters": rung.parameters, "tokens": rung.trained_bytes, "seed": rung.seed}
        return replace(
            shared,
            name=rung.name,
            folder=str(self.folder.runs / rung.name),
            data=str(self.folder.data / name_share(rung.share)),
            options=shared.options | options,
        )

    def _make_points(self, measured: Measured, rung: Rung) -> list[Point]:
        """Return the points of a run: as it was trained, and rounded."""
        trained = measured.trained_bytes
        unique = min(trained, self._unique[rung.share]) if self._repeats else None
        rates = [(UNROUNDED_BITS if self.bits else None, measured.rate_bpb), *measured.rounded]
        return [
            Point(
                run=rung.name,
                parameters=measured.parameters,
                bytes=trained,
                unique_bytes=unique,
                flops=count_flops(rung.shape) * trained,
                bpb=rate_bpb,
                post_training_bits=bits,
                share=rung.share,
                seed=rung.seed,
                time_s=measured.training_s,
            )
            for bits, rate_bpb in rates
        ]

    def _tell(self, event: Event) -> None:
        """Note how far an event takes the ladder, and show it."""
        if isinstance(event, Told):
            self._fractions[event.name], self._told[event.name] = event.fraction, event.held_out_bpb
        elif not isinstance(event, Died):
            self._fractions[event.name] = 1.0
            self._done += 1
        if self._progress is None:
            return
        spent_s, paid = time.monotonic() - self._started_s, self.fraction - self._paid_before
        left_s = (1 - self.fraction) / paid * spent_s if paid > 0 else sum(self._costs.values()) / self._workers
        self._progress(
            Moment(
                fraction=self.fraction,
                done=self._done,
                runs=len(self.rungs),
                name=event.name,
                bpb=event.rate_bpb if isinstance(event, Measured) else self._told.get(event.name),
                spent_s=spent_s,
                left_s=left_s,
                note=_describe(event),
            )
        )


def _describe(event: Event) -> str | None:
    """Return what an event means, None for what only goes on."""
    if isinstance(event, Measured):
        rounded = "".join(f", {rate_bpb:.4f} at {bits:g} bits" for bits, rate_bpb in event.rounded)
        return f"{event.rate_bpb:.4f} bits per byte{rounded}"
    if isinstance(event, Died):
        return f"{event.reason}; it begins again from its checkpoint"
    return event.reason if isinstance(event, Failed) else None
