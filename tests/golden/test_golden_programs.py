"""Archives with a program decode for ever, and neither their bytes nor their program's drift."""

import pytest

import multum
from tests.golden.programs import FOLDER, pack_golden, programs

GOLDEN = programs()


def test_every_golden_program_has_its_archive() -> None:
    assert {path.stem for path in FOLDER.glob("*.mtm")} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_archive_decodes_to_its_content(name: str) -> None:
    data, _, program, options = GOLDEN[name]
    archive = (FOLDER / f"{name}.mtm").read_bytes()
    assert multum.unpack_bytes(archive, program=program if options.get("reference") else None) == data


@pytest.mark.parametrize("name", GOLDEN)
def test_packing_makes_the_golden_bytes(name: str) -> None:
    assert pack_golden(GOLDEN[name]) == (FOLDER / f"{name}.mtm").read_bytes()
