"""The network codes and decodes the same bytes, whatever the recipe, the data, the threads or the interpreter."""

import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.errors import FormatError
from multum.mixing import Meter, Recipe, decode, encode, preset
from multum.mixing.primers import CODE, PRIMERS
from tests.mixing.samples import FAMILIES, data, presets, small
from tests.mixing.test_recipe import recipes


@pytest.mark.parametrize(("level", "family"), presets())
def test_every_level_and_family_is_undone_exactly(level: int, family: str) -> None:
    raw = data(family, 2500)
    recipe = replace(preset(level, family, separator=44, record=(6, 2, 2, 1)), primers=()).scaled(len(raw))
    code = encode(raw, recipe)
    assert code is not None
    assert decode(code, len(raw), recipe) == raw


@pytest.mark.parametrize("family", FAMILIES)
def test_full_tables_do_not_depend_on_what_was_there(family: str) -> None:
    """Tables far too small for the data: slots are fought over all the time."""
    raw = data(family, 6000)
    recipe = replace(small(9, family), slot_bits=4, direct_bits=4, run_bits=4, refine_bits=4, head_bits=4)
    code = encode(raw, recipe)
    assert code == encode(raw, recipe)
    assert code is not None
    assert decode(code, len(raw), recipe) == raw


@pytest.mark.parametrize("primer", range(len(PRIMERS)))
def test_primers_are_learnt_by_both_sides_and_pay(primer: int) -> None:
    raw = {0: data("text", 900), 1: b"<div class='a'><p>text</p></div>" * 4, CODE: data("binary", 0)}.get(primer, b"")
    raw = raw or (data("cjk", 900) if primer == 3 else b"for i in range(10):\n    print(i)\n\nclass A:\n    pass\n")
    recipe = small(3, "text", slot_bits=14, primers=(primer,))
    code, cold = encode(raw, recipe), encode(raw, replace(recipe, primers=()))
    assert code is not None
    assert len(code) < len(cold or raw)
    assert decode(code, len(raw), recipe) == raw


# Bytes with repeats, runs and noise in them.
pieces = st.one_of(st.binary(max_size=12), st.sampled_from([b"multum in parvo ", b"\0" * 40, b"12,34\n", b"<a></a>"]))
contents = st.lists(pieces, max_size=30).map(b"".join)


@given(contents, recipes(bits=8))
@example(b"\xff" * 300, small(1, "binary"))
@settings(max_examples=60)
def test_any_data_under_any_recipe_is_undone_exactly(raw: bytes, recipe: Recipe) -> None:
    recipe = replace(recipe, primers=())
    code = encode(raw, recipe)
    assert code is None or len(code) < len(raw)
    if code is not None:
        assert decode(code, len(raw), recipe) == raw


@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from(presets()))
@example(b"\xff" * 300, 300, (9, "text"))
@example(b"", 300, (9, "lines"))
@settings(max_examples=80)
def test_garbage_decodes_to_something_or_is_refused(code: bytes, raw_bytes: int, chosen: tuple[int, str]) -> None:
    try:
        raw = decode(code, raw_bytes, small(*chosen))
    except FormatError as error:
        assert "left over" in str(error)  # noqa: PT017 - both outcomes are fine
    else:
        assert len(raw) == raw_bytes


@given(st.binary(max_size=200), st.integers(0, 200), recipes(bits=8))
@settings(max_examples=60)
def test_garbage_under_any_recipe_does_no_harm(code: bytes, raw_bytes: int, recipe: Recipe) -> None:
    try:
        assert len(decode(code, raw_bytes, replace(recipe, primers=()))) == raw_bytes
    except FormatError as error:
        assert "left over" in str(error)  # noqa: PT017


def test_meters_end_at_the_last_byte() -> None:
    raw, recipe, meters = data("text", 700), small(3, "text", primers=(CODE,)), (Meter(), Meter())
    assert meters[0].done_bytes == 0
    code = encode(raw, recipe, meters[0])
    assert code is not None
    decode(code, len(raw), recipe, meters[1])
    assert [meter.done_bytes for meter in meters] == [699, 699]


def test_code_that_is_left_over_is_refused() -> None:
    raw, recipe = data("text", 500), small(1, "text")
    code = encode(raw, recipe)
    assert code is not None
    with pytest.raises(FormatError, match=r"[45] bytes of code are left over"):
        decode(code + b"\1" * 8, len(raw), recipe)


def test_noise_is_given_up() -> None:
    assert encode(random.Random(1).randbytes(3000), small(5, "binary")) is None
    assert encode(b"", small(5, "binary")) is None


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_the_bytes(threads: int) -> None:
    work = [(data(family, 3000), small(level, family)) for family in FAMILIES for level in (1, 5, 9)]
    alone = [encode(raw, recipe) for raw, recipe in work]
    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(lambda one: encode(*one), work * 2))
        back = list(
            pool.map(lambda one: decode(one[0] or b"", len(one[1][0]), one[1][1]), zip(alone, work, strict=True))
        )
    assert together == alone * 2
    assert back == [raw for raw, _ in work]


@pytest.mark.parametrize("level", [1, 5, 9])
@pytest.mark.parametrize("period", [b"\0", b"multum in parvo\n", bytes(range(256))], ids=["zeros", "16", "256"])
def test_highly_predictable_data_costs_next_to_nothing(level: int, period: bytes) -> None:
    """Under 0.002 bits for each bit, the first occurrence aside."""
    size = 100_000
    raw = (period * size)[:size]
    recipe = replace(preset(level, "binary"), primers=()).scaled(size)
    code = encode(raw, recipe)
    assert code is not None
    assert len(code) * 8 < 0.002 * 8 * size + 8 * len(period)


# --- other ways to run the same kernels

CODE_TINY = """
import json, sys, warnings
warnings.simplefilter("error")
from multum.mixing import decode, encode
from tests.mixing.samples import FAMILIES, data, small
found = {}
for family in FAMILIES:
    for level, size in ((1, 150), (5, 60)):
        recipe, raw = small(level, family), data(family, size)
        code = encode(raw, recipe) or b""
        assert not code or decode(code, size, recipe) == raw
        found[f"{family}-{level}"] = code.hex()
import multum
archive = multum.pack_bytes(b"much in little " * 8, 1)
assert multum.unpack_bytes(archive) == b"much in little " * 8
found["archive"] = archive.hex()
print(json.dumps(found))
"""


def run_python(code: str, **environment: str) -> str:
    """Return what a fresh interpreter prints, run from the root of the repository."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_interpreted_kernels_give_the_same_bytes() -> None:
    compiled = json.loads(run_python(CODE_TINY))
    assert json.loads(run_python(CODE_TINY, NUMBA_DISABLE_JIT="1")) == compiled
    assert sum(map(bool, compiled.values())) > 8


# Random recipes and garbage too: an index out of its table raises IndexError in a checked build.
RUN_CHECKED = """
import random, warnings
from dataclasses import replace
import numpy as np
from multum.errors import FormatError
from multum.formats.transforms import apply_transforms, invert_transforms
from multum.mixing import Meter, Recipe, decode, encode
from multum.mixing.slots import find_slot
from multum.mixing.structures import STRUCTURES
from tests.inference.conftest import make_network
from tests.mixing.samples import data, guided, presets, small
network = make_network(vocabulary=256, overlap=5)
rng = random.Random(1)
def undo(raw, recipe):
    guide = network if recipe.structure.guided else None
    code = encode(raw, recipe, network=guide)
    assert code is None or decode(code, len(raw), recipe, network=guide) == raw
def decode_any(code, size, recipe):
    try:
        decode(code, size, recipe, network=network if recipe.structure.guided else None)
    except FormatError:
        pass
for level, family in presets():
    if level not in (1, 5, 9):
        continue
    recipe = small(level, family)
    for other in {family, "text", "record"}:
        undo(data(other, 1500), recipe)
    decode_any(rng.randbytes(400), 900, recipe)
    decode_any(bytes([255] * 400), 900, recipe)
for family in ("text", "record"):
    undo(data(family, 1500), guided(family))
    decode_any(rng.randbytes(400), 900, guided(family))
tried = 0
for _ in range(1500):
    changed = bytearray(replace(small(9, "binary"), structure=rng.choice(STRUCTURES)).to_bytes())
    for _ in range(rng.randrange(1, 6)):
        changed[rng.randrange(len(changed))] = rng.choice([0, 1, 2, 4, 5, 255, rng.randrange(256)])
    try:
        recipe = replace(Recipe.from_bytes(bytes(changed)), primers=())
    except FormatError:
        continue
    if recipe.memory_bytes() > 20_000_000:
        continue
    tried += 1
    undo(data(rng.choice(["text", "lines", "record", "binary"]), rng.randrange(300)), recipe)
    decode_any(rng.randbytes(rng.randrange(100)), 200, recipe)
try:
    find_slot(np.zeros(64, np.uint8), 250 << 8, 255)
except IndexError:
    pass
else:
    raise AssertionError("bounds are not checked")
transformed = apply_transforms(b"\\1", bytes([0xE8, 0xE9, 255, 0]) * 50)
assert invert_transforms(b"\\1", transformed) == bytes([0xE8, 0xE9, 255, 0]) * 50
print(tried)
"""


@pytest.mark.slow
def test_no_index_leaves_its_table(tmp_path: Path) -> None:
    tried = run_python(RUN_CHECKED, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path))
    assert int(tried) > 50
