"""A network's file comes back equal, and a broken one is refused."""

import numpy as np
import pytest

from multum.errors import FormatError
from multum.inference.network import IntegerNetwork, pick_reach
from tests.inference.conftest import make_network

NUMBER_BYTES = 8
PLACES = {"width": 3, "layers": 4, "heads": 5, "groups": 6, "head": 7, "vocabulary": 9, "window": 10}


@pytest.mark.parametrize("network", [make_network(), make_network(biased=True, tied=True, start=3, overlap=2)])
def test_a_file_comes_back_equal(network: IntegerNetwork) -> None:
    data = network.to_bytes()
    back = IntegerNetwork.from_bytes(data)
    assert back.to_bytes() == data
    assert back.digest == network.digest
    assert back.parts.sizes == network.parts.sizes
    for one, other in zip(network.weights, back.weights, strict=True):
        assert (one == other).all()


def test_the_digest_tells_networks_apart() -> None:
    assert make_network().digest != make_network(seed=1).digest


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("value", [0, -1, 1 << 40])
def test_sizes_out_of_range_are_refused(name: str, value: int) -> None:
    data = bytearray(make_network().to_bytes())
    at = NUMBER_BYTES * PLACES[name]
    data[at : at + NUMBER_BYTES] = value.to_bytes(NUMBER_BYTES, "little", signed=True)
    with pytest.raises(FormatError, match=f"a network's {name} is {value}"):
        IntegerNetwork.from_bytes(bytes(data))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 9, "a network of kind 9"),
        (1, 64, "flags"),
        (2, -1, "epsilon"),
        (6, 3, "4 heads of 6 features in 3 groups"),
        (7, 5, "heads of 5 features"),
        (11, 11, "reads 11 tokens of its 12 again"),
        (12, 24, "starts with token 24 of 24"),
        (14, 1, "a network of kind 1"),
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(place: int, value: int, message: str) -> None:
    data = bytearray(make_network().to_bytes())
    data[NUMBER_BYTES * place : NUMBER_BYTES * (place + 1)] = value.to_bytes(NUMBER_BYTES, "little", signed=True)
    with pytest.raises(FormatError, match=message):
        IntegerNetwork.from_bytes(bytes(data))


def test_a_file_cut_short_or_too_long_is_refused() -> None:
    data = make_network().to_bytes()
    for size in (0, 10, 119, 140, 400, len(data) - 1):
        with pytest.raises(FormatError, match=f"a network ends after {size} bytes"):
            IntegerNetwork.from_bytes(data[:size])
    with pytest.raises(FormatError, match="1 bytes after its end"):
        IntegerNetwork.from_bytes(data + b"\0")


def test_inputs_are_as_large_as_sums_allow() -> None:
    heavy = np.full((2, 4096), 127, np.int8)
    assert pick_reach(heavy) * 127 * 4096 < 1 << 31
    assert pick_reach(heavy) > 4000
    assert pick_reach(np.ones((1, 8), np.int8)) == 32767


def test_memory_covers_what_is_allocated() -> None:
    network = make_network(window=512)
    for streams in (1, 16):
        arrays = [*network.weights, *network.allocate(streams)]
        assert sum(array.nbytes for array in arrays) < network.memory_bytes(streams)
