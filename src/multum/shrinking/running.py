"""One shrink from files to file: read, measure, code as coarse as was asked for, measure again, write.

Invariant: the target appears only when its network has passed the gate.
"""

import copy
import math
import os
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from torch import Tensor, nn

from multum.archive.models import model_folder
from multum.archive.targets import whole_file
from multum.errors import UsageError
from multum.neural.clips import tell_clips
from multum.quantization.threads import one_thread
from multum.shrinking.aiming import MOST_BITS, reach_bytes, search_bits
from multum.shrinking.int8 import measure_int8
from multum.shrinking.limits import check_memory, measure_peak_bytes
from multum.shrinking.material import read_material
from multum.shrinking.measuring import make_batch_probe, make_probe, measure_running
from multum.shrinking.models import Model, check_finite, open_model
from multum.shrinking.options import USUAL_BITS, ShrinkOptions
from multum.shrinking.passes import Code, Progress, State, list_free, run_passes
from multum.shrinking.reducing import make_passes
from multum.shrinking.reports import Loss, PassLine, ShrinkReport
from multum.shrinking.weighing import Balance
from multum.shrinking.writing import measure_rest_bytes, write_archive


def run_shrink(
    model: "str | os.PathLike[str] | nn.Module",
    target: str,
    asked: ShrinkOptions,
    force: bool,
    progress: Progress | None,
) -> ShrinkReport:
    """Return the report of `model` shrunken into `target`; see `shrink`."""
    started_s = time.perf_counter()
    if isinstance(model, nn.Module):
        opened = open_model(model)
        return _run(opened, type(model).__name__, target, asked, force, progress, started_s)
    name = os.fspath(model)
    with model_folder(name, asked.threads, asked.memory_limit) as folder:
        return _run(open_model(folder), name, target, asked, force, progress, started_s)


def _run(
    model: Model,
    name: str,
    target: str,
    asked: ShrinkOptions,
    force: bool,
    progress: Progress | None,
    started_s: float,
) -> ShrinkReport:
    weights = model.weights  # as it came: passes may leave fewer
    check_memory(weights, asked.memory_limit, learns=asked.steps.learns)
    check_finite(model)
    probe = _find_probe(model, asked)
    running = None if probe is None else measure_running(model.module, *probe)
    with one_thread():
        material = read_material(model, asked.data, asked.evaluation, asked.calibration, asked.seed, progress)
        calibrated = None if asked.calibrated is None else Path(asked.calibrated)
        teacher = copy.deepcopy(model.module) if asked.steps.learns else None
        state = State(model, material, asked.seed, calibrated, teacher=teacher)
        run = _Run(state, asked, state.measure(), model.weights, progress)
        if asked.max_loss_increase is not None and run.before is None:
            raise UsageError("there is nothing to measure the loss on; give data that the model predicts (evaluation=)")
        with whole_file(target, force, None) as file:
            size_bytes = run.write(file)
    state.forget()
    after = None if probe is None else measure_running(model.module, *probe)
    int8 = None if probe is None else measure_int8(model.module, *probe)
    return ShrinkReport(
        source=name,
        target=target,
        weights=weights,
        bytes_before=model.size_bytes,
        bytes_after=size_bytes,
        loss_before=run.before,
        loss_after=run.ledger[-1].loss_after,
        running_before=running,
        running_after=after,
        seconds=time.perf_counter() - started_s,
        peak_bytes=measure_peak_bytes(),
        calibration=material.told,
        passes=(*run.ledger[:-1], replace(run.ledger[-1], bytes_after=size_bytes)),
        running_int8=None if int8 is None else int8[1],
        loss_int8=None if int8 is None or material.gauge is None else material.gauge.measure(int8[0]),
    )


def _find_probe(model: Model, asked: ShrinkOptions) -> tuple[dict[str, Tensor], str] | None:
    """Return (arguments that the network reads, what they are), None where nobody knows."""
    if model.source is not None:
        return make_probe(model.config, model.source)
    batches = asked.evaluation
    return None if batches is None or isinstance(batches, str | Path) else make_batch_probe(batches)


@dataclass(eq=False)
class _Run:
    """The attempts of one shrink.

    before: the loss that the model begins with. weights: how many it then has. reduced: the ledger of the passes before
    coding, which are made once. ledger: that of the last attempt, all passes.
    """

    state: State
    asked: ShrinkOptions
    before: Loss | None
    weights: int
    progress: Progress | None
    reduced: list[PassLine] = field(default_factory=list)
    ledger: list[PassLine] = field(default_factory=list)

    def write(self, file: BinaryIO) -> int:
        """Write the archive that was asked for; return its length. Raises UsageError when there is none."""
        earlier = make_passes(self.asked.steps.before_code)
        if self.asked.steps.size_bytes is not None:
            self.state.weigh = Balance(self.state, self.asked, self._describe).weigh
        self.ledger = self.reduced = run_passes(self.state, earlier, self.before, self.progress)
        if not self.asked.steps.codes:
            self._check_gate()
            return self._write_state(file)
        if self.asked.searches and list_free(self.state):
            assert self.asked.max_loss_increase is not None, "a search is for a loss"
            bits = search_bits(self.asked.max_loss_increase, self._try_bits)
            if self._count_bytes(bits) != self.state.coded_bytes:  # the last one tried was another
                self._try_bits(bits)
            return self._write_state(file)
        if self.asked.steps.quantizes and not self.asked.sized:
            # what the integers take is known only now; the rest takes what it usually does
            size_bytes, _ = self._code_and_write(file, self._count_bytes(USUAL_BITS))
            self._check_gate()
            return size_bytes
        # bits that were asked for are those of a weight that came; the usual ones are those of a weight that is left
        weights = self.weights if self.asked.sized else self.state.model.weights
        target_bytes = self.asked.find_target_bytes(weights)
        names = [self.state.model.names[weight.name] for weight in list_free(self.state)]
        rest_bytes = measure_rest_bytes(self.state.model, names, self._describe(), self.asked.threads, self.state.fixed)
        size_bytes = reach_bytes(target_bytes, rest_bytes, partial(self._code_and_write, file))
        self._check_gate()
        return size_bytes

    def _count_bytes(self, bits: float) -> int:
        """Return the bytes that so many bits a weight are, of weights that are no integers yet."""
        return int(bits * sum(weight.parameter.numel() for weight in list_free(self.state)) / 8)

    def _try_bits(self, bits: float) -> float:
        """Return the loss increase of the network at so many bits a coded weight."""
        self._code(self._count_bytes(bits))
        return self._increase

    def _code(self, coded_bytes: int) -> None:
        self.state.restore()
        self.state.coded_bytes = min(coded_bytes, self._count_bytes(MOST_BITS))
        before = self.reduced[-1].loss_after if self.reduced else self.before
        self.ledger = [*self.reduced, *run_passes(self.state, [Code()], before, self.progress)]

    def _code_and_write(self, file: BinaryIO, coded_bytes: int) -> tuple[int, int]:
        """Return (the length of the file, what its codes take, about), where they may take so many bytes."""
        self._code(coded_bytes)
        return self._write_state(file), self.state.taken_bytes

    def _write_state(self, file: BinaryIO) -> int:
        file.seek(0)
        file.truncate()
        asked = self.asked
        return write_archive(
            self.state.model, self.state.grids, self._describe(), file, asked.threads, asked.memory_limit
        )

    @property
    def _increase(self) -> float:
        after = self.ledger[-1].loss_after
        assert self.before is not None, "a gate needs data, and options are checked"
        assert after is not None, "what was measured before is measured after"
        return after.value - self.before.value

    def _check_gate(self) -> None:
        """Raise UsageError when the loss rose by more than is allowed, or is no number."""
        after, most = self.ledger[-1].loss_after, self.asked.max_loss_increase
        if self.before is None or after is None:
            return
        if math.isnan(after.value):
            raise UsageError("the small network predicts values that are no numbers; allow more bytes")
        if most is not None and self._increase > most:
            raise UsageError(
                f"the loss rises by {self._increase:.4f} {after.unit}, allowed is {most:g}; no file was written:"
                " allow more bytes, or a larger increase"
            )

    def _describe(self) -> dict[str, Any]:
        """Return what multum.json tells of the shrink: nothing that differs from one run to the next."""
        told: dict[str, Any] = {"weights": self.weights, "calibration": self.state.material.told}
        told["seed"] = self.asked.seed
        told |= tell_clips(self.state.model.module)
        told["passes"] = [{"name": line.name, "left": [vars(one) for one in line.left]} for line in self.ledger]
        if self.ledger and self.before is not None and self.ledger[-1].loss_after is not None:
            told["unit"] = self.before.unit
            told["loss_before"] = round(self.before.value, 4)
            told["loss_after"] = round(self.ledger[-1].loss_after.value, 4)
        return told
