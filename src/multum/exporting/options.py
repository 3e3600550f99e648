"""What an export is asked for. Light: nothing here loads torch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from multum.errors import UsageError
from multum.reduction.choices import Rounding, read_rounding
from multum.shrinking.options import CALIBRATION

HUGGINGFACE, SAFETENSORS, COMPRESSED, ONNX = "huggingface", "safetensors", "compressed-tensors", "onnx"
FORMATS = (HUGGINGFACE, SAFETENSORS, COMPRESSED, ONNX)
DYNAMIC, STATIC = "dynamic", "static"
WAYS = (DYNAMIC, STATIC)
USUAL_ROUNDING = "rtn:8"


@dataclass(frozen=True)
class ExportOptions:
    """How to export; see `export`. Raises UsageError for what does not go together."""

    to: str = HUGGINGFACE
    int8: str | None = None
    quantize: str | None = None
    data: str | Path | None = None
    evaluation: str | Path | None = None
    calibration: int = CALIBRATION
    seed: int = 0
    threads: int | None = None
    memory_limit: int | None = None

    def __post_init__(self) -> None:
        if self.to not in FORMATS:
            raise UsageError(f"'{self.to}' is no format that models are exported to; give {', '.join(FORMATS)}")
        if self.int8 is not None and self.int8 not in WAYS:
            raise UsageError(f"'{self.int8}' is no way to 8-bit integers; give {' or '.join(WAYS)}")
        if self.int8 is not None and self.to != ONNX:
            raise UsageError(f"--int8 (int8=) is for graphs; give --to onnx, not {self.to}")
        if self.quantize is not None and self.to != COMPRESSED:
            raise UsageError(
                f"--quantize (quantize=) is for packed integers; give --to compressed-tensors, not {self.to}"
            )
        if self.to not in (COMPRESSED, ONNX) and (self.data is not None or self.evaluation is not None):
            raise UsageError(f"{self.to} holds the values as they are, without any data; leave --data and --eval out")
        if self.calibration < 1:
            raise UsageError(f"calibration on {self.calibration} tokens is not possible; give 1 or more")

    @cached_property
    def rounding(self) -> Rounding:
        """How weights become packed integers. Raises UsageError for words that tell no rounding."""
        return read_rounding((self.quantize or USUAL_ROUNDING).split(":"))
