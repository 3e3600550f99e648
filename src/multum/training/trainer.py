"""The trainer: takes a task through its budget, step by step, so that it can be stopped and taken up anywhere.

Everything that decides a step is in the checkpoint or is a function of the step's number, so a run that was killed
and resumed passes through the same weights. (A budget of time reads the clock, and the clock is not reproducible.)
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import MultumError, UsageError
from multum.training import checkpoints
from multum.training.gradients import Gradients
from multum.training.interruption import Interrupted, Interruption
from multum.training.optimizers import make_optimizers, set_precision
from multum.training.precision import BFLOAT16, FLOAT32, TYPES, autocast, choose_precision
from multum.training.processes import Processes
from multum.training.scalars import Scalars
from multum.training.schedule import scale_rate
from multum.training.settings import Settings
from multum.training.shaping import Shaping
from multum.training.task import Task

NATS_PER_BIT = math.log(2)
# Within a budget of time evaluations take no more than about this share of it.
EVALUATION_SHARE = 0.05
# Smoothing of the training loss that is shown.
MEMORY = 0.95


@dataclass(frozen=True)
class Moment:
    """Where a run is, for whoever watches.

    fraction: of the budget, spent. bits: smoothed training bits a unit; held_out: the last evaluation's, None
    before it. speed: units a second since the start or the resume. left_s: seconds left at this pace.
    """

    step: int
    fraction: float
    units: int
    bits: float
    held_out: float | None
    speed: float
    spent_s: float
    left_s: float


Progress = Callable[[Moment], None]


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    units: trained on, repeats counted. scores: of the weights that were kept. best_step: where those weights
    are from. history: an object an evaluation. ended: "budget", or "early" when the held-out bits had stopped falling.
    """

    steps: int
    units: int
    flops: float
    time_s: float
    scores: dict[str, float]
    best_step: int
    history: list[dict[str, float]]
    ended: str
    precision: str
    device: str
    processes: int


@dataclass
class _State:
    """What changes from step to step, besides tensors; all of it is in the checkpoint."""

    step: int = 0
    units: int = 0
    spent_s: float = 0.0
    bits: float | None = None
    precision: str | None = None
    evaluated: int = 0  # how many evaluations were due so far
    best_step: int = -1
    best: dict[str, float] | None = None
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    task: Task,
    folder: Path,
    settings: Settings,
    progress: Progress | None = None,
    resume: bool = False,
    shaping: Shaping | None = None,
    keep: bool = False,
) -> tuple[nn.Module, RunReport]:
    """Return the trained program, on the CPU with its best weights, and what the run did.

    folder: an existing folder for the checkpoint and TensorBoard's files. resume: go on from its checkpoint.
    shaping: what is done to the program beside its steps. keep: leave a checkpoint of the end, from which a resumed run
    has its result at once.
    Raises UsageError when the checkpoint is of another run, MultumError when the loss is no number any more,
    Interrupted once a signal has come and the run is saved, OSError.
    """
    with Interruption() as interruption:
        run = Run(task, folder, settings, progress, shaping)
        try:
            if resume:
                run.restore()
            found = run.finish(interruption)
            if keep:
                run.save()
            return found
        finally:
            run.close()


class Run:
    """One run: its program, optimizers, state, and the loop over them."""

    def __init__(
        self,
        task: Task,
        folder: Path,
        settings: Settings,
        progress: Progress | None = None,
        shaping: Shaping | None = None,
    ) -> None:
        self.started_s = time.perf_counter()
        self.task, self.folder, self.settings, self.progress = task, folder, settings, progress
        self.shaping = shaping
        self.processes = Processes(settings.device, settings.sharded)
        self.module = self.processes.wrap(task.build())
        self.inner = self.processes.unwrap(self.module)
        self.optimizers = make_optimizers(self.inner, settings)
        self.state = _State()
        self.best: dict[str, Tensor] | None = None
        self.scalars = Scalars(folder if self.processes.is_first else None)
        self.gradients = Gradients(task, self.module, self.processes, settings)
        self._spent_before_s, self._units_before = 0.0, 0
        self._saved_s = self._evaluated_s = self.started_s
        self._evaluation_s = 0.0
        self._total_units = settings.budget.in_units(task.flops_per_unit())

    def close(self) -> None:
        """Close files and end threads."""
        self.scalars.close()
        self.gradients.close()

    # How far the run is.

    @property
    def spent_s(self) -> float:
        """Seconds of this run, those before a resume included."""
        return self._spent_before_s + time.perf_counter() - self.started_s

    @property
    def units_per_step(self) -> int:
        """Units of a step, of all processes together."""
        return self.task.units_per_batch() * self.settings.accumulation * self.processes.count

    def fraction(self) -> float:
        """Return how much of the budget is spent, in [0, 1]."""
        if self._total_units is not None:
            steps = math.ceil(self._total_units / self.units_per_step)
            return min(1.0, self.state.step / steps)
        assert self.settings.budget.time_s is not None, "a budget is of units or of time"
        return min(1.0, self.spent_s / self.settings.budget.time_s)

    # The loop.

    def finish(self, interruption: Interruption) -> tuple[nn.Module, RunReport]:
        """Train until the budget is spent, or for as long as it pays."""
        if self.state.precision is None:
            self.state.precision = self._choose_precision()
        set_precision(self.optimizers, TYPES[self.state.precision])
        self._warm_up()
        ended = "budget"
        while True:
            fraction, signal = self.processes.follow_first([self.fraction(), interruption.number or 0])
            if signal:
                self._stop(int(signal))
            if self.shaping is not None:
                self.shaping.advance(self.inner, fraction)
            if fraction >= 1.0:
                break
            self._step(fraction)
            if self._evaluation_is_due() and self._evaluate_and_give_up(fraction):
                ended = "early"
                break
            self._save_now_and_then()
        return self._conclude(ended)

    def _step(self, fraction: float) -> None:
        """Take one step of the optimizers."""
        scale = scale_rate(fraction, self.settings.warmup, self.settings.decay)
        nats, units, norm = self.gradients.compute(self.state.step, self._precision)
        if not math.isfinite(norm):  # of all processes, so that all stop
            raise MultumError(
                f"the gradient is {norm} at step {self.state.step}; lower the learning rate, or look for odd data;"
                " the last checkpoint was kept"
            )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * scale
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._count(nats / units / NATS_PER_BIT, self.processes.sum_number(units), fraction, scale)

    def _count(self, bits: float, units: int, fraction: float, scale: float) -> None:
        """Note a step that was taken and show it."""
        state = self.state
        state.step += 1
        state.units += units
        state.bits = bits if state.bits is None else MEMORY * state.bits + (1 - MEMORY) * bits
        self.scalars.add(state.step, {"train/bits": bits, "train/rate": scale})
        if self.progress is not None and self.processes.is_first:
            self.progress(self._tell(fraction))

    def _tell(self, fraction: float) -> Moment:
        spent_s, state = self.spent_s, self.state
        here_s = max(1e-9, time.perf_counter() - self.started_s)
        return Moment(
            step=state.step,
            fraction=fraction,
            units=state.units,
            bits=state.bits or 0.0,
            held_out=state.history[-1]["bits_per_unit"] if state.history else None,
            speed=(state.units - self._units_before) / here_s,
            spent_s=spent_s,
            left_s=spent_s * (1 - fraction) / fraction if fraction else 0.0,
        )

    # Precision.

    @property
    def _precision(self) -> str:
        return self.state.precision or FLOAT32

    def _choose_precision(self) -> str:
        """Return the precision that was asked for, or the faster one; all processes take the first's."""
        if self.settings.precision != "auto":
            return self.settings.precision

        def work(precision: str) -> None:
            self.gradients.compute(0, precision)

        with self._kept_buffers():
            is_half = choose_precision(self.processes.device, work) == BFLOAT16
        (agreed,) = self.processes.follow_first([is_half])
        return BFLOAT16 if agreed else FLOAT32

    def _warm_up(self) -> None:
        """Run a step's passes for nothing, which may compile kernels, and start the clock when they are done."""
        with self._kept_buffers():
            self.gradients.compute(0, self._precision)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.started_s = self._saved_s = self._evaluated_s = time.perf_counter()

    @contextmanager
    def _kept_buffers(self) -> Iterator[None]:
        """Let passes that are no part of the training leave no trace, as in the averages of batch norms."""
        before = [buffer.clone() for buffer in self.inner.buffers()]
        yield
        for buffer, old in zip(self.inner.buffers(), before, strict=True):
            buffer.copy_(old)

    # Evaluation.

    def _evaluation_is_due(self) -> bool:
        """Return whether another share of the budget is spent, and an evaluation would not take too much of it."""
        since_s = time.perf_counter() - self._evaluated_s
        dear = self._total_units is None and self._evaluation_s > EVALUATION_SHARE * since_s
        fraction, is_dear = self.processes.follow_first([self.fraction(), dear])
        due = 0 if is_dear and fraction < 1 else int(fraction * self.settings.evaluations)
        if due <= self.state.evaluated:
            return False
        self.state.evaluated = due
        return True

    def _evaluate_and_give_up(self, fraction: float) -> bool:
        """Evaluate, keep the weights if they are the best, and return whether there is no more to gain.

        fraction: of the budget that was spent before the last step; weights that are yet to be shaped are not kept.
        """
        scores = self.evaluate()
        state = self.state
        state.history.append({"step": state.step, "units": state.units, "time_s": round(self.spent_s, 3)} | scores)
        self.scalars.add(state.step, {f"held_out/{name}": value for name, value in scores.items()})
        if self.shaping is not None and fraction < self.shaping.settled:
            return False
        if state.best is None or scores["bits_per_unit"] < state.best["bits_per_unit"]:
            state.best, state.best_step = scores, state.step
            self.best = checkpoints.collect_module(self.inner)
        patience = self.settings.patience
        since = [one for one in state.history if one["step"] > state.best_step]
        return patience is not None and len(since) >= patience

    def evaluate(self) -> dict[str, float]:
        """Return the task's held-out scores for the present weights."""
        started_s = time.perf_counter()
        self.module.eval()
        with torch.no_grad(), autocast(self.processes.device, self._precision):
            scores = self.task.evaluate(self.module if self.processes.sharded else self.inner)
        self.module.train()
        self._evaluated_s = time.perf_counter()
        self._evaluation_s = self._evaluated_s - started_s
        return scores

    # Checkpoints.

    def restore(self) -> None:
        """Go on from the checkpoint. Raises UsageError when it is of another run, FormatError, OSError."""
        if self.processes.is_first:
            checkpoints.discard_leftovers(self.folder)
        tensors, facts = checkpoints.read_checkpoint(self.folder)
        self._check_same(facts)
        checkpoints.restore_module(self.inner, tensors["module"])
        checkpoints.restore_optimizers(self.inner, self.optimizers, tensors.get("optimizer", {}))
        self.best = tensors.get("best")
        self.state = _State(**facts["state"])
        self._spent_before_s, self._units_before = self.state.spent_s, self.state.units

    def _check_same(self, facts: dict[str, Any]) -> None:
        for what, ours in (("settings", self.settings.describe()), ("task", self.task.describe())):
            theirs = facts[what]
            differing = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
            if differing:
                name = differing[0]
                raise UsageError(
                    f"the checkpoint in '{self.folder}' is of another run: its {name} is {theirs.get(name)}, now it is"
                    f" {ours.get(name)}; give the same data and options, or start again without --resume"
                )

    def save(self) -> None:
        """Write the checkpoint; every process must call."""
        self.state.spent_s = self.spent_s
        tensors = {
            "module": checkpoints.collect_module(self.inner),
            "optimizer": checkpoints.collect_optimizers(self.inner, self.optimizers),
            "best": self.best or {},
        }
        if self.processes.is_first:
            facts = {
                "state": asdict(self.state),
                "settings": self.settings.describe(),
                "task": self.task.describe(),
            }
            checkpoints.write_checkpoint(self.folder, tensors, facts)
        self.processes.wait()
        self._saved_s = time.perf_counter()

    def _save_now_and_then(self) -> None:
        due = time.perf_counter() - self._saved_s >= self.settings.checkpoint_s
        (due_first,) = self.processes.follow_first([float(due)])
        if due_first:
            self.save()

    def _stop(self, number: int) -> None:
        """Save and raise Interrupted."""
        self.save()
        raise Interrupted(f"stopped at step {self.state.step}; everything is saved in '{self.folder}'", number)

    # The end.

    def _conclude(self, ended: str) -> tuple[nn.Module, RunReport]:
        """Return the program with the best weights, and the report."""
        state = self.state
        if state.best_step < 0 or state.history[-1]["step"] != state.step:
            self._evaluate_and_give_up(1.0)
        assert state.best is not None, "the evaluation above kept the best"
        assert self.best is not None, "weights are kept with their scores"
        program = self.task.build()
        checkpoints.restore_module(program, self.best)
        report = RunReport(
            steps=state.step,
            units=state.units,
            flops=state.units * self.task.flops_per_unit(),
            time_s=round(self.spent_s, 3),
            scores=state.best,
            best_step=state.best_step,
            history=state.history,
            ended=ended,
            precision=self._precision,
            device=str(self.processes.device),
            processes=self.processes.count,
        )
        return program, report
