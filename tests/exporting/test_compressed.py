"""Packed integers that transformers loads: the values in memory, bit for bit."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import multum
from multum.errors import UsageError
from tests.exporting.test_graphs import save_reviews
from tests.neural.samples import save_text_llama
from tests.shrinking.families import save_classifier, save_family

pytest.importorskip("compressed_tensors", reason="the extra multum[compressed] is not installed")


def test_transformers_loads_the_values_that_rounding_gives(tmp_path: Path) -> None:
    save_text_llama(tmp_path / "net")
    words = "rtn:4:16:symmetric"
    report = multum.export(tmp_path / "net", tmp_path / "out", "compressed-tensors", quantize=words)
    assert (report.rounding, report.format) == (words, "compressed-tensors")
    assert report.size_bytes < (tmp_path / "net" / "model.safetensors").stat().st_size
    module = multum.load_program(tmp_path / "net")
    multum.quantize(module, words)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    ids = torch.arange(12)[None]
    with torch.inference_mode():
        assert torch.equal(module(input_ids=ids).logits, loaded(input_ids=ids).logits)


def test_a_classifier_is_calibrated_and_measured(tmp_path: Path) -> None:
    save_classifier(tmp_path / "net")
    save_reviews(tmp_path / "reviews.csv")
    report = multum.export(
        tmp_path / "net",
        tmp_path / "out",
        "compressed-tensors",
        quantize="gptq:8",
        data=tmp_path / "reviews.csv",
        calibration=200,
    )
    assert report.loss_before is not None
    assert report.loss_after is not None
    assert report.loss_after.value == pytest.approx(report.loss_before.value, abs=0.05)
    assert report.tensors > 20


@pytest.mark.parametrize("words", ["rtn:3:16:symmetric", "rtn:4:16"])
def test_integers_that_the_format_lacks_are_refused(words: str, tmp_path: Path) -> None:
    save_text_llama(tmp_path / "net")
    with pytest.raises(UsageError, match="takes symmetric integers of 4 or 8 bits"):
        multum.export(tmp_path / "net", tmp_path / "out", "compressed-tensors", quantize=words)


def test_a_network_without_linear_layers_is_refused(tmp_path: Path) -> None:
    save_family("gpt2", tmp_path / "net")
    with pytest.raises(UsageError, match="has no linear layers"):
        multum.export(tmp_path / "net", tmp_path / "out", "compressed-tensors")
    assert not (tmp_path / "out").exists()
