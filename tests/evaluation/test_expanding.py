"""A generator is a decompressor: any bits decode to data, and that data has these bits as its code."""

import os
from pathlib import Path

import pytest

import multum
from multum.errors import UsageError
from multum.evaluation.programs import open_program
from tests.archive.samples import text
from tests.small_programs import byte_program, text_program

BITS = bytes(range(7, 250, 3)) + b"\x80"


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    """Return an archive that carries a program over bytes."""
    path = tmp_path / "program.mtm"
    (tmp_path / "empty").write_bytes(b"")
    multum.pack(tmp_path / "empty", path, 1, program=byte_program())
    return path


@pytest.mark.parametrize("level", [1, 5, 9])
@pytest.mark.parametrize("prompt", [b"", text(2000)])
@pytest.mark.parametrize("bits", [b"", b"\1", BITS, os.urandom(100) + b"\1"])
def test_a_level_gives_given_bits_back(level: int, prompt: bytes, bits: bytes) -> None:
    data = multum.sample(f"level:{level}", None, prompt, from_bits=bits)
    program = open_program(f"level:{level}")
    assert program.condense(data, prompt) == bits
    assert program.expand(program.condense(text(300)), 300) == text(300)


def test_an_archives_recipe_gives_given_bits_back(tmp_path: Path) -> None:
    path = tmp_path / "a.mtm"
    path.write_bytes(multum.pack_bytes(text(3000), 3))
    assert open_program(path).condense(multum.sample(path, from_bits=BITS)) == BITS


def test_a_carried_program_gives_given_bits_back(carried: Path) -> None:
    data = multum.sample(carried, from_bits=BITS)
    assert open_program(carried).condense(data) == BITS
    assert multum.sample(carried, len(data), from_bits=BITS) == data
    assert multum.sample(carried, 10, b"prompt", from_bits=BITS) != data[:10]


def test_zeros_at_the_end_go_without_saying() -> None:
    data = multum.sample("level:9", from_bits=BITS + bytes(3))
    assert open_program("level:9").condense(data) == BITS


def test_bits_that_no_code_begins_with_are_refused() -> None:
    with pytest.raises(UsageError, match="bits that begin with 32 ones are the code of nothing"):
        multum.sample("level:9", from_bits=b"\xff" * 9)


@pytest.mark.parametrize("setting", [{"temperature": 0.5}, {"top_p": 0.5}, {"seed": 1}])
def test_given_bits_leave_no_choice(setting: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="leave temperature, top-p and seed out"):
        multum.sample("level:1", from_bits=b"x", **setting)  # type: ignore[arg-type]


def test_a_carried_program_has_a_size_rates_and_samples(carried: Path) -> None:
    program = open_program(carried)
    assert program.size_bits == 8 * multum.list_archive(carried).program_bytes
    length = program.measure_code(text(400), per_byte=True)
    assert length.measured
    assert length.byte_bits is not None
    assert len(length.byte_bits) == 400
    assert multum.sample(carried, 50, seed=3) == multum.sample(carried, 50, seed=3)
    with pytest.raises(UsageError, match="it draws as it predicts, with temperature 1 and top-p 1"):
        multum.sample(carried, 50, temperature=0.5)


def test_a_program_over_tokens_that_cannot_split_text_still_expands(tmp_path: Path) -> None:
    path = tmp_path / "text.mtm"
    (tmp_path / "empty").write_bytes(b"")
    multum.pack(tmp_path / "empty", path, 1, program=text_program())
    assert len(multum.sample(path, 33, from_bits=BITS)) == 33
    with pytest.raises(UsageError, match="is carried without what splits text into its tokens"):
        open_program(path).condense(b"some text")


def test_a_name_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "named.mtm"
    (tmp_path / "empty").write_bytes(b"")
    multum.pack(tmp_path / "empty", path, 1, program=byte_program(), reference=True)
    with pytest.raises(UsageError, match="names program 'bytes-1' and does not carry it"):
        open_program(path)
