"""Small networks run alone here; what writes graphs is an extra."""

import pytest

from tests.small_networks import alone

__all__ = ["alone"]

pytest.importorskip("onnxruntime", reason="the extra multum[onnx] is not installed")
pytest.importorskip("onnxscript", reason="the extra multum[onnx] is not installed")
