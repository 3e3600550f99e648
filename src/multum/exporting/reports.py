"""What `export` reports. Light: nothing here loads torch."""

from dataclasses import asdict, dataclass
from typing import Any

from multum.shrinking.reports import Loss, Running


@dataclass(frozen=True)
class Comparison:
    """How far what was loaded again is from the network in memory.

    difference: root mean square of the outputs' differences, as a share of that of the outputs. tolerance: the most of
    it that is allowed. inputs: what both were given.
    """

    difference: float
    tolerance: float
    inputs: str


@dataclass(frozen=True)
class ExportReport:
    """What `export` wrote.

    tensors: how many were compared with those of the model bit for bit; 0 for a graph. size_bytes: of the weights.
    rounding: how weights, and what they multiply, became integers; "" for none. comparison: of outputs, None where
    tensors say all. running_*: before, the network in torch; float, the graph in float32; after, what was written; all
    on `threads` threads. loss_*: None without data to measure on.
    """

    source: str
    target: str
    format: str
    tensors: int
    size_bytes: int
    rounding: str = ""
    comparison: Comparison | None = None
    threads: int = 1
    running_before: Running | None = None
    running_float: Running | None = None
    running_after: Running | None = None
    loss_before: Loss | None = None
    loss_after: Loss | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @property
    def lines(self) -> list[str]:
        """What was written and how well it does, in sentences for people."""
        told = []
        if self.comparison is not None:
            compared = self.comparison
            told.append(
                f"outputs differ by {compared.difference:.2g} of their size, allowed is {compared.tolerance:g}"
                f" ({compared.inputs})"
            )
        runs = (("torch", self.running_before), ("float32", self.running_float), ("exported", self.running_after))
        times = [f"{name} {1000 * run.seconds:.1f} ms, {run.weight_bytes:,} bytes" for name, run in runs if run]
        if self.running_after is not None:
            told.append(f"{self.running_after.input} on {self.threads} threads: {'; '.join(times)}")
        if self.loss_before is not None and self.loss_after is not None:
            told.append(_tell_losses(self.loss_before, self.loss_after))
        return told


def _tell_losses(before: Loss, after: Loss) -> str:
    """Return the losses before and after, and how many of the classes were told."""
    told = f"{before.unit}: {before.value:.4f} before, {after.value:.4f} after"
    if before.accuracy is None or after.accuracy is None:
        return told
    return f"{told}; accuracy: {before.accuracy:.4f} before, {after.accuracy:.4f} after"
