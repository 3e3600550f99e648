"""A program that is trained on some data beside one that learns while it codes: bits of the same held-out bytes."""

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.packing import pack_bytes
from multum.reporting.specimens import Specimen

if TYPE_CHECKING:
    from multum.shrinking.reports import ShrinkReport
    from multum.training.trainer import Moment

# Below this a minute of training is no match for learning online, and shows nothing but that.
LEAST_BYTES = 100_000
LEVEL = 5
# What is left in the folder.
PROGRAM, HELD_OUT = "program", "held-out"
# Bytes that the shrinking of a program looks at; more would gain little.
_CALIBRATION = 8192


@dataclass(frozen=True)
class FitRow:
    """Rates on the last `held_out_bytes` of a file, after either program has seen the `training_bytes` before them.

    level_bpb: of the archive, whose growth by those bytes is measured. fit_bpb: estimated from the trained program's
    probabilities; its own `program_bytes` are in neither rate. small_bytes: of the program's file once it was
    shrunken, whose loss is then small_loss instead of plain_loss, in bits per byte of some of the held-out bytes.
    """

    file: str
    training_bytes: int
    held_out_bytes: int
    level: int
    level_bpb: float
    fit_bpb: float
    parameters: int
    program_bytes: int
    seen_bytes: int
    time_s: float
    small_bytes: int
    plain_loss: float
    small_loss: float

    def to_dict(self) -> dict[str, Any]:
        """Return the row, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        more = self.small_loss - self.plain_loss
        return (
            f"a fit of {self.time_s:.0f} s on {self.file}: {self.fit_bpb:.3f} bits per byte on the last"
            f" {self.held_out_bytes:,} bytes, which it never saw (estimated; {self.parameters:,} parameters,"
            f" {self.program_bytes:,} bytes uncompressed); multum -{self.level}, which learns while it codes, adds"
            f" {self.level_bpb:.3f} for the same bytes; shrunken to {self.small_bytes:,} bytes"
            f" ({self.small_bytes / self.program_bytes:.1%}), it takes {more:+.4f} bits per byte"
        )


def measure_fit(
    specimen: Specimen, time_s: float, folder: Path, progress: "Callable[[Moment], None] | None" = None
) -> FitRow:
    """Return what a fit of `time_s` seconds reaches on `specimen`. Raises MissingExtra without multum[learn].

    folder: an existing one, where the program is left, as `program`, and what it was not trained on, as `held-out`.
    """
    from multum.training.fitting import fit

    report = fit(io.BytesIO(specimen.data), folder / PROGRAM, time_s=time_s, progress=progress)
    small = _shrink(folder, specimen.data[: report.training_bytes], specimen.data[report.training_bytes :])
    assert small.loss_before is not None, "it was measured on what was held out"
    assert small.loss_after is not None, "both times"
    start = report.training_bytes
    whole, before = (len(pack_bytes(data, LEVEL)) for data in (specimen.data, specimen.data[:start]))
    return FitRow(
        file=specimen.name,
        training_bytes=start,
        held_out_bytes=report.held_out_bytes,
        level=LEVEL,
        level_bpb=8 * (whole - before) / report.held_out_bytes,
        fit_bpb=report.rate_bpb,
        parameters=report.parameters,
        program_bytes=report.program_bytes,
        seen_bytes=report.run.units,
        time_s=report.run.time_s,
        small_bytes=small.bytes_after,
        plain_loss=small.loss_before.value,
        small_loss=small.loss_after.value,
    )


def _shrink(folder: Path, training: bytes, held_out: bytes) -> "ShrinkReport":
    """Return what shrinking the program in `folder` gives, at four bits a weight."""
    from multum.shrinking.shrinker import shrink

    for name, data in (("training", training), (HELD_OUT, held_out)):
        (folder / name).write_bytes(data)
    return shrink(
        folder / PROGRAM,
        folder / "small.mtm",
        data=folder / "training",
        evaluation=folder / HELD_OUT,
        calibration=_CALIBRATION,
    )
