"""Tokens stand for exactly the bytes they were made of, or the data is refused."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from multum.errors import FormatError, UsageError
from multum.neural.vocabulary import Tokens, Vocabulary, byte_vocabulary, read_vocabulary
from tests.neural.samples import HARD, build_byte_fallback, build_byte_level, build_word_pieces, wrap

BYTE_LEVEL = build_byte_level()
BYTE_FALLBACK = build_byte_fallback()


def read(tokenizer: PreTrainedTokenizerFast, spare: int = 0) -> Vocabulary:
    return read_vocabulary("it", tokenizer, len(tokenizer) + spare)


@pytest.mark.parametrize("vocabulary", [byte_vocabulary("it"), read(BYTE_LEVEL), read(BYTE_FALLBACK)])
@pytest.mark.parametrize(
    "data", [b"", b"the them then", HARD, b" lead", b"a <s> b", bytes(range(256)), "é".encode() * 3]
)
def test_data_comes_back_from_its_tokens(vocabulary: Vocabulary, data: bytes) -> None:
    tokens = vocabulary.encode(data)
    assert vocabulary.decode(tokens.ids.tolist()) in (data, b" " + data)  # the sentencepiece kind adds a space
    assert tokens.lengths.sum() == len(data)


@given(st.binary(max_size=40))
@example(b"\xff")
@example("中".encode()[:2] + "文".encode())
def test_any_bytes_come_back_from_byte_level_tokens(data: bytes) -> None:
    vocabulary = read(BYTE_LEVEL)
    assert vocabulary.decode(vocabulary.encode(data).ids.tolist()) == data


def test_bytes_that_are_no_text_are_counted_and_get_a_token_each() -> None:
    tokens = read(BYTE_LEVEL).encode(b"the \xff\xfe then")
    assert tokens.stray_bytes == 2
    assert tokens.lengths[np.cumsum(tokens.lengths) == 5].tolist() == [1]


def test_a_space_that_the_tokenizer_adds_belongs_to_no_byte() -> None:
    tokens = read(BYTE_FALLBACK).encode(b"the")
    assert tokens.lengths.tolist() == [3]
    assert read(BYTE_FALLBACK).encode(b"xo").lengths.tolist() == [0, 1, 1]


def test_spread_keeps_the_sum_and_pays_empty_tokens_at_the_next_byte() -> None:
    tokens = Tokens(np.arange(3), np.array([0, 2, 1]))
    assert tokens.spread(np.array([3.0, 5.0, 1.0])).tolist() == [4.0, 4.0, 1.0]


def test_a_vocabulary_of_the_bytes_splits_nothing() -> None:
    """Whatever order its tokens have, and without looking for special tokens in the data."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.decoder = decoders.ByteLevel()
    vocabulary = read(wrap(tokenizer, bos_token="<s>"))
    tokens = vocabulary.encode(b"\x00<s>\xff")
    assert tokens.stray_bytes == 0
    assert len(tokens.ids) == 5
    assert vocabulary.decode(tokens.ids.tolist()) == b"\x00<s>\xff"


def test_start_and_end_are_the_tokenizers() -> None:
    assert (read(BYTE_LEVEL).start, read(BYTE_LEVEL).end) == (0, 1)
    plain = read(build_byte_level(None, None))
    assert (plain.start, plain.end) == (None, None)


def test_rows_of_the_output_without_a_token_stand_for_nothing() -> None:
    vocabulary = read(BYTE_LEVEL, spare=5)
    assert vocabulary.pieces[-5:] == [b""] * 5
    assert vocabulary.size == len(BYTE_LEVEL) + 5


def test_a_tokenizer_that_forgets_is_refused() -> None:
    with pytest.raises(FormatError, match=r"decoder WordPiece.* does not say which bytes"):
        read(build_word_pieces())


def test_a_tokenizer_larger_than_the_network_is_refused() -> None:
    with pytest.raises(FormatError, match="tokens and predicts 100; they do not belong together"):
        read_vocabulary("it", BYTE_LEVEL, 100)


def test_a_tokenizer_that_changes_the_data_is_refused_with_the_place() -> None:
    tokenizer = build_byte_level()
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    with pytest.raises(UsageError, match="does not keep the data: its tokens say something else from byte 4 on"):
        read(tokenizer).encode(b"the Them")


def test_bytes_without_tokens_are_refused() -> None:
    vocabulary = read(BYTE_LEVEL)
    vocabulary._byte_ids[0xFF] = -1
    with pytest.raises(UsageError, match=r"byte 2 of the data is not UTF-8.* no tokens for single bytes"):
        vocabulary.encode(b"ab\xff")
