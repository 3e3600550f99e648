"""What a fit of a program over bytes reports. Light: nothing here loads torch."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from multum.bits.ledger import Ledger

if TYPE_CHECKING:
    from multum.training.trainer import RunReport


@dataclass(frozen=True)
class FitReport:
    """What one fit made.

    rate_bpb: bits per held-out byte of the kept weights, every byte with half a window of context at least.
    program_bytes: of the weights' file. training_bytes, held_out_bytes: of the data.
    """

    target: str
    architecture: str
    parameters: int
    window: int
    batch: int
    training_bytes: int
    held_out_bytes: int
    rate_bpb: float
    program_bytes: int
    run: "RunReport"

    @property
    def ledger(self) -> Ledger:
        """The account on the held-out bytes: the weights as they lie there, and the code, which is estimated."""
        raw_bits = 8 * self.held_out_bytes
        return Ledger.estimated(
            "held-out",
            program_bits=8 * self.program_bytes,
            code_bits=self.rate_bpb * self.held_out_bytes,
            raw_bits=raw_bits,
        )

    @property
    def law(self) -> dict[str, float]:
        """The point that a scaling law is fitted to: N, D, FLOPs, and the rate."""
        return {
            "parameters": self.parameters,
            "bytes": self.run.units,
            "flops": self.run.flops,
            "bpb": self.rate_bpb,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
