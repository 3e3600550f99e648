"""ONNX graphs running in ONNX Runtime, called as the networks that they were made of."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_ERRORS_ALONE = 3


class Session(nn.Module):
    """A graph that runs on the processor, on so many threads. model: as a file holds it."""

    def __init__(self, model: bytes, threads: int) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _ERRORS_ALONE
        self.session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.names = tuple(one.name for one in self.session.get_inputs())
        self.output = self.session.get_outputs()[0].name
        self.weight_bytes = count_graph_bytes(model)
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)  # where callers look for the device

    def forward(self, *values: Tensor, **named: Any) -> SimpleNamespace:
        """Return what the network would, its one output by its name; arguments that the graph lacks are ignored."""
        given = dict(zip(self.names, values, strict=False)) | {key: named[key] for key in self.names if key in named}
        if "attention_mask" in self.names and "attention_mask" not in given:
            given["attention_mask"] = torch.ones_like(given["input_ids"])
        found = self.session.run(None, {key: tensor.numpy() for key, tensor in given.items()})[0]
        return SimpleNamespace(**{self.output: torch.from_numpy(found)})


def count_graph_bytes(model: bytes) -> int:
    """Return the bytes of all constants of a graph: its weights."""
    import onnx

    graph = onnx.load_from_string(model).graph
    return sum(_count_bytes(tensor) for tensor in graph.initializer)


def _count_bytes(tensor: Any) -> int:
    import onnx

    width = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    return width * int(np.prod(tensor.dims, dtype=np.int64))
