"""The parts of a search: samples, shapes, columns, moves."""

import random
from itertools import pairwise

import numpy as np
import pytest

from multum.archive.recipes import KeptRecipe
from multum.finding.columns import count_columns, find_parents
from multum.finding.enriching import enrich
from multum.finding.moves import KINDS, draw_move
from multum.finding.samples import draw_sample, estimate_bits, program_bits
from multum.finding.shapes import find_separators, find_shapes
from multum.finding.vocabulary import Vocabulary
from multum.mixing import Recipe, encode, preset
from multum.mixing.recipe import FAMILIES
from tests.archive.samples import text
from tests.finding.samples import table, waves
from tests.mixing.samples import small


def test_a_sample_of_little_data_is_all_of_it() -> None:
    assert draw_sample(b"abc" * 100, 300).is_whole
    assert draw_sample(b"abc" * 100, 250).data == b"abc" * 100


def test_pieces_of_a_sample_are_whole_rows_spread_over_the_data() -> None:
    data = b"".join(b"%07d" % k for k in range(400_000))
    sample = draw_sample(data, 600_000, 7)
    rows = [int(sample.data[at : at + 7]) for at in range(0, len(sample.data), 7)]
    jumps = [b - a for a, b in pairwise(rows) if b != a + 1]
    assert len(sample.data) == pytest.approx(600_000, rel=0.01)
    assert (len(jumps), rows[0] > 10_000, rows[-1] < 390_000) == (3, True, True)


def test_the_estimate_of_a_whole_sample_is_the_length_of_its_code() -> None:
    data = text(5000)
    kept = KeptRecipe(b"", small(5, "text"))
    code = encode(data, kept.recipe.scaled(len(data)))
    assert code is not None
    assert estimate_bits(kept, draw_sample(data, 5000)) == pytest.approx(8 * len(code), abs=40)
    assert program_bits(kept) == 8 * len(kept.recipe.to_bytes())


def test_the_estimate_of_a_part_is_near_the_whole() -> None:
    data = text(60_000)
    kept = KeptRecipe(b"", small(5, "text", slot_bits=16))
    whole = estimate_bits(kept, draw_sample(data, len(data)))
    assert estimate_bits(kept, draw_sample(data, 15_000)) == pytest.approx(whole, rel=0.15)


def test_the_length_of_a_row_is_found() -> None:
    profile = np.random.default_rng(2).integers(0, 200, 48)
    rows = np.tile(profile, (300, 1)) + np.random.default_rng(3).integers(0, 30, (300, 48))
    shapes = find_shapes(rows.astype(np.uint8).tobytes(), (2, 2, 2, 1))
    assert shapes[0] == (2, 2, 2, 1)
    assert 48 in {record for record, *_ in shapes}
    assert find_shapes(b"tiny", (1, 1, 1, 0))[0] == (1, 1, 1, 0)


def test_separators_come_in_the_order_of_how_common_they_are() -> None:
    assert find_separators(b"a,b,c;d\n" * 9) == (ord(","), ord(";"), ord("\n"))


def test_a_column_that_tells_others_is_found() -> None:
    assert find_parents(table(400), ord(","))[0] == (1,)
    assert count_columns(table(400), ord(",")) == 5


@pytest.mark.parametrize(
    "data", [b"", b"no table " * 100, text(20_000), waves(200)], ids=["none", "one", "text", "binary"]
)
def test_no_columns_are_found_where_there_is_no_table(data: bytes) -> None:
    assert find_parents(data, ord(";")) == ()
    assert count_columns(data, ord(";")) == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", KINDS)
def test_moves_of_every_kind_make_recipes_that_archives_can_carry(kind: str, family: str) -> None:
    vocabulary = Vocabulary(family, ((1, 1, 1, 0), (24, 2, 2, 1)), (44, 32), (b"", b"\1"), 9)
    rng, kept = random.Random(kind), KeptRecipe(b"", preset(9, family))
    changed = 0
    for _ in range(60):
        after = draw_move(rng, kept, vocabulary, kind).apply(kept)
        if after is not None:
            assert after != kept
            assert Recipe.from_bytes(after.recipe.to_bytes()) == after.recipe
            kept, changed = after, changed + 1
    assert changed > 2


@pytest.mark.parametrize("family", FAMILIES)
def test_richer_recipes_can_be_carried(family: str) -> None:
    for recipe in enrich(preset(9, family), ((3,), (3, 70))).values():
        recipe.validate()
        assert Recipe.from_bytes(recipe.to_bytes()) == recipe
