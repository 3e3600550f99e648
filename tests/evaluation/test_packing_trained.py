"""What training libraries wrote packs any bytes, and unpacks without them."""

import io
from pathlib import Path
from typing import Any

import pytest

import multum
from multum.evaluation.programs import open_program
from tests.archive.samples import text
from tests.neural.samples import HARD, build_byte_fallback, save_byte_llama, save_text_llama

DATA = text(600) + HARD + bytes(range(256)) + text(300)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("save", [save_byte_llama, save_text_llama])
def test_a_folder_packs_and_its_archive_unpacks_by_itself(tmp_path: Path, save: Any, alone: bool) -> None:
    save(tmp_path)
    archive = io.BytesIO()
    report = multum.pack(io.BytesIO(DATA), archive, 1, program=tmp_path, alone=alone)
    assert report.program is not None
    assert (report.program.name, report.program.carried) == (str(tmp_path), True)
    assert multum.unpack_bytes(archive.getvalue()) == DATA


def test_a_folder_unpacks_what_refers_to_it(tmp_path: Path) -> None:
    save_text_llama(tmp_path, build_byte_fallback())
    archive = io.BytesIO()
    multum.pack(io.BytesIO(DATA), archive, 1, program=tmp_path, reference=True, alone=True)
    assert multum.unpack_bytes(archive.getvalue(), program=tmp_path) == DATA
    with pytest.raises(multum.ProgramMismatch, match="does not carry it"):
        multum.unpack_bytes(archive.getvalue())


def test_fewer_bits_a_weight_make_a_smaller_program(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    sizes = [
        multum.pack(io.BytesIO(b""), io.BytesIO(), 1, program=tmp_path, bits=bits).program_bytes
        for bits in (None, 4, 2)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1.3 * sizes[1]


def test_a_program_by_reference_keeps_its_weights(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    with pytest.raises(multum.UsageError, match="by reference has its weights as they are"):
        multum.pack(io.BytesIO(DATA), io.BytesIO(), 1, program=tmp_path, reference=True, bits=4)


def test_a_folder_gives_given_bits_back(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    bits = bytes(range(1, 90))
    data = multum.sample(tmp_path, from_bits=bits, device="cpu")
    assert open_program(tmp_path, "cpu").condense(data) == bits


def test_a_program_too_large_for_memory_is_refused_with_its_need(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    with pytest.raises(multum.LimitExceeded, match=r"loading '.*' needs 1 MiB of memory, the limit is 0 MiB"):
        multum.pack(io.BytesIO(b"x"), io.BytesIO(), 1, program=tmp_path, memory_limit=1000)
