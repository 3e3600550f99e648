"""Archives of tensors decode for ever, and neither their bytes nor those of the files they are made of drift."""

import hashlib
from pathlib import Path

import pytest

import multum
from tests.golden.tensors import BASE, FOLDER, contents, pack_golden, write_base

GOLDEN = contents()


def test_the_base_is_the_same_everywhere() -> None:
    assert hashlib.sha256(BASE).hexdigest() == "0d68a5e62df00084e354c37eab69f0a2e5c45694edaa74d16b88bf7744dfbbe2"


def test_every_golden_content_has_its_archive() -> None:
    assert {path.stem for path in FOLDER.glob("*.mtm")} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_archive_decodes_to_its_content(name: str, tmp_path: Path) -> None:
    data, _, compared, _ = GOLDEN[name]
    base = write_base(tmp_path) if compared else None
    assert multum.unpack_bytes((FOLDER / f"{name}.mtm").read_bytes(), base=base) == data


@pytest.mark.parametrize("name", GOLDEN)
def test_packing_makes_the_golden_bytes(name: str) -> None:
    assert pack_golden(*GOLDEN[name]) == (FOLDER / f"{name}.mtm").read_bytes()
