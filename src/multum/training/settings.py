"""How a run is to go: what it may spend, how fast it learns, where it runs."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from multum.errors import UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Budget:
    """What a run may spend; exactly one of the three is set.

    time_s: seconds of training, evaluations and saving included. units: bytes or labels to train on, repeats
    counted. flops: training FLOPs as the task counts them.
    """

    time_s: float | None = None
    units: int | None = None
    flops: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if len(given) != 1:
            raise UsageError(f"a budget is time, units or FLOPs, one of them; got {sorted(given) or 'none'}")
        ((name, value),) = given.items()
        if not math.isfinite(value) or value <= 0:
            raise UsageError(f"a budget of {value} {name} is not possible; give more than 0")

    def in_units(self, flops_per_unit: float) -> int | None:
        """Return the units this budget buys, at least one, or None for a budget of time."""
        if self.flops is not None:
            return max(1, round(self.flops / flops_per_unit))
        return self.units


@dataclass(frozen=True)
class Settings:
    """How to train; the task says what.

    learning_rate: peak of AdamW. muon_rate: peak of Muon for the hidden matrices, None to train all by AdamW.
    weight_decay: decoupled, for matrices. warmup, decay: fractions of the budget in which the rate rises
    from 0, and falls to 0. clip: largest norm of the gradient. accumulation: micro batches a step and process.
    workers: micro batches that run side by side on a CPU, each in a thread; only for programs that draw nothing at
    random in a pass. evaluations: how many in a run. patience: evaluations without gain that end a run early, None
    for never. checkpoint_s: seconds between checkpoints. device, precision: "auto" takes the best; precision is
    measured. sharded: divide weights, gradients and optimizer state among processes (FSDP).
    """

    budget: Budget
    learning_rate: float = 1e-3
    muon_rate: float | None = None
    weight_decay: float = 0.1
    warmup: float = 0.02
    decay: float = 0.5
    clip: float = 1.0
    accumulation: int = 1
    workers: int = 1
    evaluations: int = 24
    patience: int | None = 6
    checkpoint_s: float = 60.0
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    sharded: bool = False

    def __post_init__(self) -> None:
        _check_choice("device", self.device, DEVICES)
        _check_choice("precision", self.precision, PRECISIONS)
        for name in ("learning_rate", "clip"):
            _check(name, getattr(self, name), getattr(self, name) > 0, "more than 0")
        for name in ("warmup", "decay"):
            _check(name, getattr(self, name), 0 <= getattr(self, name) <= 1, "0 to 1")
        for name in ("accumulation", "workers", "evaluations"):
            _check(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        _check("weight_decay", self.weight_decay, self.weight_decay >= 0, "0 or more")

    def describe(self) -> dict[str, Any]:
        """Return what a resumed run must agree on to come to the same weights; devices may differ."""
        free = {"device", "precision", "sharded", "checkpoint_s", "accumulation", "workers"}
        return {name: value for name, value in asdict(self).items() if name not in free}


def _check(name: str, value: float, good: bool, allowed: str) -> None:
    """Raise UsageError unless `good`; NaN is never good."""
    if not good:
        raise UsageError(f"{name.replace('_', ' ')} is {value}; allowed is {allowed}")


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed and not (name == "device" and value.startswith("cuda:")):
        raise UsageError(f"there is no {name} '{value}'; choose one of {', '.join(allowed)}")
