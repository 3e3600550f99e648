"""A short, repeatable share of the fuzzing, without atheris."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import sound_archives
from tests.fuzz.oracle import check_reader
from tests.fuzz.repair import repair

NAMES = ["level_1", "level_5", "empty", "records", "stored", "folder", "blocks", "tensors"]
edits = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4)


@functools.cache
def sound(name: str) -> bytes:
    return sound_archives()[name]


@pytest.mark.parametrize("name", NAMES)
def test_sound_archives_are_sound_and_need_no_repair(name: str) -> None:
    assert check_reader(sound(name))
    assert repair(sound(name)) == sound(name)


@settings(max_examples=60)
@given(st.sampled_from(NAMES), edits)
def test_edited_archives_are_refused_or_read_alike(name: str, changes: list[tuple[float, bytes, int]]) -> None:
    data = sound(name)
    for place, new, gone in changes:
        position = int(place * len(data))
        data = data[:position] + new + data[position + gone :]
    check_reader(data)
    check_reader(repair(data))


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_or_read_alike(data: bytes) -> None:
    check_reader(data)
    check_reader(repair(data))
