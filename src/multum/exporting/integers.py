"""ONNX graphs in 8-bit integers, made by ONNX Runtime's own tools.

dynamic: weights are integers, and what they multiply becomes such as it comes, by what it is.
static: what they multiply has steps that calibration data told once, so that nothing is measured while it runs.
Products of two things that both come from the input stay in float32: those of attention, which are few.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from multum.archive.targets import scratch_folder
from multum.exporting.graphs import silenced

# Tables of words are looked up, and most of a small encoder.
_DYNAMIC_TYPES = ["MatMul", "Gemm", "Gather"]
_STATIC_TYPES = [*_DYNAMIC_TYPES, "Conv"]
Batch = Mapping[str, Tensor]


def round_dynamic(model: bytes) -> bytes:
    """Return the graph with its matrices as 8-bit integers, a step a channel. Convolutions stay as they are."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    def make(source: Path, target: Path) -> None:
        quantize_dynamic(
            source, target, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=_DYNAMIC_TYPES
        )

    return _remake(model, make)


def round_static(model: bytes, batches: Sequence[Batch]) -> bytes:
    """Return the graph with its matrices and convolutions, and what they multiply, as 8-bit integers.

    batches: what is fed to find how large what they multiply becomes, by the names of the graph's inputs.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    def make(source: Path, target: Path) -> None:
        quantize_static(
            source,
            target,
            _make_reader(model, batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_STATIC_TYPES,
            per_channel=True,
            activation_type=QuantType.QUInt8,  # what processors multiply with signed weights fastest
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )

    return _remake(model, make)


def _make_reader(model: bytes, batches: Sequence[Batch]) -> Any:
    """Return what the tool reads batches from, one a call."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader

    names = [one.name for one in onnx.load_from_string(model).graph.input]
    fed = iter([{name: batch[name].numpy() for name in names} for batch in batches])

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Any:
            return next(fed, None)

    return Reader()


def _remake(model: bytes, make: Any) -> bytes:
    """Return what `make` writes of a graph: the tools work on files."""
    with scratch_folder("graph") as folder, silenced():
        source, target = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(model)
        make(source, target)
        return target.read_bytes()
