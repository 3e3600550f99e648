"""From a recipe to a network, and from bytes to code and back."""

import numpy as np
from numpy.typing import NDArray

from multum.bits.adaptive import COUNT_LIMIT, RECIPROCAL, initial_refinement, pack_map
from multum.bits.kernels import wrapping
from multum.bits.lines import filled, placed
from multum.bits.logistic import SQUASH, STRETCH
from multum.errors import FormatError, UsageError
from multum.inference.network import IntegerNetwork
from multum.inference.reading import Streams
from multum.mixing import engine, storage
from multum.mixing.features import FOLLOWER_CELLS
from multum.mixing.forecasts import RUN_CELLS, make_guide
from multum.mixing.histories import COUNTS, NEXT_STATE
from multum.mixing.inputs import RUN_CLASSES
from multum.mixing.matching import CLASSES
from multum.mixing.mixer import SETS
from multum.mixing.primers import read_primer
from multum.mixing.recipe import Recipe

# How many observations a table entry is believed to have at the start.
_FIRST_COUNT = 20
_MATCH_FIRST_COUNT = 8


def _first_maps(contexts: int) -> NDArray[np.int32]:
    """Return a map a context: the probability that each history's counts suggest."""
    zeros, ones = COUNTS[:, 0].astype(np.int64), COUNTS[:, 1].astype(np.int64)
    p = (2 * ones + 1) * (1 << 22) // (2 * (zeros + ones) + 2)
    return np.tile(p << 9 | _FIRST_COUNT, contexts).astype(np.int32)


def _first_agreement(classes: int, models: int) -> NDArray[np.int32]:
    """Return maps [models, classes, expected bit]: the longer the run, the likelier the expected bit."""
    entries = []
    for size in range(classes):
        wrong = (1 << 22) // (size + 3)
        entries += [pack_map(wrong, _MATCH_FIRST_COUNT), pack_map((1 << 22) - wrong, _MATCH_FIRST_COUNT)]
    return np.tile(np.array(entries, np.int32), models)


def _first_run_maps(runners: int, guided: bool) -> NDArray[np.int32]:
    """Return what runs predict at first, or what they correct: nothing."""
    return filled(runners * RUN_CELLS, 0, np.int32) if guided else placed(_first_agreement(RUN_CLASSES, runners))


def _first_weights(recipe: Recipe, sets: int) -> NDArray[np.int32]:
    """Return the weights of `sets` sets: a forecast is taken as it is, everything else as the recipe says."""
    weights = np.full((sets, recipe.input_count()), recipe.first_weight, np.int32)
    if recipe.structure.guided:
        weights[:, recipe.forecast_at()] = 65536
    return placed(weights.reshape(-1))


def _selections(selectors: tuple[tuple[int, int], ...]) -> tuple[NDArray[np.int64], int]:
    """Return ([n, 3] mode, feature, first weight set; total of weight sets)."""
    rows, total = [], 0
    for mode, feature in selectors:
        rows.append((mode, feature, total))
        total += SETS[mode]
    return np.array(rows, np.int64).reshape(-1, 3), total


def allocate(recipe: Recipe) -> storage.Network:
    """Return the untrained network of `recipe`; takes recipe.memory_bytes() of memory."""
    s = recipe.structure
    contexts = np.zeros((len(s.contexts), 4), np.int64)
    for i, c in enumerate(s.contexts):
        contexts[i, : len(c.features)] = c.features
    directs = np.array([i for i, c in enumerate(s.contexts) if c.direct], np.int64)
    runners = np.array([i for i, c in enumerate(s.contexts) if c.run], np.int64)
    selectors, n_sets = _selections(s.selectors)
    finals, n_finals = _selections(s.finals)
    inputs = recipe.input_count()
    order, back = recipe.farthest()
    counts = np.arange(COUNT_LIMIT + 1, dtype=np.int64)
    return storage.Network(
        shape=_shape(recipe, inputs),
        needs=np.array(
            [
                recipe.groups(),
                order,
                back,
                recipe.separator,
                recipe.record_bytes,
                recipe.stride,
                recipe.width,
                recipe.big,
                recipe.slot_bits,
            ],
            np.int64,
        ),
        contexts=contexts,
        directs=directs,
        runners=runners,
        selectors=selectors,
        finals=finals,
        refiners=np.array(s.refiners, np.int64).reshape(-1, 2),
        matches=np.array(s.matches, np.int64),
        slots=filled(16 << recipe.slot_bits, 0, np.uint8),
        maps=placed(_first_maps(len(s.contexts))),
        direct=filled(
            16 << (recipe.direct_bits if len(directs) else 0), 0 if s.guided else pack_map(1 << 21, 0), np.int32
        ),
        runs=filled(1 << (recipe.run_bits if len(runners) else 0), 0, np.int32),
        run_maps=_first_run_maps(len(runners), s.guided),
        match_maps=placed(_first_agreement(CLASSES, len(s.matches))),
        sure_maps=placed(np.repeat(_first_agreement(CLASSES, 1)[1::2], 256)),
        heads=filled(len(s.matches) << recipe.head_bits, 0, np.int32).reshape(-1, 1 << recipe.head_bits),
        weights=_first_weights(recipe, n_sets),
        final_weights=filled(n_finals * len(s.selectors), 65536 // len(s.selectors), np.int32),
        refinements=placed(np.tile(initial_refinement(), len(s.refiners) << recipe.refine_bits)),
        followers=filled(FOLLOWER_CELLS + (recipe.strand_count() << recipe.slot_bits), 0, np.int32),
        squash=SQUASH,
        stretch=STRETCH,
        next_state=NEXT_STATE,
        reciprocal=RECIPROCAL,
        trust=256 * counts // (counts + 2),
    )


def _shape(recipe: Recipe, inputs: int) -> NDArray[np.int64]:
    shape = np.zeros(storage.SHAPE_CELLS, np.int64)
    directs = any(c.direct for c in recipe.structure.contexts)
    runs = any(c.run for c in recipe.structure.contexts)
    shape[storage.SLOT_MASK] = (1 << recipe.slot_bits) - 1
    shape[storage.DIRECT_MASK] = (1 << recipe.direct_bits) - 1 if directs else 0
    shape[storage.RUN_MASK] = (1 << recipe.run_bits) - 1 if runs else 0
    shape[storage.REFINE_MASK] = (1 << recipe.refine_bits) - 1
    shape[storage.INPUTS_EACH] = recipe.inputs_each
    shape[storage.INPUTS] = inputs
    shape[storage.MAP_LIMIT] = recipe.map_limit
    shape[storage.DIRECT_LIMIT] = recipe.direct_limit
    shape[storage.RATE] = recipe.rate
    shape[storage.RATE_START] = recipe.rate_start
    shape[storage.RATE_HALF] = 1 << recipe.rate_half_bits
    shape[storage.FINAL_RATE] = recipe.final_rate
    shape[storage.REFINE_SHIFT] = recipe.refine_shift
    shape[storage.SKIP] = recipe.skip
    shape[storage.SURE_LENGTH] = recipe.sure_length
    return shape


def prime(recipe: Recipe, data: bytes) -> NDArray[np.uint8]:
    """Return the primers' bytes, then the data."""
    primers = [read_primer(number) for number in recipe.primers]
    return np.concatenate([np.frombuffer(part, np.uint8) for part in (*primers, data)])


class Meter:
    """How far a block is, told by the kernel and read by any thread."""

    def __init__(self) -> None:
        self.cell = filled(1, 0, np.int64)

    @property
    def done_bytes(self) -> int:
        """Bytes of plain data that are coded or decoded; 0 while primers are read."""
        return max(int(self.cell[0]), 0)


def run_recipe(
    decoding: bool,
    buf: NDArray[np.uint8],
    coded_bytes: int,
    code: NDArray[np.uint8],
    recipe: Recipe,
    meter: Meter | None,
    trace: NDArray[np.int64] | None = None,
    temper: NDArray[np.uint16] | None = None,
    network: IntegerNetwork | None = None,
) -> int:
    """Code or decode the last `coded_bytes` of buf by a new network of `recipe`; return the code bytes used, or -1."""
    net = allocate(recipe)
    own = storage.make_scratch(net, (meter or Meter()).cell, trace, temper)
    streams = _open_streams(recipe, network)
    guide = None if streams is None else make_guide(streams.stepper)
    with wrapping():
        return engine.code_block(decoding, buf, len(buf) - coded_bytes, code, net, own, guide)


def _open_streams(recipe: Recipe, network: IntegerNetwork | None) -> Streams | None:
    """Return one stream of the network that forecasts, None for a recipe without. Raises UsageError."""
    if recipe.structure.guided != (network is not None):
        wanted = "needs the trained network it was made for" if network is None else "has no use for a trained network"
        raise UsageError(f"recipe {recipe.name} {wanted}; give both or neither")
    if network is None:
        return None
    if network.vocabulary != 256:
        raise UsageError(f"a network of {network.vocabulary} tokens cannot forecast bytes; give one of 256")
    return Streams(network)


def encode(
    data: bytes, recipe: Recipe, meter: Meter | None = None, network: IntegerNetwork | None = None
) -> bytes | None:
    """Return the code of `data` under the network of `recipe`, or None when it is no shorter than the data.

    The code does not hold the length of the data. network: forecasts bytes, for a guided recipe; it reads
    the data from its start. Releases the GIL. Raises UsageError for a network too many or too few.
    """
    code = np.zeros(len(data) + engine.MARGIN, np.uint8)
    size = run_recipe(False, prime(recipe, data), len(data), code, recipe, meter, network=network)
    return code[:size].tobytes() if 0 <= size < len(data) else None


def decode(
    code: bytes, raw_bytes: int, recipe: Recipe, meter: Meter | None = None, network: IntegerNetwork | None = None
) -> bytes:
    """Return the `raw_bytes` bytes whose code under the network of `recipe` is `code`.

    Any code decodes to something: the caller compares checksums. Raises FormatError
    when the network did not need all of the code.
    """
    buf = prime(recipe, bytes(raw_bytes))
    used = run_recipe(True, buf, raw_bytes, np.frombuffer(code, np.uint8).copy(), recipe, meter, network=network)
    if used < len(code):
        raise FormatError(f"{len(code) - used} bytes of code are left over")
    return buf[len(buf) - raw_bytes :].tobytes()


def measure(
    data: bytes, recipe: Recipe, meter: Meter | None = None, network: IntegerNetwork | None = None
) -> NDArray[np.float64]:
    """Return float64[n]: the bits by which each byte of `data` narrows the coder's interval.

    Their sum is within a few bits of the length of the code.
    """
    code = np.zeros(2 * len(data) + engine.MARGIN, np.uint8)
    trace = np.zeros(len(data) + 1, np.int64)
    run_recipe(False, prime(recipe, data), len(data), code, recipe, meter, trace=trace, network=network)
    positions: NDArray[np.float64] = 8.0 * (trace >> 32) - np.log2(trace & 0xFFFFFFFF)
    return np.diff(positions)


def generate(prompt: bytes, size_bytes: int, recipe: Recipe, seed: int, temperature: float = 1.0) -> bytes:
    """Return `size_bytes` new bytes that the network of `recipe` finds likely after it has learnt `prompt`.

    A generator is a decompressor: random code decodes to samples, each bit a one with exactly the
    probability that the network gives it. temperature divides the log-odds of every bit; at 0 the
    likelier bit comes but for once in 65,536. The same arguments give the same bytes.
    """
    # a sample whose code takes k bits more than 8 a byte has a chance of 2**-k at most
    room = size_bytes + engine.MARGIN if temperature == 1 else 2 * size_bytes + engine.MARGIN
    code = np.frombuffer(np.random.default_rng(seed).bytes(room), np.uint8).copy()
    buf = prime(recipe, prompt + bytes(size_bytes))
    run_recipe(True, buf, size_bytes, code, recipe, None, temper=None if temperature == 1 else _temper(temperature))
    return buf[len(buf) - size_bytes :].tobytes()


def _temper(temperature: float) -> NDArray[np.uint16]:
    """Return uint16[65536]: each probability of 65536 with its log-odds divided by `temperature`."""
    odds = np.clip(np.arange(65536), 1, 65535) / 65536
    scaled = np.clip(np.log(odds / (1 - odds)) / max(temperature, 1e-6), -50, 50)
    return np.clip(np.rint(65536 / (1 + np.exp(-scaled))), 1, 65535).astype(np.uint16)
