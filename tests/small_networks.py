"""One thread, which small networks are fastest on, and no way to the hub."""

from collections.abc import Iterator

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import huggingface_hub.constants
import torch


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
