"""What is no program, or is not safe to load, is refused with the reason."""

import json
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertLMHeadModel

from multum.errors import FormatError, MissingExtra, UsageError
from multum.neural.loading import load, pick_device
from multum.neural.programs import open_neural
from multum.neural.sources import find_source
from tests.neural.samples import build_llama, build_word_pieces, save_byte_llama, save_text_llama


def open_folder(folder: Path) -> None:
    load(find_source(str(folder)), "cpu")


def test_size_is_that_of_the_weight_files(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    (tmp_path / "optimizer.safetensors").write_bytes(b"not counted")
    program = open_neural(find_source(str(tmp_path)), "cpu")
    assert program.size_bits == 8 * (tmp_path / "model.safetensors").stat().st_size
    assert program.name == str(tmp_path)


def test_a_folder_without_config_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"is not a program: it has no config\.json"):
        find_source(str(tmp_path))


def test_a_folder_without_weights_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FormatError, match=r"has a config\.json and no model\.safetensors"):
        find_source(str(tmp_path))


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(FormatError, match=r"pickled weights \(pytorch_model\.bin\).* convert them to safetensors"):
        find_source(str(tmp_path))


def test_another_file_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(FormatError, match=r"notes\.txt' is not a program; programs are directories"):
        find_source(str(path))


@pytest.mark.parametrize("name", ["there/is/none", "none.gguf", "../none", ""])
def test_a_path_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"there is no program '{name}'"):
        find_source(name)


def test_a_hub_name_offline_says_so() -> None:
    with pytest.raises(UsageError, match=r"there is no program 'some/model'.* HF_HUB_OFFLINE is set"):
        find_source("some/model")


def test_a_hub_name_is_found_in_the_cache_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "0" * 40
    cached = tmp_path / "models--some--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    save_byte_llama(cached / "snapshots" / commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    program = open_neural(find_source("some/model"), "cpu")
    assert program.name == "some/model"
    assert program.measure_code(b"abc").tokens == 3


def test_a_config_that_is_no_json_is_refused(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(FormatError, match="cannot be loaded"):
        open_folder(tmp_path)


def test_a_description_that_is_no_json_is_refused(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    (tmp_path / "multum.json").write_text("[1]")
    with pytest.raises(FormatError, match=r"multum\.json' holds list; an object was expected"):
        _ = find_source(str(tmp_path)).task
    (tmp_path / "multum.json").write_text("{")
    with pytest.raises(FormatError, match=r"multum\.json' is not JSON"):
        _ = find_source(str(tmp_path)).task


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match="cannot be loaded"):
        open_folder(tmp_path)


def test_a_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    save_text_llama(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(FormatError, match="cannot be loaded"):
        open_folder(tmp_path)


def test_missing_weights_are_never_made_up(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    del weights["model.norm.weight"]
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(FormatError, match=r"lacks 1 of its weights, model\.norm\.weight among them"):
        open_folder(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    network = save_byte_llama(tmp_path)
    with torch.no_grad():
        network.lm_head.weight[3] = float("nan")
    network.save_pretrained(tmp_path)
    with pytest.raises(FormatError, match="predicts values that are not finite"):
        open_folder(tmp_path)


def small_bert() -> BertConfig:
    return BertConfig(
        vocab_size=256,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.5,
    )


def test_a_network_for_something_else_is_refused(tmp_path: Path) -> None:
    BertForMaskedLM(small_bert()).save_pretrained(tmp_path)
    with pytest.raises(FormatError, match="is a BertForMaskedLM; a program over bytes or tokens is a causal"):
        open_folder(tmp_path)


def test_a_network_that_looks_ahead_is_refused(tmp_path: Path) -> None:
    """BERT says it is a language model, and sees what it should predict."""
    BertLMHeadModel(small_bert()).save_pretrained(tmp_path)
    with pytest.raises(FormatError, match="looks ahead: its predictions depend on what comes after"):
        open_folder(tmp_path)


def test_code_that_comes_with_a_program_is_never_run(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('run')")
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(FormatError, match="cannot be loaded"):
        open_folder(tmp_path)


def test_tokens_without_a_tokenizer_are_refused(tmp_path: Path) -> None:
    build_llama(300).save_pretrained(tmp_path)
    with pytest.raises(FormatError, match="has no tokenizer, and 300 tokens that are not the 256 bytes"):
        open_folder(tmp_path)


def test_a_tokenizer_that_forgets_is_refused(tmp_path: Path) -> None:
    save_text_llama(tmp_path, build_word_pieces())
    with pytest.raises(FormatError, match="does not say which bytes a token stands for"):
        open_folder(tmp_path)


def test_a_damaged_gguf_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(FormatError, match=r"a\.gguf' cannot be loaded"):
        load(find_source(str(path)), "cpu")


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "meta:x"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"device '{name}' cannot be used .*give auto, cpu, cuda"):
        pick_device(name)


def test_without_the_extra_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_byte_llama(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)  # what Python does to forbid an import
    with pytest.raises(MissingExtra, match=r"pip install 'multum\[learn\]'"):
        open_folder(tmp_path)


def test_loading_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save_byte_llama(tmp_path)
    capfd.readouterr()
    open_folder(tmp_path)
    assert capfd.readouterr() == ("", "")
