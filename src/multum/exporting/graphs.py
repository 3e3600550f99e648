"""Networks as ONNX graphs, with any number of rows and tokens.

The library is torch's own exporter; what it says on the way stays here.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import LimitExceeded, MissingExtra, UsageError
from multum.neural.loading import quiet
from multum.shrinking.measuring import count_weight_bytes

# A file of protocol buffers is no longer than this.
_LONGEST_BYTES = (1 << 31) - (1 << 24)


def import_onnx() -> None:
    """Load what makes and runs graphs. Raises MissingExtra."""
    try:
        with silenced():
            import onnx  # noqa: F401 - only whether they are there
            import onnxruntime  # noqa: F401
            import onnxscript  # noqa: F401
    except ImportError as missing:
        raise MissingExtra(f"ONNX graphs need {missing.name}; pip install 'multum[onnx]'") from missing


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Keep the exporter and ONNX Runtime's tools from talking: a library raises, and the command speaks."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class _Named(nn.Module):
    """A network that takes its inputs in order, and gives one of its outputs: what an exporter traces."""

    def __init__(self, module: nn.Module, names: tuple[str, ...], output: str) -> None:
        super().__init__()
        self.module, self.names, self.output = module, names, output

    def forward(self, *values: Tensor) -> Any:
        """Return the output."""
        inputs: dict[str, Any] = dict(zip(self.names, values, strict=True))
        if getattr(getattr(self.module, "config", None), "use_cache", None) is not None:
            inputs["use_cache"] = False
        return getattr(self.module(**inputs, return_dict=True), self.output)


def make_graph(module: nn.Module, inputs: Mapping[str, Tensor], output: str) -> bytes:
    """Return the ONNX model of `module`, in evaluation mode, as a file of it would be.

    inputs: named arguments of a call; rows, and of tokens their number, may be others later. output: what is taken of
    what the network gives. Raises UsageError for a network that cannot be traced, LimitExceeded for one of 2 GB.
    """
    size_bytes = count_weight_bytes(module)
    if size_bytes > _LONGEST_BYTES:
        raise LimitExceeded(
            f"a graph of {size_bytes:,} bytes of float32 does not fit in one file of ONNX, {_LONGEST_BYTES:,} do; use"
            " --to compressed-tensors"
        )
    axes: list[Any] = [torch.export.Dim("batch"), torch.export.Dim("length")]
    free = tuple(dict(enumerate(axes[: 2 if tensor.ndim == 2 else 1])) for tensor in inputs.values())
    try:
        with silenced(), torch.no_grad():
            program: Any = torch.onnx.export(
                _Named(module, tuple(inputs), output),
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes={"values": free},
                input_names=list(inputs),
                output_names=[output],
                verbose=False,
            )
            model: bytes = program.model_proto.SerializeToString()
    except Exception as error:  # a tracer raises whatever the network does
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise UsageError(f"a {type(module).__name__} cannot be traced into a graph: {reason}") from error
    return model
