"""A recipe survives serialisation, and bytes that are no recipe are refused with a reason."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multum.errors import FormatError, UsageError
from multum.mixing import Recipe, preset
from multum.mixing import features as feature_numbers
from multum.mixing.histories import COUNTS, NEXT_STATE
from multum.mixing.mixer import FIRST_GUIDED, SETS
from multum.mixing.network import allocate
from multum.mixing.primers import PRIMERS
from multum.mixing.recipe import FAMILIES, MAX_BITS, SCALAR_BYTES, Context, Structure
from multum.mixing.structures import GUIDED_TIERS, STRUCTURES, TIERS
from tests.mixing.samples import presets, small

feature = st.sampled_from(sorted(feature_numbers.KNOWN))
contexts = st.builds(
    lambda features, direct, run: Context(tuple(features), direct, run),
    st.lists(feature, max_size=4),
    st.booleans(),
    st.booleans(),
)


@st.composite
def structures(draw: st.DrawFn, guided: bool = False) -> Structure:
    """Return a structure that nobody designed."""
    selectors = st.tuples(st.integers(0, (len(SETS) if guided else FIRST_GUIDED) - 1), feature)
    chosen = draw(st.lists(selectors, min_size=1, max_size=4))
    return Structure(
        tuple(draw(st.lists(contexts, min_size=1, max_size=8))),
        tuple(chosen),
        tuple(draw(st.lists(selectors, min_size=1, max_size=3))) if len(chosen) > 1 else (),
        tuple(draw(st.lists(st.tuples(feature, feature), max_size=3))),
        tuple(draw(st.lists(st.integers(1, 32), max_size=3))),
        guided,
    )


@st.composite
def recipes(draw: st.DrawFn, bits: int = MAX_BITS, guided: bool = False) -> Recipe:
    """Return any recipe that is valid, with tables of up to 2**bits entries, that asks a trained network or not."""
    shipped = st.sampled_from([s for s in STRUCTURES if s.guided == guided])
    size = st.integers(4, bits)
    stride = draw(st.integers(1, 255))
    width = draw(st.integers(1, min(2, stride)))
    rate = draw(st.integers(0, 2000))
    return Recipe(
        structure=draw(st.one_of(shipped, structures(guided))),
        family=draw(st.integers(0, len(FAMILIES) - 1)),
        level=draw(st.integers(1, 9)),
        slot_bits=draw(size),
        direct_bits=draw(size),
        run_bits=draw(size),
        refine_bits=draw(size),
        head_bits=draw(size),
        inputs_each=draw(st.integers(1, 2)),
        map_limit=draw(st.integers(1, 510)),
        direct_limit=draw(st.integers(1, 510)),
        rate=rate,
        rate_start=draw(st.integers(rate, 2000)),
        rate_half_bits=draw(st.integers(0, 30)),
        final_rate=draw(st.integers(0, 2000)),
        refine_shift=draw(st.integers(1, 15)),
        skip=draw(st.integers(0, 65535)),
        first_weight=draw(st.integers(0, 65535)),
        sure_length=draw(st.one_of(st.just(0), st.integers(0, 65535))),
        separator=draw(st.integers(0, 255)),
        record_bytes=draw(st.one_of(st.just(stride), st.integers(stride + width, 5000))),
        stride=stride,
        width=width,
        big=draw(st.integers(0, 1)),
        primers=tuple(draw(st.lists(st.integers(0, len(PRIMERS) - 1), max_size=3))),
    )


@given(st.booleans().flatmap(lambda guided: recipes(guided=guided)))
def test_recipes_come_back_from_their_bytes(recipe: Recipe) -> None:
    recipe.validate()
    assert Recipe.from_bytes(recipe.to_bytes()) == recipe


@pytest.mark.parametrize(("level", "family"), presets())
def test_presets_come_back_and_name_their_structure_by_number(level: int, family: str) -> None:
    recipe = preset(level, family, record=(12, 4, 2, 0), primers=(0, 2)).scaled(5000)
    data = recipe.to_bytes()
    assert Recipe.from_bytes(data) == recipe
    assert len(data) <= SCALAR_BYTES + 4


def test_a_structure_that_does_not_ship_is_written_out() -> None:
    recipe = small(9, "text")
    own = replace(recipe, structure=replace(recipe.structure, matches=(7, 9)))
    assert own.structure not in STRUCTURES
    assert Recipe.from_bytes(own.to_bytes()) == own


@pytest.mark.parametrize("recipe", [small(1, "binary"), small(9, "text", primers=(0, 1))])
@pytest.mark.parametrize("written_out", [False, True])
def test_every_truncation_is_refused(recipe: Recipe, written_out: bool) -> None:
    if written_out:
        recipe = replace(recipe, structure=replace(recipe.structure, matches=(7,)))
    data = recipe.to_bytes()
    for size in range(len(data)):
        with pytest.raises(FormatError, match="recipe ends after"):
            Recipe.from_bytes(data[:size])
    with pytest.raises(FormatError, match="1 bytes after its end"):
        Recipe.from_bytes(data + b"\0")


@given(st.binary(max_size=120))
@settings(max_examples=150)
def test_any_bytes_are_refused_or_make_a_valid_recipe(data: bytes) -> None:
    try:
        recipe = Recipe.from_bytes(data)
    except FormatError as error:
        assert "recipe" in str(error)  # noqa: PT017 - both outcomes are fine
    else:
        recipe.validate()
        assert Recipe.from_bytes(recipe.to_bytes()) == recipe


@given(st.booleans().flatmap(lambda guided: recipes(guided=guided)), st.data())
def test_a_changed_byte_is_refused_or_makes_a_valid_recipe(recipe: Recipe, draw: st.DataObject) -> None:
    data = bytearray(recipe.to_bytes())
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        Recipe.from_bytes(bytes(data)).validate()
    except FormatError as error:
        assert "recipe" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slot_bits": 27}, "slot_bits 27; allowed is 4 to 26"),
        ({"slot_bits": 0}, "slot_bits 0; allowed is 4 to 26"),
        ({"direct_bits": 60}, "direct_bits 60; allowed is"),
        ({"run_bits": 255}, "run_bits 255; allowed is"),
        ({"refine_bits": 255}, "refine_bits 255; allowed is"),
        ({"head_bits": 3}, "head_bits 3; allowed is"),
        ({"family": 6}, "family 6; allowed is 0 to 5"),
        ({"inputs_each": 0}, "inputs_each 0; allowed is 1 to 2"),
        ({"map_limit": 0}, "map_limit 0; allowed is 1 to 510"),
        ({"map_limit": 511}, "map_limit 511; allowed is 1 to 510"),
        ({"direct_limit": 65535}, "direct_limit 65535; allowed is"),
        ({"rate": 2001, "rate_start": 2001}, "rate 2001; allowed is 0 to 2000"),
        ({"rate": 90, "rate_start": 80}, "rate_start 80; allowed is 90 to 2000"),
        ({"rate_half_bits": 31}, "rate_half_bits 31; allowed is"),
        ({"final_rate": 9999}, "final_rate 9999; allowed is"),
        ({"refine_shift": 0}, "refine_shift 0; allowed is 1 to 15"),
        ({"record_bytes": 0}, "record_bytes 0; allowed is 1 to"),
        ({"record_bytes": (1 << 20) + 1}, "record_bytes 1048577; allowed is 1 to 1048576"),
        ({"stride": 0}, "stride 0; allowed is 1 to 255"),
        ({"width": 3, "stride": 4, "record_bytes": 4}, "width 3; allowed is 1 to 2"),
        ({"width": 2, "stride": 1, "record_bytes": 1}, "width 2; allowed is 1 to 1"),
        ({"big": 2}, "big 2; allowed is 0 to 1"),
        ({"primers": (0,) * 9}, "primers 9; allowed is 0 to 8"),
        ({"primers": (200,)}, "structure or primer this version does not know; upgrade multum"),
        ({"record_bytes": 5, "stride": 4, "width": 2}, "records of 5 bytes for a stride of 4"),
        ({"record_bytes": 3, "stride": 4}, "records of 3 bytes for a stride of 4"),
    ],
)
def test_hostile_values_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Recipe.from_bytes(replace(small(5, "binary"), **change).to_bytes())


CONTEXT = Context((1,))


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (Structure((), ((0, 0),), (), (), ()), "contexts 0; allowed is 1 to 64"),
        (Structure((CONTEXT,) * 65, ((0, 0),), (), (), ()), "contexts 65; allowed is 1 to 64"),
        (Structure((CONTEXT,), (), (), (), ()), "selectors 0; allowed is 1 to 24"),
        (Structure((CONTEXT,), ((0, 0),) * 25, ((0, 0),), (), ()), "selectors 25; allowed is 1 to 24"),
        (Structure((CONTEXT,), ((0, 0),) * 2, ((0, 0),) * 200, (), ()), "finals 200; allowed is"),
        (Structure((CONTEXT,), ((0, 0),), (), ((0, 0),) * 99, ()), "refiners 99; allowed is"),
        (Structure((CONTEXT,), ((0, 0),), (), (), (6,) * 5), "match models 5; allowed is 0 to 4"),
        (Structure((CONTEXT,), ((0, 0),), (), (), (33,)), "match length 33; allowed is 1 to 32"),
        (Structure((CONTEXT,), ((0, 0),), (), (), (0,)), "match length 0; allowed is 1 to 32"),
        (Structure((CONTEXT,), ((0, 0),) * 2, (), (), ()), "a second layer exactly when it has several"),
        (Structure((CONTEXT,), ((0, 0),), ((0, 0),), (), ()), "a second layer exactly when it has several"),
        (Structure((CONTEXT,), ((len(SETS), 0),), (), (), ()), "weight set in a way this version does not know"),
        (Structure((CONTEXT,), ((0, 0),) * 2, ((255, 0),), (), ()), "weight set in a way this version does not know"),
        (Structure((CONTEXT,), ((FIRST_GUIDED, 0),), (), (), ()), "weight set in a way this version does not know"),
        (Structure((CONTEXT,), ((len(SETS), 0),), (), (), (), True), "weight set in a way this version does not know"),
        (Structure((Context((103,)),), ((0, 0),), (), (), ()), "feature this version does not know"),
        (Structure((CONTEXT,), ((2, 127),), (), (), ()), "feature this version does not know"),
        (Structure((CONTEXT,), ((0, 0),), (), ((0, 103),), ()), "feature this version does not know"),
        (Structure((Context((1,) * 5),), ((0, 0),), (), (), ()), "feature this version does not know"),
    ],
)
def test_hostile_structures_are_refused(structure: Structure, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Recipe.from_bytes(replace(small(5, "binary"), structure=structure).to_bytes())


def test_unknown_kinds_of_context_are_refused() -> None:
    recipe = replace(small(1, "binary"), structure=Structure((CONTEXT,), ((0, 0),), (), (), ()))
    data = bytearray(recipe.to_bytes())
    at = data.index(bytes([1, 1, 1, 1]), SCALAR_BYTES) + 1  # one context, of one feature, number 1; one selector
    for bit in (32, 64, 128):
        data[at] = 1 | bit
        with pytest.raises(FormatError, match="context kind this version does not know"):
            Recipe.from_bytes(bytes(data))


def test_unknown_structures_are_refused() -> None:
    recipe = small(1, "binary")
    data = bytearray(recipe.to_bytes())
    assert data[-1] == STRUCTURES.index(recipe.structure) + 1
    data[-1] = len(STRUCTURES) + 1
    with pytest.raises(FormatError, match="structure or primer this version does not know"):
        Recipe.from_bytes(bytes(data))


# --- what ships


def test_structures_use_features_that_are_there() -> None:
    defined = set().union(*feature_numbers.GROUPS.values()) | set(range(feature_numbers.HIGH_BITS + 1))
    defined |= {feature_numbers.EXPECTED, feature_numbers.FORECAST}
    assert defined == feature_numbers.KNOWN
    for structure in STRUCTURES:
        assert structure.used() <= defined
        assert all(len(c.features) <= 4 for c in structure.contexts)
        # a feature 0 ends the list of a context, so it may not come before another
        assert all(0 not in c.features or len(c.features) == 1 for c in structure.contexts)


def test_every_shipped_structure_has_a_tier_and_is_listed_once() -> None:
    assert {s for tiers in (TIERS, GUIDED_TIERS) for tier in tiers.values() for s in tier} == set(STRUCTURES)
    assert len(set(STRUCTURES)) == len(STRUCTURES)


def test_histories_lead_to_histories_only() -> None:
    known = int(NEXT_STATE.max()) + 1
    assert known <= 256
    assert (NEXT_STATE[: 2 * known] > 0).all()
    assert COUNTS.shape == (256, 2)


def test_levels_and_families_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="level 10 is out of range"):
        preset(10, "text")
    with pytest.raises(UsageError, match="family 'poem' is unknown; families are text"):
        preset(5, "poem")


def allocated(recipe: Recipe) -> int:
    return sum(table.nbytes for table in allocate(recipe))


@pytest.mark.parametrize("raw_bytes", [0, 1, 300, 40_000, 1 << 20])
def test_stated_memory_bounds_what_presets_allocate(raw_bytes: int) -> None:
    for level, family in presets():
        recipe = preset(level, family, record=(6, 2, 2, 0)).scaled(raw_bytes)
        assert allocated(recipe) <= recipe.memory_bytes(), (level, family)


@pytest.mark.parametrize("level", [1, 5, 9])
def test_stated_memory_bounds_what_full_blocks_allocate(level: int) -> None:
    recipe = preset(level, "text").scaled(32 << 20)
    assert allocated(recipe) <= recipe.memory_bytes() <= allocated(recipe) + (1 << 20)


@given(st.booleans().flatmap(lambda guided: recipes(bits=12, guided=guided)))
@settings(max_examples=60)
def test_stated_memory_bounds_what_any_recipe_allocates(recipe: Recipe) -> None:
    assert allocated(recipe) <= recipe.memory_bytes()


def test_scaled_recipes_are_never_larger() -> None:
    for level, family in presets():
        recipe = preset(level, family)
        sizes = [recipe.scaled(n).memory_bytes() for n in (0, 100, 10_000, 1_000_000, 1 << 30)]
        assert sizes == sorted(sizes)
        assert sizes[-1] == recipe.memory_bytes()
