"""Mixing programs: their rate is what an archive takes, and their samples are what they decode from random bits."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

import multum
from multum.archive import coding
from multum.errors import FormatError, UsageError
from multum.evaluation.programs import open_program
from tests.archive.samples import source, text


@pytest.mark.parametrize("level", [1, 5])
@pytest.mark.parametrize("data", [b"", b"a", text(3000), source(), os.urandom(500)])
def test_a_level_takes_what_its_archive_does(level: int, data: bytes) -> None:
    listing = multum.list_archive(io.BytesIO(multum.pack_bytes(data, level)))
    length = open_program(f"level:{level}").measure_code(data)
    assert length.bits == 8 * listing.coded_bytes
    assert length.measured
    assert length.tokens == len(data)


def test_an_archive_codes_its_own_data_as_it_did(tmp_path: Path) -> None:
    data = text(4000)
    path = tmp_path / "text.mtm"
    path.write_bytes(multum.pack_bytes(data, 3))
    program = open_program(path)
    assert program.measure_code(data).bits == 8 * multum.list_archive(path).coded_bytes
    assert program.size_bits == 0


def test_an_archives_program_codes_in_blocks_as_long_as_the_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = text(4000)
    monkeypatch.setattr(coding, "block_bytes", lambda _: 1000)
    path = tmp_path / "text.mtm"
    path.write_bytes(multum.pack_bytes(data, 1))
    done: list[int] = []
    length = open_program(path).measure_code(data, progress=lambda now, _: done.append(now))
    assert length.bits == 8 * multum.list_archive(path).coded_bytes
    assert done == [1000, 2000, 3000, 4000]


def test_what_does_not_shrink_counts_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "text.mtm"
    path.write_bytes(multum.pack_bytes(text(2000), 1))
    noise = os.urandom(300)
    assert open_program(path).measure_code(noise).bits == 8 * len(noise)


def test_an_archive_of_stored_data_has_no_program(tmp_path: Path) -> None:
    path = tmp_path / "noise.mtm"
    path.write_bytes(multum.pack_bytes(os.urandom(100)))
    with pytest.raises(UsageError, match=r"noise\.mtm' holds stored data only and so no program"):
        open_program(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mtm"
    path.write_bytes(b"no archive")
    with pytest.raises(FormatError, match="not a Multum archive"):
        open_program(path)


@pytest.mark.parametrize("name", ["level:0", "level:10", "level:-3"])
def test_a_level_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"out of range; levels go from 1 \(fast\) to 9 \(small\)"):
        open_program(name)


@pytest.mark.parametrize("name", ["level:", "level:five", "level:1e9999"])
def test_a_level_that_is_no_number_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a number; levels go from level:1"):
        open_program(name)


def test_a_level_has_no_window() -> None:
    with pytest.raises(UsageError, match="'level:5' learns while it codes and has no window"):
        open_program("level:5", window=100)


def test_a_level_has_no_top_p() -> None:
    with pytest.raises(UsageError, match=r"predicts bits and has no top-p, here 0\.9; use --temperature"):
        multum.sample("level:1", 10, top_p=0.9)


def test_a_level_takes_the_likely_bits_oftener_the_colder_it_is() -> None:
    """Of bytes learnt at three to one, half the temperature makes some nine to one, and none nearly none.

    A network learns from what it draws, so single samples wander: the mean of several is looked at.
    """
    prompt = (np.random.default_rng(5).random(20000) < 0.75).astype(np.uint8).tobytes()

    def mean_share(temperature: float) -> float:
        drawn = [multum.sample("level:1", 150, prompt, temperature=temperature, seed=seed) for seed in range(16)]
        return sum(one.count(0) for one in drawn) / (16 * 150)

    usual, colder, coldest = map(mean_share, (1, 0.5, 0))
    assert 0.18 < usual < 0.34
    assert 0.02 < colder < 0.8 * usual
    assert coldest < 0.01


@pytest.mark.parametrize("level", [1, 5, 9])
def test_bits_of_bytes_add_up_to_the_code(level: int, tmp_path: Path) -> None:
    data = text(4000) + bytes(range(256)) * 2
    report = multum.code_bits(f"level:{level}", data, per_byte=tmp_path / "bits.npy")
    archive = tmp_path / "a.mtm"
    archive.write_bytes(multum.pack_bytes(data, level))
    multum.code_bits(archive, data, per_byte=tmp_path / "again.npy")
    each = np.load(tmp_path / "bits.npy")
    assert each.shape == (len(data),)
    assert (each >= 0).all()
    assert abs(each.sum() - report.code_bits) <= 16
    assert np.array_equal(each, np.load(tmp_path / "again.npy"))
    assert each[-256:].mean() < each[4000:4256].mean() / 2  # what comes again costs less


def test_bits_of_stored_bytes_are_eight(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(6000)
    report = multum.code_bits("level:1", noise, per_byte=tmp_path / "bits.npy")
    assert report.code_bits == 48000
    assert (np.load(tmp_path / "bits.npy") == 8).all()


def test_a_level_goes_on_as_what_it_has_learnt() -> None:
    """After a thousand repeats nothing else is likely."""
    assert multum.sample("level:3", 40, b"much in little; " * 1000, seed=1) == (b"much in little; " * 3)[:40]


def test_samples_are_as_likely_as_the_network_says() -> None:
    """Of bytes learnt at three to one, a sample has three to one."""
    prompt = (b"\0\1\1\1" * 2 + b"\1\0\1\1" + b"\1\1\0\1\1\1\1\0") * 400
    drawn = multum.sample("level:1", 4000, prompt, seed=2)
    assert set(drawn) <= {0, 1}
    assert 0.15 < drawn.count(0) / len(drawn) < 0.35


def test_the_seed_decides_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "text.mtm"
    path.write_bytes(multum.pack_bytes(text(2000), 3))
    for program in ("level:2", path):
        first, again, other = (multum.sample(program, 60, text(2000), seed=seed) for seed in (1, 1, 2))
        assert first == again != other
        assert len(first) == 60


def test_a_level_without_a_prompt_still_says_something() -> None:
    assert len(multum.sample("level:5", 20)) == 20
    assert multum.sample("level:5", 0) == b""
