"""The demonstration's data is there on any machine, is bounded, and is the same each time."""

from pathlib import Path

import pytest

from multum.reporting.specimens import list_specimens, read_specimen


def test_specimens_are_several_bounded_and_repeatable() -> None:
    first, second = list(list_specimens()), list(list_specimens())
    assert first == second
    assert len(first) >= 3
    assert all(10_000 < len(one.data) < 1 << 20 for one in first)
    assert len({one.name for one in first}) == len(first)


@pytest.mark.parametrize(("limit_bytes", "name", "data"), [(4, "a.txt", b"data"), (3, "a.txt, first 3 bytes", b"dat")])
def test_a_long_file_is_cut_and_says_so(tmp_path: Path, limit_bytes: int, name: str, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(b"data")
    specimen = read_specimen(tmp_path / "a.txt", limit_bytes)
    assert (specimen.name, specimen.data) == (name, data)
