"""Tensors of safetensors files have blocks of their own, wherever the file comes from."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multum
from multum.archive import coding, planning
from multum.tensors.grids import Grid
from tests.archive.checkpoints import Tensors, bfloat16, make_grid, model, safetensors, spread, weights
from tests.archive.samples import text
from tests.archive.streams import one_byte_stream, pieces_stream

FILE = safetensors(model())


def methods(archive: bytes) -> list[str]:
    return [part.method for part in multum.list_archive(io.BytesIO(archive)).parts]


def grid_file(grid: Grid) -> bytes:
    return safetensors({"w": ("BF16", grid.codes.shape, grid.values().tobytes()), **model(3)})


@pytest.mark.parametrize("level", [1, 5, 9])
def test_tensors_are_coded_as_tensors_at_every_level(level: int) -> None:
    archive = multum.pack_bytes(FILE, level)
    assert methods(archive) == ["mixed", "tensor", "stored", "stored", *["tensor"] * 4]
    assert multum.unpack_bytes(archive, 1) == multum.unpack_bytes(archive, 3) == FILE
    assert archive == multum.pack_bytes(FILE, level, 1)


def test_a_file_and_a_pipe_of_any_pieces_give_one_archive(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(FILE)
    multum.pack(tmp_path / "model.safetensors", tmp_path / "a.mtm", metadata=False)
    whole = multum.pack_bytes(FILE)
    assert (tmp_path / "a.mtm").read_bytes() == whole
    for lengths in ([1], [7, 8, 1], [1000, 3]):
        target = io.BytesIO()
        multum.pack(pieces_stream(FILE, lengths), target)
        assert target.getvalue() == whole


@settings(max_examples=25)
@given(st.integers(0, len(FILE)), st.sampled_from([b"", b"more", b"{", FILE]))
def test_a_file_that_is_cut_or_goes_on_comes_back(size: int, more: bytes) -> None:
    data = FILE[:size] + more
    assert multum.unpack_bytes(multum.pack_bytes(data, 1)) == data


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2) + b"{}" + text(30_000),
        struct.pack("<Q", 1 << 40) + b"{" + text(30_000),
        struct.pack("<Q", 20_000) + b"{" + text(30_000),
        struct.pack("<Q", 20_000) + b"{",
        FILE.replace(b"BF16", b"BF17"),
        safetensors({"a": ("F32", (100,), bytes(400))}),
    ],
)
def test_what_is_no_safetensors_file_or_a_small_one_is_bytes_like_any_other(data: bytes) -> None:
    archive = multum.pack_bytes(data, 1)
    assert methods(archive) == ["mixed"]
    assert multum.unpack_bytes(archive) == data


def test_files_within_a_folder_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "empty").write_bytes(b"")
    (folder / "sub" / "weights").write_bytes(FILE)
    (folder / "sub" / "x.safetensors").write_bytes(FILE[:-1])
    multum.pack(folder, tmp_path / "a.mtm", 1)
    listing = multum.list_archive(tmp_path / "a.mtm")
    assert [part.method for part in listing.parts].count("tensor") == 5
    assert max(part.raw_bytes for part in listing.parts) <= listing.block_bytes == coding.block_bytes(1)
    multum.unpack(tmp_path / "a.mtm", tmp_path / "back")
    assert (tmp_path / "back" / "sub" / "weights").read_bytes() == FILE
    assert (tmp_path / "back" / "sub" / "x.safetensors").read_bytes() == FILE[:-1]


def test_blocks_begin_at_tensors_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_LARGE_BYTES", 6000)
    monkeypatch.setattr(planning, "_SHEET_BYTES", 8192)
    listing = multum.list_archive(io.BytesIO(multum.pack_bytes(FILE, 1)))
    sizes = [part.raw_bytes for part in listing.parts if part.method in ("tensor", "stored")]
    assert sizes == [8192, 8192, 8192, 160, 8, 5120, 5120, 5120, 768, 2600]
    with multum.open(io.BytesIO(multum.pack_bytes(FILE, 1))) as file:
        file.seek(len(FILE) - 2600)
        assert file.read() == FILE[-2600:]


def test_a_row_that_is_longer_than_a_block_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_SHEET_BYTES", 1000)
    data = safetensors({"a": ("F32", (2, 3000), weights(2, 3000, 1).tobytes())})
    archive = multum.pack_bytes(data, 1)
    assert multum.unpack_bytes(archive) == data
    sizes = [part.raw_bytes for part in multum.list_archive(io.BytesIO(archive)).parts[1:]]
    assert (sum(sizes), max(sizes)) == (24_000, 1000)


def test_a_recipe_that_is_named_codes_tensors_too(tmp_path: Path) -> None:
    (tmp_path / "a.mtm").write_bytes(multum.pack_bytes(text(3000), 1))
    multum.pack(io.BytesIO(FILE), tmp_path / "b.mtm", recipe=tmp_path / "a.mtm")
    assert {part.method for part in multum.list_archive(tmp_path / "b.mtm").parts} == {"mixed"}


def test_the_memory_stated_suffices_for_each_method() -> None:
    for level in range(1, 10):
        most = coding.tensor_block_bytes(coding.Coder(level))
        block = coding.CodedBlock(most, 4, b"", b"", b"")
        assert coding.memory_bytes(block) <= coding.level_memory_bytes(level, coding.block_bytes(level))


def test_what_repeats_is_stored_once(tmp_path: Path) -> None:
    first = weights(128, 96, 5).tobytes()
    tensors: Tensors = {"a": ("F32", (128, 96), first), "b": ("BF16", (96, 128), model()["embedding"][2])}
    data = safetensors({**tensors, "c": ("F32", (128, 96), first)})
    archive = multum.pack_bytes(data, 1)
    assert methods(archive)[1:] == ["tensor", "tensor", "repeat"]
    assert len(archive) < len(multum.pack_bytes(safetensors(tensors), 1)) + 100
    assert multum.unpack_bytes(archive, 1) == multum.unpack_bytes(archive, 3) == data
    with multum.open(io.BytesIO(archive)) as file:
        file.seek(-5, io.SEEK_END)
        assert file.read() == data[-5:]
    back = io.BytesIO()
    multum.unpack(one_byte_stream(archive), back)
    assert back.getvalue() == data


def test_what_cannot_be_made_shorter_is_stored_each_time() -> None:
    noise = spread(4096, 1).astype("<u8").tobytes()
    data = safetensors({"a": ("U64", (4096,), noise), "b": ("F32", (1,), bytes(4)), "c": ("U64", (4096,), noise)})
    archive = multum.pack_bytes(data, 1)
    assert methods(archive)[1:] == ["stored", "stored", "stored"]
    assert multum.unpack_bytes(archive) == data


def test_tensors_on_a_grid_are_coded_as_its_integers(tmp_path: Path) -> None:
    grid = make_grid()
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(grid_file(grid))
    given = {"model.safetensors": {"w": grid}}
    report = multum.pack(folder, tmp_path / "a.mtm", 1, grids=given, verify=True)
    listing = multum.list_archive(tmp_path / "a.mtm")
    assert [part.method for part in listing.parts].count("grid") == 1
    assert report.archive_bytes < multum.pack(folder, tmp_path / "b.mtm", 1).archive_bytes - 1000
    multum.unpack(tmp_path / "a.mtm", tmp_path / "back")
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == grid_file(grid)


def test_a_single_file_has_grids_by_its_name(tmp_path: Path) -> None:
    grid = make_grid()
    (tmp_path / "m.safetensors").write_bytes(
        safetensors({"w": ("BF16", (60, 50), grid.values().tobytes()), "b": ("BF16", (2,), bfloat16(weights(1, 2, 1)))})
    )
    multum.pack(tmp_path / "m.safetensors", tmp_path / "a.mtm", 1, grids={"m.safetensors": {"w": grid}})
    assert "grid" in [part.method for part in multum.list_archive(tmp_path / "a.mtm").parts]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"other": {"w": make_grid()}}, "there are grids for 'other' and no safetensors file so named"),
        ({"m": {"v": make_grid()}}, "a grid for tensor 'v' and no such tensor; tensors are w, embedding"),
        (
            {"m": {"w": make_grid(50, 50)}},
            r"tensor 'w' is BF16 of shape \[60, 50\]; its grid is BF16 of shape \[50, 50",
        ),
        ({"m": {"w": make_grid(50, 60)}}, "tensor 'w' has other values than its grid in rows 0 to 50"),
        ({"text": {"w": make_grid()}}, "there are grids for w in a file that is not safetensors"),
    ],
)
def test_grids_that_do_not_fit_are_refused(tmp_path: Path, given: dict[str, dict[str, Grid]], message: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "m").write_bytes(grid_file(make_grid()))
    (tmp_path / "d" / "text").write_bytes(text(1000))
    with pytest.raises(multum.UsageError, match=message):
        multum.pack(tmp_path / "d", tmp_path / "a.mtm", 1, grids=given)
    assert not (tmp_path / "a.mtm").exists()


def test_grids_go_with_neither_recipe_nor_program(tmp_path: Path) -> None:
    (tmp_path / "a.mtm").write_bytes(multum.pack_bytes(text(3000), 1))
    with pytest.raises(multum.UsageError, match="without a recipe or a program; name neither"):
        multum.pack(io.BytesIO(FILE), io.BytesIO(), recipe=tmp_path / "a.mtm", grids={"m": {"w": make_grid()}})


def test_every_truncation_and_flip_is_refused() -> None:
    tensors = {"a": ("F32", (9, 8), weights(9, 8, 1).tobytes())}
    archive = multum.pack_bytes(safetensors({**tensors, "b": tensors["a"]}, text(10)), 1)
    for position in range(len(archive)):
        flipped = bytearray(archive)
        flipped[position] ^= 0x40
        for bad in (archive[:position], bytes(flipped)):
            with pytest.raises(multum.MultumError, match=r"."):
                multum.unpack_bytes(bad)
