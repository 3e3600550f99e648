"""A network's file comes back equal, and a broken one is refused."""

from dataclasses import replace

import numpy as np
import pytest

from multum.errors import FormatError
from multum.inference.arrays import BIAS_AT
from multum.inference.network import IntegerNetwork
from multum.inference.packing import pick_reach
from multum.inference.recurrent_parts import (
    MOST_RATE,
    MOST_SKIP,
    RecurrentParts,
    RecurrentSizes,
    check_recurrent_sizes,
)
from tests.inference.conftest import make_network, make_recurrent

NUMBER_BYTES = 8
PLACES = {"width": 3, "layers": 4, "heads": 5, "groups": 6, "head": 7, "vocabulary": 9, "window": 10}
RECURRENT_PLACES = {"width": 3, "layers": 4, "heads": 5, "head": 6, "size": 7, "taps": 8, "vocabulary": 9, "point": 11}


def change_number(network: IntegerNetwork, place: int, value: int) -> bytes:
    """Return the file of `network` with another number in one of its first places."""
    data = bytearray(network.to_bytes())
    data[NUMBER_BYTES * place : NUMBER_BYTES * (place + 1)] = value.to_bytes(NUMBER_BYTES, "little", signed=True)
    return bytes(data)


@pytest.mark.parametrize(
    "network",
    [
        make_network(),
        make_network(biased=True, tied=True, start=3, overlap=2),
        make_recurrent(),
        make_recurrent(biased=True, tied=True, start=3, taps=1),
    ],
)
def test_a_file_comes_back_equal(network: IntegerNetwork) -> None:
    data = network.to_bytes()
    back = IntegerNetwork.from_bytes(data)
    assert back.to_bytes() == data
    assert back.digest == network.digest
    assert back.parts.sizes == network.parts.sizes
    np.testing.assert_equal(tuple(back.weights), tuple(network.weights))


def test_a_recurrent_network_depends_on_all_that_came_before() -> None:
    assert make_recurrent().window is None
    assert make_network(window=9).window == 9


def test_the_digest_tells_networks_apart() -> None:
    assert make_network().digest != make_network(seed=1).digest


@pytest.mark.parametrize(
    ("network", "name", "place"),
    [(make_network(), name, place) for name, place in PLACES.items()]
    + [(make_recurrent(), name, place) for name, place in RECURRENT_PLACES.items()],
)
@pytest.mark.parametrize("value", [0, -1, 1 << 40])
def test_sizes_out_of_range_are_refused(network: IntegerNetwork, name: str, place: int, value: int) -> None:
    with pytest.raises(FormatError, match=f"a network's {name} is {value}"):
        IntegerNetwork.from_bytes(change_number(network, place, value))


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
        (14, 1, "numbers that this version does not know"),
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(place: int, value: int, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        IntegerNetwork.from_bytes(change_number(make_network(), place, value))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (1, 8, "flags"),
        (6, 1 << 10, "a network ends after"),
        (10, 24, "starts with token 24 of 24"),
        (12, 1, "numbers that this version does not know"),
    ],
)
def test_numbers_of_a_recurrent_network_are_checked_too(place: int, value: int, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        IntegerNetwork.from_bytes(change_number(make_recurrent(), place, value))


def test_too_many_channels_are_refused() -> None:
    parts = make_recurrent().parts
    with pytest.raises(FormatError, match="a network has 524304 channels"):
        check_recurrent_sizes(RecurrentSizes(18, 2, 512, 1024, 8, 4, 24, -1, parts.sizes.point))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": -1}, "a network's rates are -1 to -1; allowed is 0"),
        ({"rates": MOST_RATE + 1}, "a network's rates are"),
        ({"skips": MOST_SKIP + 1}, "a network's skips are"),
    ],
)
def test_vectors_out_of_range_are_refused(changes: dict[str, int], message: str) -> None:
    parts = make_recurrent().parts
    assert isinstance(parts, RecurrentParts)
    vectors = {name: np.full(parts.sizes.heads, value, np.int32) for name, value in changes.items()}
    broken = replace(parts, layers=(replace(parts.layers[0], **vectors), parts.layers[1]))  # type: ignore[arg-type]
    with pytest.raises(FormatError, match=message):
        IntegerNetwork.from_bytes(IntegerNetwork(broken).to_bytes())


@pytest.mark.parametrize("network", [make_network(), make_recurrent()])
@pytest.mark.parametrize("down", [-33, 61])
def test_scales_out_of_range_are_refused(network: IntegerNetwork, down: int) -> None:
    broken = replace(network.parts, embedding=replace(network.parts.embedding, down=down))
    with pytest.raises(FormatError, match=rf"a scale of 2\*\*{-down}; allowed is 2\*\*-60 to 2\*\*32"):
        IntegerNetwork.from_bytes(IntegerNetwork(broken).to_bytes())


def test_taps_of_a_scale_that_shifts_cannot_take_are_refused() -> None:
    parts = make_recurrent().parts
    assert isinstance(parts, RecurrentParts)
    taps = replace(parts.layers[0].taps, down=31)
    broken = replace(parts, layers=(replace(parts.layers[0], taps=taps), parts.layers[1]))
    with pytest.raises(FormatError, match=r"a scale of 2\*\*-31; allowed is 2\*\*-30 to 2\*\*0"):
        IntegerNetwork.from_bytes(IntegerNetwork(broken).to_bytes())


@pytest.mark.parametrize("network", [make_network(), make_recurrent()])
def test_a_file_cut_short_or_too_long_is_refused(network: IntegerNetwork) -> None:
    data = network.to_bytes()
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


def test_a_bias_has_the_point_of_what_it_is_added_to() -> None:
    network = make_recurrent(biased=True)
    parts = network.parts
    assert isinstance(parts, RecurrentParts)
    layers = tuple(replace(layer, out=replace(layer.out, bias=np.arange(18, dtype=np.int32))) for layer in parts.layers)
    moved = IntegerNetwork(replace(parts, layers=layers, sizes=replace(parts.sizes, point=20))).weights
    starts = moved.matrices[:, BIAS_AT]
    assert moved.biases[starts[0] : starts[1]].tolist() == network.weights.biases[starts[0] : starts[1]].tolist()
    assert moved.biases[starts[1] : starts[1] + 18].tolist() == [16 * n for n in range(18)]


@pytest.mark.parametrize("network", [make_network(window=512), make_recurrent()])
def test_memory_covers_what_is_allocated(network: IntegerNetwork) -> None:
    for streams in (1, 16):
        arrays = [*network.weights, *network.allocate(streams)]
        assert sum(array.nbytes for array in arrays) < network.memory_bytes(streams)
