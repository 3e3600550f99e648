"""Tokens come back from their code, whatever the lanes, streams and threads; and any bytes are a code."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.bits.ranges import TOTAL, TOTAL_BITS, encode_symbols
from multum.errors import FormatError, UsageError
from multum.inference import expanding, tokens
from multum.inference.correction import correct, learn_token
from multum.inference.frequencies import share_out
from multum.inference.network import IntegerNetwork
from multum.inference.reading import Streams
from tests.inference.conftest import make_network

NETWORK = make_network(overlap=5)
V = NETWORK.vocabulary


def draw(count: int, seed: int = 1) -> NDArray[np.int64]:
    """Return tokens, the first ones likelier."""
    return np.random.default_rng(seed).integers(0, V, count) ** 2 // V


def list_frequencies(ids: NDArray[np.int64], network: IntegerNetwork) -> NDArray[np.int64]:
    """Return int64[n, V], step by step what one stream's tokens are coded under."""
    streams, previous = Streams(network), -1
    bias, values, frequencies = (np.zeros(network.vocabulary, np.int32) for _ in range(3))
    rows = []
    for token in ids.tolist():
        correct(streams.advance(np.array([previous], np.int32)), 0, bias, values)
        share_out(values, frequencies)
        rows.append(frequencies.astype(np.int64))
        learn_token(bias, frequencies, token)
        previous = token
    return np.array(rows)


def test_one_stream_is_coded_as_step_by_step() -> None:
    ids = draw(60)
    frequencies = list_frequencies(ids, NETWORK)
    assert tokens.encode(ids, NETWORK, 1, 1) == encode_symbols(ids, frequencies) == expanding.condense(ids, NETWORK)
    chosen = frequencies[np.arange(len(ids)), ids]
    assert np.array_equal(expanding.measure(ids, NETWORK), TOTAL_BITS - np.log2(chosen))


@settings(max_examples=25)
@given(st.integers(0, 80), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))
@example(0, 2, 3, 1)
@example(5, 3, 4, 2)
def test_tokens_come_back_for_any_lanes_and_streams(count: int, lanes: int, streams: int, threads: int) -> None:
    ids = draw(count)
    code = tokens.encode(ids, NETWORK, lanes, streams, threads)
    assert code == tokens.encode(ids, NETWORK, lanes, streams)
    assert np.array_equal(tokens.decode(code, count, NETWORK, lanes, streams, threads), ids)


def test_progress_is_told() -> None:
    told: list[int] = []
    tokens.encode(draw(3000), NETWORK, 2, 1, 1, told.append)
    assert told == sorted(told)
    assert all(0 <= done <= 3000 for done in told)


def test_code_that_is_too_long_is_refused() -> None:
    code = tokens.encode(draw(30), NETWORK, 1, 1)
    with pytest.raises(FormatError, match=r"\d bytes of code are left over"):
        tokens.decode(code + b"\1" * 9, 30, NETWORK, 1, 1)


def test_lanes_that_do_not_fit_into_their_code_are_refused() -> None:
    with pytest.raises(FormatError, match="lanes of 265 bytes do not fit into a code of 6"):
        tokens.decode(b"\5\1\0\0ab", 30, NETWORK, 2, 1)


@settings(max_examples=40)
@given(st.binary(max_size=60), st.integers(0, 3))
@example(b"\0", 0)
@example(b"\xff" * 20, 1)
def test_what_any_bytes_decode_to_has_these_bytes_as_its_code(code: bytes, prompted: int) -> None:
    prompt = draw(prompted)
    ids = expanding.expand(code, NETWORK, prompt)
    assert expanding.condense(ids, NETWORK, prompt) == code.rstrip(b"\0")


def test_a_code_and_the_number_of_tokens_give_the_tokens_back() -> None:
    ids = draw(200)
    code = expanding.condense(ids, NETWORK)
    assert np.array_equal(expanding.expand(code, NETWORK, count=len(ids)), ids)


def test_bits_that_make_too_much_are_refused() -> None:
    with pytest.raises(UsageError, match="100 bytes of bits make more than 20 tokens"):
        expanding.expand(bytes(100), NETWORK, most_tokens=20)


def test_no_token_costs_more_than_the_coder_has_room_for() -> None:
    ids = np.full(50, int(np.argmin(list_frequencies(draw(3), NETWORK)[-1])))
    assert (expanding.measure(ids, NETWORK) <= np.log2(TOTAL)).all()
