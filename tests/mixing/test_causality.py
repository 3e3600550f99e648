"""No feature looks at a byte that a decoder does not have yet."""

from dataclasses import replace

import pytest

from multum.mixing import decode, encode, features
from multum.mixing.recipe import Context, Structure
from tests.mixing.samples import data, small

# (record_bytes, stride, width, big); rows so short that neighbours on the right would lie ahead
SHAPES = [
    (1, 1, 1, 0),
    (2, 1, 1, 0),
    (3, 1, 1, 0),
    (3, 1, 1, 0),
    (4, 2, 2, 0),
    (6, 2, 2, 1),
    (5, 4, 1, 0),
    (8, 8, 2, 1),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("family", ["record", "lines", "genome"])
def test_every_feature_decodes_what_was_encoded(family: str, shape: tuple[int, int, int, int]) -> None:
    record_bytes, stride, width, big = shape
    plain = data(family, 300) * 3  # so that it shrinks under any recipe
    known = sorted(features.KNOWN - {0})
    for start in range(0, len(known), 60):
        contexts = tuple(Context((feature,), True, True) for feature in known[start : start + 60])
        structure = Structure(contexts, ((0, 0),), (), (), (4,))
        recipe = replace(
            small(9, family), structure=structure, record_bytes=record_bytes, stride=stride, width=width, big=big
        )
        code = encode(plain, recipe)
        assert code is not None
        assert decode(code, len(plain), recipe) == plain
