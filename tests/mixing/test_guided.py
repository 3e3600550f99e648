"""A trained network guides mixing, the same way on both sides, on any threads, compiled or not."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.bits.logistic import SQUASH, STRETCH
from multum.errors import FormatError, UsageError
from multum.inference.network import IntegerNetwork
from multum.mixing import Meter, Recipe, decode, encode, measure
from multum.mixing.forecasts import guess_byte, learn_correction
from multum.mixing.primers import ENGLISH
from tests.inference.conftest import make_network
from tests.mixing import reference
from tests.mixing.samples import data, guided
from tests.mixing.test_network import contents, run_python
from tests.mixing.test_recipe import recipes

NETWORK = make_network(vocabulary=256, window=16, overlap=8)
TEXT = data("text", 1500)


@pytest.mark.parametrize("network", [NETWORK, make_network(seed=1, vocabulary=256, start=10)])
@pytest.mark.parametrize("family", ["text", "record"])
def test_guided_data_is_undone_exactly(network: IntegerNetwork, family: str) -> None:
    raw, recipe = data(family, 1500), guided(family)
    code = encode(raw, recipe, network=network)
    assert code is not None
    assert decode(code, len(raw), recipe, network=network) == raw


@given(contents, recipes(bits=8, guided=True))
@settings(max_examples=40)
def test_any_data_under_any_guided_recipe_is_undone_exactly(raw: bytes, recipe: Recipe) -> None:
    recipe = replace(recipe, primers=())
    code = encode(raw, recipe, network=NETWORK)
    if code is not None:
        assert decode(code, len(raw), recipe, network=NETWORK) == raw


@given(st.binary(max_size=100), st.integers(0, 100), recipes(bits=8, guided=True))
@settings(max_examples=40)
def test_garbage_under_any_guided_recipe_does_no_harm(code: bytes, raw_bytes: int, recipe: Recipe) -> None:
    try:
        assert len(decode(code, raw_bytes, replace(recipe, primers=()), network=NETWORK)) == raw_bytes
    except FormatError as error:
        assert "left over" in str(error)  # noqa: PT017 - both outcomes are fine


def test_the_network_decides_the_code() -> None:
    codes = {encode(TEXT, guided("text"), network=make_network(seed=s, vocabulary=256)) for s in range(3)}
    assert len(codes) == 3


def test_threads_share_a_network_and_do_not_change_the_bytes() -> None:
    alone = encode(TEXT, guided("text"), network=NETWORK)
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda _: encode(TEXT, guided("text"), network=NETWORK), range(6)))
    assert together == [alone] * 6


def test_a_network_reads_the_data_and_no_primer() -> None:
    """Where nothing but the forecast counts, primers change nothing."""
    recipe = guided("text", rate=0, rate_start=0, final_rate=0, first_weight=0)
    recipe = replace(recipe, structure=replace(recipe.structure, refiners=()))
    bits = [measure(TEXT[:50], replace(recipe, primers=p), network=NETWORK) for p in ((), (ENGLISH,))]
    assert bits[0][0] == pytest.approx(8, abs=0.01)
    assert bits[0] == pytest.approx(bits[1], abs=1e-5)


def test_a_meter_counts_guided_bytes() -> None:
    meter = Meter()
    encode(TEXT, guided("text", primers=(ENGLISH,)), meter, NETWORK)
    assert meter.done_bytes == len(TEXT) - 1


def test_a_forecast_and_a_recipe_come_together() -> None:
    plain = guided("text")
    plain = replace(plain, structure=replace(plain.structure, guided=False, selectors=((0, 0),), finals=()))
    with pytest.raises(UsageError, match="needs the trained network it was made for; give both or neither"):
        encode(TEXT, guided("text"))
    with pytest.raises(UsageError, match="has no use for a trained network; give both or neither"):
        decode(b"", 0, plain, network=NETWORK)
    with pytest.raises(UsageError, match="a network of 24 tokens cannot forecast bytes; give one of 256"):
        measure(TEXT, guided("text"), network=make_network())


# --- a network that knows the data, and one that knows nothing


def test_a_network_that_knows_nothing_costs_little() -> None:
    raw, recipe = data("text", 20000), guided("text", slot_bits=18, direct_bits=12, run_bits=14, refine_bits=10)
    with_it = encode(raw, recipe, network=NETWORK)
    s = recipe.structure
    known = tuple(pair for pair in s.selectors if pair[0] < 8), tuple(pair for pair in s.finals if pair[0] < 8)
    without = encode(raw, replace(recipe, structure=replace(s, guided=False, selectors=known[0], finals=known[1])))
    assert with_it is not None
    assert without is not None
    assert len(with_it) < 1.05 * len(without)


# --- parts


@given(
    st.integers(-12288, 12287),
    st.integers(0, 16384),
    st.integers(int(STRETCH.min()), int(STRETCH.max())),
    st.integers(0, 1),
)
@example(12287, 16384, 2307, 0)
@example(-12288, 0, -2307, 1)
def test_corrections_learn_as_the_twin_does(correction: int, told: int, hint: int, bit: int) -> None:
    table = np.array([7, (correction << 16) | told, 7], np.int32)
    learn_correction(table, 1, SQUASH, hint, bit << 16)
    wanted = reference.correct(correction, told, hint, bit)
    assert (int(table[1]) >> 16, int(table[1]) & 65535) == wanted
    assert table[0] == table[2] == 7


def test_a_correction_ends_where_the_forecast_is_right() -> None:
    """A forecast of one half, and bits of which nine in ten are ones: ln 9 is missing."""
    table = np.zeros(1, np.int32)
    for k in range(3000):
        learn_correction(table, 0, SQUASH, 0, (k % 10 > 0) << 16)
    assert (int(table[0]) >> 16) / 1024 == pytest.approx(np.log(9), abs=0.1)


@pytest.mark.parametrize("byte", [0, 65, 254, 255])
@pytest.mark.parametrize(("one", "likely"), [(65535, 11), (60000, 3)])
def test_the_likeliest_byte_comes_with_how_likely_it_is(byte: int, one: int, likely: int) -> None:
    nodes = np.full(256, 32000, np.int32)
    for bit in range(8):
        nodes[(byte | 256) >> (8 - bit)] = one if (byte >> (7 - bit)) & 1 else 65536 - one
    assert guess_byte(nodes, STRETCH) == byte | likely << 8


CODE_TINY = """
import json, warnings
warnings.simplefilter("error")
from multum.mixing import decode, encode
from tests.inference.conftest import make_network
from tests.mixing.samples import data, guided
network, recipe, raw = make_network(vocabulary=256, overlap=6), guided("text"), data("text", 40)
code = encode(raw, recipe, network=network)
assert decode(code, 40, recipe, network=network) == raw
print(json.dumps(code.hex()))
"""


def test_interpreted_kernels_give_the_same_bytes() -> None:
    compiled = json.loads(run_python(CODE_TINY))
    assert json.loads(run_python(CODE_TINY, NUMBA_DISABLE_JIT="1")) == compiled
