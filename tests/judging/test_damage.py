"""Damage is as strong as it says, the same by its seed, and none at a strength of 0."""

import numpy as np
import pytest

from multum.judging.damage import BYTE_DAMAGE, IMAGE_DAMAGE, TEXT_DAMAGE, damage_all, list_strengths

TEXT = "We sailed at dawn, and nobody spoke until the harbour was behind us. 从前有座山。" * 8
IMAGES = np.random.default_rng(0).integers(60, 200, (3, 1, 8, 8)).astype(np.uint8)
CASES = [
    *[(kind, [TEXT, "short"]) for kind in TEXT_DAMAGE],
    *[(kind, [TEXT.encode(), b"\xff\x00 no text"]) for kind in BYTE_DAMAGE],
    *[(kind, IMAGES) for kind in IMAGE_DAMAGE],
]


@pytest.mark.parametrize(("kind", "inputs"), CASES, ids=lambda one: getattr(one, "name", ""))
def test_damage_changes_more_the_stronger_it_is_and_nothing_at_0(kind: object, inputs: object) -> None:
    assert isinstance(kind, type(TEXT_DAMAGE[0]))
    assert isinstance(inputs, list | np.ndarray)
    same = damage_all(kind, inputs, 0.0, 1)
    assert [bytes(one) if isinstance(one, np.ndarray) else one for one in same] == [
        bytes(one) if isinstance(one, np.ndarray) else one for one in inputs
    ]
    changed = damage_all(kind, inputs, kind.strengths[-1], 1)
    again = damage_all(kind, inputs, kind.strengths[-1], 1)
    assert np.array_equal(changed[0], again[0])
    assert not np.array_equal(changed[0], inputs[0])


def test_truncation_keeps_the_start_and_never_nothing() -> None:
    cut = TEXT_DAMAGE[1]
    assert damage_all(cut, ["abcdefgh", "x"], 0.75, 0) == ["ab", "x"]
    assert damage_all(IMAGE_DAMAGE[1], IMAGES, 0.5, 0)[0][:, 4:].max() == 0


def test_noise_hits_so_many_bytes() -> None:
    raw = bytes(20_000)
    (noisy,) = damage_all(BYTE_DAMAGE[1], [raw], 0.1, 0)
    assert sum(byte != 0 for byte in noisy) == pytest.approx(2000, rel=0.1)


def test_every_strength_of_each_kind_is_listed() -> None:
    assert len(list_strengths(TEXT_DAMAGE)) == 7
