"""A real language model from a GGUF file knows real text."""

import pydoc_data.topics
from pathlib import Path

import pytest

import multum
from tests.hub_models import smollm

__all__ = ["smollm"]


@pytest.mark.slow
def test_a_hub_model_rates_real_text_far_below_a_level(smollm: Path) -> None:
    topics = pydoc_data.topics.topics
    data = (topics["lambda"] + topics["while"] + topics["try"]).encode()[:6000]
    report = multum.code_bits(smollm, data, window=1024, overlap=256, device="cpu")
    assert report.bpb is not None
    assert 0.3 < report.bpb < 1.3
    assert report.code_bits < 0.7 * multum.code_bits("level:9", data).code_bits
    assert report.program_bits == 8 * smollm.stat().st_size
    assert 2 < report.raw_bytes / report.tokens < 6


@pytest.mark.slow
def test_a_hub_model_goes_on_in_text(smollm: Path) -> None:
    prompt = b"The capital of France is"
    drawn = multum.sample(smollm, 40, prompt, temperature=0, device="cpu")
    assert b"Paris" in drawn
