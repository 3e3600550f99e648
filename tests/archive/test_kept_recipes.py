"""A recipe that was kept codes other data of its kind."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import multum
from multum.archive.recipes import KeptRecipe, read_recipe, write_recipe
from multum.formats.transforms import X86
from multum.mixing import Recipe, preset
from multum.mixing.recipe import Context
from multum.mixing.structures import TIERS
from tests.archive.samples import text

# Like no preset: one context more, and slower.
STRUCTURE = replace(TIERS["text"][0], contexts=(*TIERS["text"][0].contexts, Context((3,), True, True)))
RECIPE = replace(preset(2, "text"), structure=STRUCTURE, direct_bits=10, rate=99)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the path of a recipe file."""
    path = tmp_path / "found.json"
    write_recipe(path, KeptRecipe(b"", RECIPE), {"data": "topics"})
    return path


def pack(data: bytes, **options: object) -> bytes:
    """Return the archive of `data`."""
    target = io.BytesIO()
    multum.pack(io.BytesIO(data), target, **options)  # type: ignore[arg-type]
    return target.getvalue()


def recipe_of(archive: bytes) -> Recipe:
    """Return the first recipe of an archive."""
    return Recipe.from_bytes(bytes.fromhex(multum.list_archive(io.BytesIO(archive)).recipe[0]))


def test_a_recipe_file_is_read_back_as_it_was(kept: Path) -> None:
    assert read_recipe(kept) == KeptRecipe(b"", RECIPE)
    assert json.loads(kept.read_text())["about"] == {"data": "topics"}


@pytest.mark.parametrize("threads", [1, 3])
def test_every_block_is_coded_by_the_recipe_scaled_to_it(kept: Path, tiny_blocks: int, threads: int) -> None:
    data = text(5 * tiny_blocks + 7)
    archive = pack(data, recipe=kept, threads=threads, verify=True)
    assert recipe_of(archive) == RECIPE.scaled(tiny_blocks)
    assert multum.unpack_bytes(archive) == data
    assert archive == pack(data, recipe=kept, threads=2)


def test_an_archive_lends_its_recipe_at_full_size(kept: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.mtm"
    small.write_bytes(pack(text(500), recipe=kept))
    assert recipe_of(small.read_bytes()).slot_bits < RECIPE.slot_bits
    archive = pack(text(20_000), recipe=small)
    assert recipe_of(archive) == RECIPE.scaled(20_000)


def test_the_level_is_that_of_the_recipe(kept: Path) -> None:
    assert multum.list_archive(io.BytesIO(pack(text(1000), recipe=kept, level=7))).level == 2


def test_a_transform_that_does_not_come_undone_is_left_out() -> None:
    calls = bytes([0xE8, 1, 0, 0, 0]) * 50
    archive = pack(calls, recipe=KeptRecipe(bytes([X86]), RECIPE))
    assert multum.unpack_bytes(archive) == calls


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no recipe file: .*Expecting value"),
        (b"\xff\xfe", "is no recipe file"),
        (b"[1]", "its format is not 'multum recipe 1'"),
        (b'{"format": "multum recipe 2"}', "its format is not"),
        (b'{"format": "multum recipe 1", "recipe": ""}', "it has no 'transforms'"),
        (b'{"format": "multum recipe 1", "transforms": "", "recipe": "zz"}', "non-hexadecimal"),
        (b'{"format": "multum recipe 1", "transforms": "", "recipe": "00"}', "recipe ends after 1 bytes"),
        (b'{"format": "multum recipe 1", "transforms": "ff", "recipe": "00"}', "uses transform 255"),
        (b'{"format": "multum recipe 1", "transforms": 1, "recipe": ""}', "is no recipe file"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_written(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_bytes(content)
    (tmp_path / "data").write_bytes(b"data")
    with pytest.raises(multum.FormatError, match=said):
        multum.pack(tmp_path / "data", recipe=tmp_path / "wrong")
    assert not (tmp_path / "data.mtm").exists()


def test_an_archive_of_stored_data_has_no_recipe_to_lend(tmp_path: Path) -> None:
    (tmp_path / "empty.mtm").write_bytes(multum.pack_bytes(b""))
    with pytest.raises(multum.UsageError, match="holds stored data only"):
        read_recipe(tmp_path / "empty.mtm")
