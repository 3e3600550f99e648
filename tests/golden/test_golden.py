"""Archives of every released format version decode for ever, and their bytes do not drift."""

from pathlib import Path

import pytest

import multum
from tests.golden.contents import contents, pack_golden

FOLDER = Path(__file__).parent / "v1"
CONTENTS = contents()


def test_every_golden_content_has_its_archive() -> None:
    assert {path.stem for path in FOLDER.glob("*.mtm")} == set(CONTENTS)


@pytest.mark.parametrize("name", CONTENTS)
def test_golden_archive_decodes_to_its_content(name: str) -> None:
    data, _ = CONTENTS[name]
    assert multum.unpack_bytes((FOLDER / f"{name}.mtm").read_bytes()) == data


@pytest.mark.parametrize("name", CONTENTS)
def test_packing_makes_the_golden_bytes(name: str) -> None:
    data, level = CONTENTS[name]
    assert pack_golden(data, level) == (FOLDER / f"{name}.mtm").read_bytes()
