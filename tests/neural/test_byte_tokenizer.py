"""The byte tokenizer loads in transformers, and ids are bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, LlamaConfig

from multum.neural.byte_tokenizer import VOCABULARY, make_byte_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    make_byte_tokenizer(256).save_pretrained(path)
    LlamaConfig(vocab_size=VOCABULARY).save_pretrained(path)
    return path


def test_transformers_loads_it_and_every_text_comes_back(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "".join(map(chr, [*range(0x300), *range(0x4E00, 0x4E40), 0x1F600])) + "  two  spaces \r\n"
    ids = tokenizer(text).input_ids
    assert ids == list(text.encode())
    assert tokenizer.decode(ids) == text
    assert (len(tokenizer), tokenizer.model_max_length) == (256, 256)


@given(st.text(max_size=40))
def test_ids_are_the_bytes_of_the_text(text: str) -> None:
    tokenizer = make_byte_tokenizer(1024)
    assert tokenizer(text).input_ids == list(text.encode())
    assert tokenizer.decode(list(text.encode())) == text


def test_nothing_is_special() -> None:
    tokenizer = make_byte_tokenizer(16)
    assert tokenizer.all_special_ids == []
    assert tokenizer("").input_ids == []
